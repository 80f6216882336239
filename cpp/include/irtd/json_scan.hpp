// A look at JSON text before anybody builds objects of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "irtd/view.hpp"

namespace irtd {

/// A member of the outermost object; offsets into the text.
struct JsonMember {
  std::size_t key_begin = 0;  ///< behind the quotation mark
  std::size_t key_end = 0;
  std::size_t begin = 0;  ///< of the value
  std::size_t end = 0;
  /// If the value is a list: the comma behind each 256 entries, so that it can be read in pieces.
  std::vector<std::size_t> commas;
};

struct JsonScan {
  std::string error;      ///< what is wrong, "" if the text is JSON
  std::int64_t line = 0;  ///< where, from 1
  std::vector<JsonMember> members;
  std::vector<std::int64_t> duplicates;  ///< lines of keys that their object has already
  std::vector<std::int64_t> not_finite;  ///< lines of NaN, Infinity and -Infinity
  char kind = 0;                         ///< first character of the outermost value
};

/// Checks text against RFC 8259 without recursion, in one pass and memory that grows with the
/// depth: grammar, at most `max_depth` levels, numbers of at most `max_digits` characters, no zero
/// or control bytes in strings. `NaN`, `Infinity` and `-Infinity`, which some writers use and JSON
/// does not know, are noted. Of these and of doubled keys no more than 100 are noted. A UTF-8 byte
/// order mark is passed over. Keys are compared as they are spelt, escapes included; of an object
/// with more than `max_keys` keys only the first so many are compared. Whether strings are UTF-8 is
/// not checked.
JsonScan scan_json(Bytes text, std::size_t max_depth = 64, std::size_t max_digits = 300,
                   std::size_t max_keys = 512);

}  // namespace irtd
