#include "irtd/read_ahead.hpp"

#include <fcntl.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <tuple>
#include <utility>

namespace irtd {
namespace {

constexpr std::uint64_t kGap = 32 * 1024;     // read along rather than seek
constexpr std::uint64_t kPiece = 256 * 1024;  // the kernel cuts off longer requests
constexpr std::uint64_t kMost = 64 << 20;     // one join; bounds what a damaged index can ask for

/// Whether the byte at `offset` is in the page cache, as far as can be told without waiting.
bool is_cached(int fd, std::uint64_t offset) {
  std::uint8_t byte = 0;
  const iovec part{&byte, 1};
  ssize_t n = 0;
  do {
    n = ::preadv2(fd, &part, 1, static_cast<off_t>(offset), RWF_NOWAIT);
  } while (n < 0 && errno == EINTR);
  return n == 1;
}

/// Ends and middle: a chunk is evicted page by page, but rarely by a single one.
bool seems_cached(const FileExtent& extent) {
  const int fd = extent.file->fd();
  return is_cached(fd, extent.offset) && is_cached(fd, extent.offset + extent.nbytes / 2) &&
         is_cached(fd, extent.offset + extent.nbytes - 1);
}

void ask_for(const FileExtent& extent) {
  for (std::uint64_t done = 0; done < extent.nbytes; done += kPiece) {
    ::posix_fadvise(extent.file->fd(), static_cast<off_t>(extent.offset + done),
                    static_cast<off_t>(std::min(kPiece, extent.nbytes - done)),
                    POSIX_FADV_WILLNEED);
  }
}

/// Appends `next` to `last` if they are close enough for one read.
bool join(FileExtent& last, const FileExtent& next) {
  if (last.file != next.file || next.offset > last.offset + last.nbytes + kGap) return false;
  const std::uint64_t end = std::max(last.offset + last.nbytes, next.offset + next.nbytes);
  if (end - last.offset > kMost) return false;
  last.nbytes = end - last.offset;
  return true;
}

}  // namespace

std::uint64_t read_ahead(std::vector<FileExtent> extents) {
  extents.erase(
      std::remove_if(extents.begin(), extents.end(),
                     [](const FileExtent& e) { return e.nbytes == 0 || seems_cached(e); }),
      extents.end());
  std::sort(extents.begin(), extents.end(), [](const FileExtent& a, const FileExtent& b) {
    return a.file != b.file ? std::less<const File*>()(a.file.get(), b.file.get())
                            : a.offset < b.offset;
  });
  std::uint64_t asked = 0;
  for (std::size_t i = 0; i < extents.size();) {
    FileExtent run = std::move(extents[i]);
    for (++i; i < extents.size() && join(run, extents[i]); ++i) {
    }
    ask_for(run);
    asked += run.nbytes;
  }
  return asked;
}

}  // namespace irtd
