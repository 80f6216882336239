#include "irtd/probe.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include "irtd/parallel.hpp"
#include "jpeg_markers.hpp"
#include "probe_source.hpp"

namespace irtd {
namespace {

constexpr std::size_t kWindow = std::size_t{64} << 10;
constexpr std::size_t kHead = 4096;  // holds the frame header of nearly every JPEG
constexpr std::int64_t kMaxPixels = std::int64_t{1} << 28;
constexpr std::int64_t kMaxJpegSide = 65500;
constexpr std::int64_t kMaxSide = std::int64_t{1} << 20;
constexpr std::string_view kLfsPointer = "version https://git-lfs";

using detail::ProbeSource;

/// A file descriptor that is closed when it goes out of scope.
class File final : public ProbeSource {
 public:
  explicit File(const std::string& path) noexcept
      // O_NONBLOCK: opening a FIFO must not wait for somebody to write into it.
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() override {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int fd() const noexcept { return fd_; }

  std::ptrdiff_t read_at(std::uint8_t* buffer, std::size_t size,
                         std::uint64_t offset) const override {
    std::size_t done = 0;
    while (done < size) {
      const ssize_t got =
          ::pread(fd_, buffer + done, size - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return -1;
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return static_cast<std::ptrdiff_t>(done);
  }

 private:
  int fd_;
};

/// A file that is in memory.
class Memory final : public ProbeSource {
 public:
  explicit Memory(Bytes data) noexcept : data_(data) {}
  std::ptrdiff_t read_at(std::uint8_t* buffer, std::size_t size,
                         std::uint64_t offset) const override {
    if (offset >= data_.size()) return 0;
    const auto start = static_cast<std::size_t>(offset);
    const std::size_t count = std::min(size, data_.size() - start);
    std::memcpy(buffer, data_.data() + start, count);
    return static_cast<std::ptrdiff_t>(count);
  }

 private:
  Bytes data_;
};

std::uint32_t big32(const std::uint8_t* p) noexcept {
  return (std::uint32_t{p[0]} << 24) | (std::uint32_t{p[1]} << 16) | (std::uint32_t{p[2]} << 8) |
         p[3];
}

std::uint32_t little32(const std::uint8_t* p) noexcept {
  return (std::uint32_t{p[3]} << 24) | (std::uint32_t{p[2]} << 16) | (std::uint32_t{p[1]} << 8) |
         p[0];
}

int little16(const std::uint8_t* p) noexcept { return (p[1] << 8) | p[0]; }

using detail::accept_probe;
using detail::fail_probe;

void fail_errno(ImageProbe& probe, const char* what) {
  fail_probe(probe, "unreadable",
             std::string(what) + ": " + std::generic_category().message(errno));
}

void probe_jpeg(ImageProbe& probe, const ProbeSource& file, std::vector<std::uint8_t>& window,
                std::size_t size) {
  using Status = detail::JpegWalk::Status;
  detail::JpegWalk walk(detail::JpegWalk::Until::frame);
  std::uint64_t base = 0;
  std::size_t asked = kHead;
  while (true) {
    const Status status = walk.feed({window.data(), size}, base);
    if (status == Status::done) break;
    if (status == Status::bad) {
      fail_probe(probe, "not-an-image", std::string("jpeg: ") + walk.problem());
      return;
    }
    // A segment is at most 64 KiB + 1, so a full window that starts at its marker and still does
    // not hold what is needed of it means that the file ends there.
    const bool at_marker = base == walk.position() && base > 0;
    if (size < asked || at_marker) {
      fail_probe(probe, "truncated-image", "jpeg: the file ends before its frame header");
      return;
    }
    base = walk.position();
    asked = window.size();
    const std::ptrdiff_t got = file.read_at(window.data(), asked, base);
    if (got < 0) return fail_errno(probe, "read");
    size = static_cast<std::size_t>(got);
  }
  accept_probe(probe, "jpeg", walk.header().height, walk.header().width, walk.header().components,
               walk.precision() > 8 ? 16 : 8);
  if (probe.ok()) probe.orientation = walk.orientation();
}

void probe_png(ImageProbe& probe, Bytes head) {
  if (head.size() < 33) {  // signature, IHDR with its length, type and CRC
    return fail_probe(probe, "truncated-image", "png: the file ends within its header");
  }
  if (big32(head.data() + 8) != 13 || std::memcmp(head.data() + 12, "IHDR", 4) != 0) {
    return fail_probe(probe, "not-an-image", "png: no IHDR chunk");
  }
  const int bits = head[24];
  const int color = head[25];
  int channels = 0;
  switch (color) {
    case 0:  // gray
    case 3:  // palette
      channels = 1;
      break;
    case 2:
      channels = 3;
      break;
    case 4:  // gray and alpha
      channels = 2;
      break;
    case 6:
      channels = 4;
      break;
    default:
      break;
  }
  const bool known_bits = bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16;
  if (channels == 0 || !known_bits) {
    return fail_probe(probe, "not-an-image",
                      "png: colour type " + std::to_string(color) + " with " +
                          std::to_string(bits) + " bits does not exist");
  }
  accept_probe(probe, "png", big32(head.data() + 20), big32(head.data() + 16), channels,
               bits == 16 ? 16 : 8);
}

void probe_bmp(ImageProbe& probe, Bytes head) {
  if (head.size() < 30) {
    return fail_probe(probe, "truncated-image", "bmp: the file ends within its header");
  }
  const std::uint32_t header_size = little32(head.data() + 14);
  std::int64_t width = 0;
  std::int64_t height = 0;
  int bits = 0;
  if (header_size == 12) {  // OS/2 1.x
    width = little16(head.data() + 18);
    height = little16(head.data() + 20);
    bits = little16(head.data() + 24);
  } else if (header_size >= 40 && header_size <= 1024) {
    width = static_cast<std::int32_t>(little32(head.data() + 18));
    height = static_cast<std::int32_t>(little32(head.data() + 22));
    height = height < 0 ? -height : height;  // negative: the rows are stored top to bottom
    bits = little16(head.data() + 28);
  } else {
    return fail_probe(probe, "not-an-image",
                      "bmp: an info header of " + std::to_string(header_size) + " bytes");
  }
  const std::array<int, 6> known{1, 4, 8, 16, 24, 32};
  if (std::find(known.begin(), known.end(), bits) == known.end()) {
    return fail_probe(probe, "not-an-image", "bmp: " + std::to_string(bits) + " bits per pixel");
  }
  accept_probe(probe, "bmp", height, width, bits <= 8 ? 1 : (bits == 32 ? 4 : 3), 8);
}

bool starts_with(Bytes head, std::string_view magic) {
  return head.size() >= magic.size() && std::memcmp(head.data(), magic.data(), magic.size()) == 0;
}

bool is_tiff(Bytes head) {
  using namespace std::string_view_literals;
  return starts_with(head, "II*\0"sv) || starts_with(head, "MM\0*"sv) ||
         starts_with(head, "II+\0"sv) || starts_with(head, "MM\0+"sv);  // 43: BigTIFF
}

bool is_fff(Bytes head) {
  using namespace std::string_view_literals;
  return starts_with(head, "FFF\0"sv) || starts_with(head, "AFF\0"sv);
}

void probe_content(ImageProbe& probe, const ProbeSource& file, std::vector<std::uint8_t>& window) {
  const std::ptrdiff_t got = file.read_at(window.data(), kHead, 0);
  if (got < 0) return fail_errno(probe, "read");
  const Bytes head(window.data(), static_cast<std::size_t>(got));
  if (head.empty()) return fail_probe(probe, "empty-file", "the file has no bytes");
  if (starts_with(head, "\xFF\xD8\xFF")) return probe_jpeg(probe, file, window, head.size());
  if (starts_with(head, "\x89PNG\r\n\x1A\n")) return probe_png(probe, head);
  if (starts_with(head, "BM")) return probe_bmp(probe, head);
  if (is_tiff(head)) return detail::probe_tiff(probe, file, head);
  if (starts_with(head, "GIF87a") || starts_with(head, "GIF89a")) {
    return detail::probe_gif(probe, head);
  }
  if (starts_with(head, "RIFF") && head.size() >= 12 &&
      std::memcmp(head.data() + 8, "WEBP", 4) == 0) {
    return detail::probe_webp(probe, head);
  }
  if (is_fff(head)) {
    probe.encoding = "fff";
    return;
  }
  if (starts_with(head, kLfsPointer)) {
    return fail_probe(probe, "lfs-pointer",
                      "a git-lfs pointer instead of the picture: run git lfs pull in the dump");
  }
  fail_probe(probe, "not-an-image", "the first bytes are of no picture format we know");
}

ImageProbe probe_with(const std::string& path, std::vector<std::uint8_t>& window) {
  ImageProbe probe;
  if (path.find('\0') != std::string::npos) {
    fail_probe(probe, "unreadable", "a path with a NUL character");
    return probe;
  }
  const File file(path);
  if (file.fd() < 0) {
    fail_errno(probe, "open");
    return probe;
  }
  struct stat info{};
  if (::fstat(file.fd(), &info) != 0) {
    fail_errno(probe, "stat");
    return probe;
  }
  probe.size = info.st_size;
  probe.mtime_ns = std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
  if (!S_ISREG(info.st_mode)) {
    fail_probe(probe, "unreadable", "not a regular file");
    return probe;
  }
  window.resize(kWindow);
  probe_content(probe, file, window);
  return probe;
}

}  // namespace

namespace detail {

void fail_probe(ImageProbe& probe, const char* code, std::string message) {
  probe.encoding = "";
  probe.height = probe.width = probe.channels = probe.bits = 0;
  probe.code = code;
  probe.message = std::move(message);
}

void accept_probe(ImageProbe& probe, const char* encoding, std::int64_t height, std::int64_t width,
                  int channels, int bits) {
  const std::int64_t side = encoding == std::string_view("jpeg") ? kMaxJpegSide : kMaxSide;
  if (height <= 0 || width <= 0) {
    fail_probe(probe, "not-an-image", std::string(encoding) + " header with a zero size");
    return;
  }
  // The sides first: their product may not fit otherwise.
  if (height > side || width > side || height * width > kMaxPixels) {
    fail_probe(probe, "huge-image",
               std::string(encoding) + " header claims " + std::to_string(height) + " x " +
                   std::to_string(width) + " pixels");
    return;
  }
  probe.encoding = encoding;
  probe.height = static_cast<int>(height);
  probe.width = static_cast<int>(width);
  probe.channels = channels;
  probe.bits = bits;
}

}  // namespace detail

ImageProbe probe_bytes(Bytes data) {
  ImageProbe probe;
  probe.size = static_cast<std::int64_t>(data.size());
  std::vector<std::uint8_t> window(kWindow);
  probe_content(probe, Memory(data), window);
  return probe;
}

ImageProbe probe_image(const std::string& path) {
  std::vector<std::uint8_t> window;
  return probe_with(path, window);
}

std::vector<ImageProbe> probe_images(Span<const std::string> paths, int threads) {
  const int count = threads > 0 ? threads : available_threads();
  std::vector<ImageProbe> probes(paths.size());
  std::vector<std::vector<std::uint8_t>> windows(static_cast<std::size_t>(count));
  parallel_for(paths.size(), count, [&](std::size_t i, int worker) {
    probes[i] = probe_with(paths[i], windows[static_cast<std::size_t>(worker)]);
  });
  return probes;
}

}  // namespace irtd
