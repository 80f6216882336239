// Asking the kernel to read before anybody waits for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "irtd/file.hpp"

namespace irtd {

/// Stored bytes somewhere in an open file.
struct FileExtent {
  std::shared_ptr<const File> file;
  std::uint64_t offset = 0;
  std::uint64_t nbytes = 0;
};

/// Starts reading what of these extents is not in the page cache, and returns without waiting for
/// it; gives the bytes asked for.
///
/// Extents are sorted and joined where they (almost) touch, so that small samples make large reads.
/// Whether bytes are cached is found by reads that may not wait (preadv2 with RWF_NOWAIT); on file
/// systems without them everything is asked for. Never fails: the read that follows says what is
/// wrong.
std::uint64_t read_ahead(std::vector<FileExtent> extents);

}  // namespace irtd
