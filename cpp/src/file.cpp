#include "irtd/file.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "irtd/error.hpp"

namespace irtd {
namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

File::File(File&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
    path_ = std::move(other.path_);
  }
  return *this;
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

File File::open_read(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw Error::from_errno(errno, "cannot open", path);
  return File(fd, path);
}

File File::create(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) throw Error::from_errno(errno, "cannot create", path);
  return File(fd, path);
}

bool File::set_direct(bool direct) const noexcept {
  const int flags = ::fcntl(fd_, F_GETFL);
  if (flags < 0) return false;
  return ::fcntl(fd_, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

std::uint64_t File::size() const { return static_cast<std::uint64_t>(stamp().size); }

FileStamp File::stamp() const {
  struct stat info{};
  if (::fstat(fd_, &info) != 0) throw Error::from_errno(errno, "cannot stat", path_);
  constexpr std::int64_t kSecond = 1'000'000'000;
  return {info.st_size, std::int64_t{info.st_mtim.tv_sec} * kSecond + info.st_mtim.tv_nsec};
}

void File::read_exact(MutableBytes out, std::uint64_t offset) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n =
        ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Error::from_errno(errno, "cannot read", path_);
    if (n == 0) throw Error(Errc::corrupt, "file ends too early").at_path(path_);
    done += static_cast<std::size_t>(n);
  }
}

void File::read_exact2(MutableBytes first, MutableBytes second, std::uint64_t offset) const {
  iovec parts[2] = {{first.data(), first.size()}, {second.data(), second.size()}};
  ssize_t n = 0;
  do {
    n = ::preadv(fd_, parts, 2, static_cast<off_t>(offset));
  } while (n < 0 && errno == EINTR);
  if (n < 0) throw Error::from_errno(errno, "cannot read", path_);
  const auto done = static_cast<std::size_t>(n);
  if (done == first.size() + second.size()) return;
  // A short read: finish each part the plain way.
  const std::size_t in_first = std::min(done, first.size());
  const std::size_t in_second = done - in_first;
  read_exact(first.subspan(in_first, first.size() - in_first), offset + in_first);
  read_exact(second.subspan(in_second, second.size() - in_second),
             offset + first.size() + in_second);
}

void File::write_exact(Bytes data, std::uint64_t offset) const {
  std::size_t done = 0;
  while (done < data.size()) {
    const ssize_t n =
        ::pwrite(fd_, data.data() + done, data.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Error::from_errno(n < 0 ? errno : EIO, "cannot write", path_);
    done += static_cast<std::size_t>(n);
  }
}

void File::sync() const {
  if (::fdatasync(fd_) != 0) throw Error::from_errno(errno, "cannot sync", path_);
}

void File::close() {
  const int fd = std::exchange(fd_, -1);
  // Linux has closed the descriptor even when it says EINTR.
  if (fd >= 0 && ::close(fd) != 0 && errno != EINTR)
    throw Error::from_errno(errno, "cannot close", path_);
}

std::size_t read_file(const std::string& path, std::vector<std::uint8_t>& out,
                      std::uint64_t max_bytes, FileStamp* stamp) {
  const File file = File::open_read(path);
  const FileStamp found = file.stamp();
  if (stamp != nullptr) *stamp = found;
  const auto size = static_cast<std::uint64_t>(found.size);
  if (size > max_bytes) {
    throw Error(Errc::decode, "file of " + std::to_string(size) +
                                  " bytes is larger than the limit of " + std::to_string(max_bytes))
        .at_path(path);
  }
  const auto n = static_cast<std::size_t>(size);
  if (out.size() < n) out.resize(n);
  file.read_exact(MutableBytes(out.data(), n), 0);
  return n;
}

void sync_directory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw Error::from_errno(errno, "cannot open", directory);
  const int status = ::fsync(fd);
  const int err = errno;
  ::close(fd);
  // Some network file systems do not sync directories; the rename itself has happened.
  if (status != 0 && err != EINVAL && err != ENOTSUP) {
    throw Error::from_errno(err, "cannot sync", directory);
  }
}

void rename_durably(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    throw Error::from_errno(errno, "cannot rename", from);
  sync_directory(parent_of(to));
}

bool exchange_paths(const std::string& a, const std::string& b) {
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) {
    sync_directory(parent_of(a));
    sync_directory(parent_of(b));
    return true;
  }
  if (errno == EINVAL || errno == ENOSYS || errno == ENOTSUP) return false;
  throw Error::from_errno(errno, "cannot exchange with " + b, a);
}

void drop_from_cache(const std::string& path) {
  const File file = File::open_read(path);
  ::fdatasync(file.fd());  // dirty pages cannot be dropped
  const int err = ::posix_fadvise(file.fd(), 0, 0, POSIX_FADV_DONTNEED);
  if (err != 0) throw Error::from_errno(err, "cannot advise", path);
}

}  // namespace irtd
