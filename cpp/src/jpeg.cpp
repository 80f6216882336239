#include "irtd/jpeg.hpp"

#include <turbojpeg.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>

#include "irtd/error.hpp"
#include "irtd/normalize.hpp"
#include "jpeg_markers.hpp"

namespace irtd {
namespace {

using detail::JpegColor;
using detail::JpegWalk;

/// A TurboJPEG handle for one call.
///
/// Deliberately not kept from call to call: making one takes 0.1 µs, and a used one remembers
/// tables. A file without its quantisation tables would be decoded with those of the picture
/// before it, and a baseline file encoded after a progressive one lacks Huffman codes (2.1).
class Handle {
 public:
  explicit Handle(tjhandle handle) : handle_(handle) {
    if (handle == nullptr) throw Error(Errc::internal, "TurboJPEG could not be initialised");
  }
  ~Handle() { tjDestroy(handle_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  tjhandle get() const noexcept { return handle_; }

 private:
  tjhandle handle_;
};

[[noreturn]] void throw_decode(const std::string& why) {
  throw Error(Errc::decode, "JPEG: " + why);
}

/// Scratch of this thread; a single huge picture does not keep its memory for ever.
class Scratch {
 public:
  std::uint8_t* reserve(std::size_t size) {
    if (buffer_.size() < size) buffer_.resize(size);
    return buffer_.data();
  }
  void trim() {
    if (buffer_.size() > kKeep) std::vector<std::uint8_t>().swap(buffer_);
  }

 private:
  static constexpr std::size_t kKeep = std::size_t{64} << 20;
  std::vector<std::uint8_t> buffer_;
};

Scratch& thread_scratch() {
  thread_local Scratch scratch;
  return scratch;
}

JpegWalk walk_to_scan(Bytes data, const JpegLimits& limits) {
  JpegWalk walk(JpegWalk::Until::scan);
  const JpegWalk::Status status = walk.feed(data, 0);
  if (status == JpegWalk::Status::more) throw_decode("the file ends within its header");
  if (status == JpegWalk::Status::bad) throw_decode(walk.problem());
  const JpegHeader& header = walk.header();
  if (walk.precision() != 8) {
    throw_decode(std::to_string(walk.precision()) + " bits per sample, only 8 are supported");
  }
  if (header.components != 1 && header.components != 3) {
    throw_decode(std::to_string(header.components) + " components, only 1 and 3 are supported");
  }
  const std::int64_t pixels = std::int64_t{header.height} * header.width;
  if (pixels > limits.max_pixels) {
    throw_decode(std::to_string(header.height) + " x " + std::to_string(header.width) +
                 " pixels exceed the limit of " + std::to_string(limits.max_pixels));
  }
  if (walk.multi_scan() && walk.position() <= data.size() &&
      detail::count_scans(data, static_cast<std::size_t>(walk.position()), limits.max_scans) >
          limits.max_scans) {
    throw_decode("more than " + std::to_string(limits.max_scans) + " scans");
  }
  return walk;
}

/// The return value of a TurboJPEG call: 0, or an error, or (also nonzero) a warning.
void check(int rc, const Handle& handle) {
  if (rc == 0) return;
  const bool warning = tjGetErrorCode(handle.get()) == TJERR_WARNING;
  throw_decode(std::string(warning ? "damaged data: " : "") + tjGetErrorStr2(handle.get()));
}

void decode_pixels(Bytes data, ImageView<std::uint8_t> dst) {
  const Handle handle(tjInitDecompress());
  const int format = dst.channels() == 1 ? TJPF_GRAY : TJPF_RGB;
  check(tjDecompress2(handle.get(), data.data(), data.size(), dst.data(), dst.cols(),
                      static_cast<int>(dst.stride()), dst.rows(), format, TJFLAG_STOPONWARNING),
        handle);
}

void require_target(ImageView<std::uint8_t> dst, int height, int width) {
  IRTD_REQUIRE(dst.channels() == 1 || dst.channels() == 3, "JPEG target: 1 or 3 channels");
  IRTD_REQUIRE(dst.rows() == height && dst.cols() == width,
               "JPEG target: " + std::to_string(height) + " x " + std::to_string(width) +
                   " pixels expected, got " + std::to_string(dst.rows()) + " x " +
                   std::to_string(dst.cols()));
  IRTD_REQUIRE(dst.stride() >= std::ptrdiff_t{dst.cols()} * dst.channels() &&
                   dst.stride() <= (std::ptrdiff_t{1} << 30),
               "JPEG target: rows overlap or are too far apart");
}

/// The TurboJPEG subsampling of a YCbCr file, or -1 for one it has no name for.
int named_subsampling(const JpegWalk& walk) {
  if (walk.color() != JpegColor::ycc || walk.sampling(1) != 0x11 || walk.sampling(2) != 0x11) {
    return -1;
  }
  switch (walk.sampling(0)) {
    case 0x11:
      return TJSAMP_444;
    case 0x21:
      return TJSAMP_422;
    case 0x22:
      return TJSAMP_420;
    case 0x12:
      return TJSAMP_440;
    case 0x41:
      return TJSAMP_411;
    default:
      return -1;
  }
}

int deviation_from_128(ImageView<const std::uint8_t> plane) {
  const ValueRange range = min_max(plane);
  return std::max(128 - static_cast<int>(range.lo), static_cast<int>(range.hi) - 128);
}

/// Sizes of the planes as the file stores them: a whole number of chroma samples each way.
struct StoredPlanes {
  std::array<int, 3> widths{};
  std::array<int, 3> heights{};
  std::array<std::size_t, 3> sizes{};
};

StoredPlanes stored_planes(int rows, int cols, int subsampling) {
  StoredPlanes planes;
  for (std::size_t i = 0; i < 3; ++i) {
    planes.widths[i] = tjPlaneWidth(static_cast<int>(i), cols, subsampling);
    planes.heights[i] = tjPlaneHeight(static_cast<int>(i), rows, subsampling);
    planes.sizes[i] =
        static_cast<std::size_t>(planes.widths[i]) * static_cast<std::size_t>(planes.heights[i]);
  }
  return planes;
}

/// Entropy decoding and inverse DCT only: luma into `dst`, the chroma planes only looked at.
int decode_planes(Bytes data, ImageView<std::uint8_t> dst, int subsampling) {
  const StoredPlanes stored = stored_planes(dst.rows(), dst.cols(), subsampling);
  // Where the stored luma has the picture's own size it goes straight to its place.
  const bool direct = stored.widths[0] == dst.cols() && stored.heights[0] == dst.rows();
  const std::size_t luma = direct ? 0 : stored.sizes[0];
  std::uint8_t* scratch = thread_scratch().reserve(luma + stored.sizes[1] + stored.sizes[2]);
  std::array<unsigned char*, 3> planes{direct ? dst.data() : scratch, scratch + luma,
                                       scratch + luma + stored.sizes[1]};
  std::array<int, 3> strides = stored.widths;
  if (direct) strides[0] = static_cast<int>(dst.stride());
  const Handle handle(tjInitDecompress());
  check(tjDecompressToYUVPlanes(handle.get(), data.data(), data.size(), planes.data(), 0,
                                strides.data(), 0, TJFLAG_STOPONWARNING),
        handle);
  for (int r = 0; !direct && r < dst.rows(); ++r) {
    std::copy_n(planes[0] + std::ptrdiff_t{r} * strides[0], dst.cols(), dst.row(r));
  }
  int deviation = 0;
  for (std::size_t i = 1; i < 3; ++i) {
    deviation =
        std::max(deviation, deviation_from_128({planes[i], stored.heights[i], stored.widths[i]}));
  }
  return deviation;
}

/// For RGB-coded files and unusual subsampling: the same measure from decoded colour.
int deviation_by_rgb(Bytes data, int height, int width) {
  const std::size_t size = static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3;
  std::uint8_t* rgb = thread_scratch().reserve(size);
  decode_pixels(data, {rgb, height, width, 3});
  int deviation = 0;
  for (std::size_t i = 0; i < size; i += 3) {
    const int r = rgb[i];
    const int g = rgb[i + 1];
    const int b = rgb[i + 2];
    // BT.601 chroma in 1/1024, rounded: Cb = 0.5 B - 0.169 R - 0.331 G, Cr likewise.
    const int cb = std::abs(512 * b - 173 * r - 339 * g) + 512;
    const int cr = std::abs(512 * r - 429 * g - 83 * b) + 512;
    deviation = std::max(deviation, std::max(cb, cr) >> 10);
  }
  return deviation;
}

}  // namespace

JpegHeader read_jpeg_header(Bytes data, const JpegLimits& limits) {
  return walk_to_scan(data, limits).header();
}

void scaled_size(const JpegHeader& header, int num, int den, int* height, int* width) {
  int count = 0;
  const tjscalingfactor* factors = tjGetScalingFactors(&count);
  const tjscalingfactor* found =
      std::find_if(factors, factors + count, [num, den](const tjscalingfactor& factor) {
        return num > 0 && den > 0 &&
               std::int64_t{factor.num} * den == std::int64_t{num} * factor.denom;
      });
  IRTD_REQUIRE(found != factors + count, "JPEG scale " + std::to_string(num) + "/" +
                                             std::to_string(den) +
                                             ": expected n/8 with n from 1 to 16");
  *height = TJSCALED(header.height, (*found));
  *width = TJSCALED(header.width, (*found));
}

void decode_jpeg(Bytes data, ImageView<std::uint8_t> dst, int num, int den,
                 const JpegLimits& limits) {
  const JpegWalk walk = walk_to_scan(data, limits);
  int height = 0;
  int width = 0;
  scaled_size(walk.header(), num, den, &height, &width);
  require_target(dst, height, width);
  decode_pixels(data, dst);
}

int decode_jpeg_gray_checked(Bytes data, ImageView<std::uint8_t> dst, const JpegLimits& limits) {
  const JpegWalk walk = walk_to_scan(data, limits);
  require_target(dst, walk.header().height, walk.header().width);
  IRTD_REQUIRE(dst.channels() == 1, "JPEG target: 1 channel expected");
  if (walk.color() == JpegColor::gray) {
    decode_pixels(data, dst);
    return 0;
  }
  const int subsampling = named_subsampling(walk);
  int deviation = 0;
  if (subsampling >= 0) {
    deviation = decode_planes(data, dst, subsampling);
  } else {
    decode_pixels(data, dst);
    deviation = deviation_by_rgb(data, dst.rows(), dst.cols());
  }
  thread_scratch().trim();
  return deviation;
}

std::vector<std::uint8_t> encode_jpeg(ImageView<const std::uint8_t> image, int quality,
                                      int subsampling, bool progressive) {
  IRTD_REQUIRE(image.channels() == 1 || image.channels() == 3, "JPEG source: 1 or 3 channels");
  IRTD_REQUIRE(
      image.rows() >= 1 && image.cols() >= 1 && image.rows() <= 65500 && image.cols() <= 65500,
      "JPEG source: sides from 1 to 65500 pixels");
  IRTD_REQUIRE(quality >= 1 && quality <= 100, "JPEG quality: from 1 to 100");
  IRTD_REQUIRE(subsampling == 444 || subsampling == 422 || subsampling == 420,
               "JPEG subsampling: 444, 422 or 420");
  const bool gray = image.channels() == 1;
  const int color = subsampling == 444 ? TJSAMP_444 : subsampling == 422 ? TJSAMP_422 : TJSAMP_420;
  const Handle handle(tjInitCompress());
  unsigned char* buffer = nullptr;
  unsigned long size = 0;  // NOLINT: the type of the C API
  const int rc = tjCompress2(
      handle.get(), image.data(), image.cols(), static_cast<int>(image.stride()), image.rows(),
      gray ? TJPF_GRAY : TJPF_RGB, &buffer, &size, gray ? TJSAMP_GRAY : color, quality,
      TJFLAG_ACCURATEDCT | (progressive ? TJFLAG_PROGRESSIVE : 0));
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner(buffer, tjFree);
  if (rc != 0) {
    throw Error(Errc::internal, std::string("JPEG encoder: ") + tjGetErrorStr2(handle.get()));
  }
  return std::vector<std::uint8_t>(buffer, buffer + size);
}

}  // namespace irtd
