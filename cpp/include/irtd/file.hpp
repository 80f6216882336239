// Owned file descriptors and whole-range reads and writes; every failure names its file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "irtd/view.hpp"

namespace irtd {

/// What O_DIRECT asks of offsets, lengths and addresses; covers every block size in use.
constexpr std::uint64_t kDirectAlignment = 4096;

/// What tells one version of a file from another.
struct FileStamp {
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;
};

/// A file descriptor with its path; closed by its owner's destructor.
class File {
 public:
  File() = default;
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  static File open_read(const std::string& path);
  /// Creates or truncates.
  static File create(const std::string& path);
  /// Makes writes bypass the page cache (offset, length and memory must be multiples of
  /// kDirectAlignment), or go through it again; false where the file system cannot.
  bool set_direct(bool direct) const noexcept;

  int fd() const noexcept { return fd_; }
  const std::string& path() const noexcept { return path_; }
  std::uint64_t size() const;
  FileStamp stamp() const;

  /// Reads exactly `out`; the end of the file before that is Errc::corrupt.
  void read_exact(MutableBytes out, std::uint64_t offset) const;
  /// Reads exactly `first` then `second`, which lie one after the other in the file.
  void read_exact2(MutableBytes first, MutableBytes second, std::uint64_t offset) const;
  void write_exact(Bytes data, std::uint64_t offset) const;
  void sync() const;
  void close();

 private:
  File(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_ = -1;
  std::string path_;
};

/// Reads a whole file into `out` (reused, grown as needed); returns the number of bytes
/// and says which version of the file they are from.
std::size_t read_file(const std::string& path, std::vector<std::uint8_t>& out,
                      std::uint64_t max_bytes, FileStamp* stamp = nullptr);

/// Makes a rename in `directory` durable.
void sync_directory(const std::string& directory);

/// Renames `from` to `to` (replacing it) and syncs the directory.
void rename_durably(const std::string& from, const std::string& to);

/// Swaps two paths in one step (renameat2 RENAME_EXCHANGE); false if the file system cannot.
bool exchange_paths(const std::string& a, const std::string& b);

/// Drops the clean pages of a file from the page cache (posix_fadvise DONTNEED).
void drop_from_cache(const std::string& path);

}  // namespace irtd
