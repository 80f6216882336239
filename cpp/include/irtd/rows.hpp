// Delimited text to numbers: one pass over the bytes, nothing guessed, every defect with its line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "irtd/view.hpp"

namespace irtd {

/// What is done with a column.
enum class ColumnKind : std::uint8_t {
  skip,    ///< not looked at
  number,  ///< a decimal number
  text,    ///< kept as a place in the input
};

/// What became of a row.
enum class RowStatus : std::uint8_t {
  good = 0,
  blank = 1,         ///< an empty line between two others
  few_columns = 2,   ///< fewer than asked for
  many_columns = 3,  ///< more than asked for
  not_a_number = 4,  ///< a number column holds something else (`inf` and hexadecimal included)
  nan = 5,           ///< every number column was read, at least one is `nan`
  overflow = 6,      ///< a number beyond float64; what is nearer to 0 than any is 0
  bad_quotes = 7,    ///< a quotation mark is missing, or something follows one
};

struct RowFormat {
  std::vector<ColumnKind> columns;
  /// Further columns may follow and are not looked at.
  bool open_end = false;
  /// Only a comma separates, and a cell may stand in quotation marks (RFC 4180, but for line ends
  /// within a cell); marks doubled inside a cell stay doubled.
  bool quoted = false;
  /// Lines that begin with one of these (after blanks) are passed over and do not count as rows.
  std::vector<std::string> comments;
  /// Lines at the beginning that are passed over.
  std::size_t skip_lines = 0;
  /// Where reading stops.
  std::size_t max_rows = 4000000;
};

struct Rows {
  /// Row-major, rows × number columns; NaN in rows whose status is not good.
  std::vector<double> numbers;
  /// Rows × text columns × (begin, end) offsets into the input.
  std::vector<std::int64_t> texts;
  std::vector<std::int64_t> starts;  ///< where each row's line begins
  std::vector<std::int64_t> lines;   ///< number of each row's line, from 1
  std::vector<RowStatus> status;
  std::vector<std::int32_t> columns;  ///< column of the defect, from 0; -1 if the row has none
  bool cut = false;                   ///< there are more rows than `max_rows`
};

/// Reads a table. A UTF-8 byte order mark, CRLF, CR, blank lines at the end and a missing last line
/// end are taken as they come. Columns are separated by a comma or semicolon with blanks around
/// it, or by blanks (space, tab); a separator at the end of a full row is passed over.
///
/// A number is `[+-] digits [. digits] [e [+-] digits]` with at least one digit before the
/// exponent, rounded to the nearest float64; `nan` in any case is one too, marked in the status.
/// Blank lines between others are rows of their own, since the place of a row may have a meaning.
Rows parse_rows(Bytes text, const RowFormat& format);

/// The number in `[begin, end)`; the status is good, nan, overflow or not_a_number.
RowStatus parse_number(const std::uint8_t* begin, const std::uint8_t* end, double& value);

}  // namespace irtd
