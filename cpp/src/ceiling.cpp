#include "irtd/ceiling.hpp"

#include <fcntl.h>

#include <algorithm>
#include <chrono>

#include "irtd/error.hpp"
#include "irtd/file.hpp"
#include "irtd/jpeg.hpp"
#include "irtd/parallel.hpp"
#include "shard_index.hpp"

namespace irtd {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

double read_ceiling(const std::vector<std::string>& paths, const std::vector<StoredExtent>& extents,
                    const CodecChain* chain, std::size_t chunk_bytes, MutableBytes out,
                    int threads) {
  IRTD_REQUIRE(chunk_bytes > 0 && out.size() >= chunk_bytes, "out must hold at least one sample");
  std::vector<File> files;
  files.reserve(paths.size());
  for (const std::string& path : paths) {
    files.push_back(File::open_read(path));
    // Read-ahead brings bytes that random reads do not want, and would flatter every reader.
    ::posix_fadvise(files.back().fd(), 0, 0, POSIX_FADV_RANDOM);
  }
  for (const StoredExtent& extent : extents) {
    IRTD_REQUIRE(extent.file < files.size(), "extent names no file");
  }
  // Every worker turns in its own slots, as the samples of a batch have their own.
  const auto workers = static_cast<std::size_t>(threads > 0 ? threads : 1);
  const std::size_t slots = out.size() / chunk_bytes / workers;
  IRTD_REQUIRE(slots > 0, "out must hold at least one sample for each thread");
  std::vector<std::size_t> turn(workers * 8, 0);  // spaced, so that no two share a cache line
  const Clock::time_point start = Clock::now();
  parallel_for(extents.size(), threads, [&](std::size_t i, int worker) {
    thread_local std::vector<std::uint8_t> stored;
    const StoredExtent& extent = extents[i];
    const auto n = static_cast<std::size_t>(extent.nbytes);
    const auto w = static_cast<std::size_t>(worker);
    const std::size_t place = w * slots + turn[8 * w]++ % slots;
    const MutableBytes slot = out.subspan(place * chunk_bytes, chunk_bytes);
    if (chain == nullptr) {
      files[extent.file].read_exact(slot.subspan(0, n < chunk_bytes ? n : chunk_bytes),
                                    extent.offset);
      return;
    }
    if (chain->stores_raw()) {  // straight to its place, as in any reader worth its name
      std::uint8_t tail[4] = {};
      const MutableBytes rest(tail, chain->ends_in_crc32c() ? sizeof(tail) : 0);
      files[extent.file].read_exact2(slot, rest, extent.offset);
      if (!rest.empty()) check_stored_crc(slot, tail);
      return;
    }
    if (n > chain->max_encoded_size(chunk_bytes)) {
      throw Error(Errc::corrupt, "chunk is too large for a sample").at_path(paths[extent.file]);
    }
    if (stored.size() < n) stored.resize(n);
    const MutableBytes target(stored.data(), n);
    files[extent.file].read_exact(target, extent.offset);
    chain->decode(target, slot);
  });
  return seconds_since(start);
}

double jpeg_ceiling(const std::vector<std::string>& paths, int height, int width, int threads) {
  IRTD_REQUIRE(height > 0 && width > 0, "pictures must have pixels");
  const Clock::time_point start = Clock::now();
  parallel_for(paths.size(), threads, [&](std::size_t i, int) {
    thread_local std::vector<std::uint8_t> file;
    thread_local std::vector<std::uint8_t> pixels;
    const std::size_t n = read_file(paths[i], file, std::uint64_t{1} << 30);
    pixels.resize(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
    decode_jpeg(Bytes(file.data(), n), ImageView<std::uint8_t>(pixels.data(), height, width));
  });
  return seconds_since(start);
}

namespace {

/// Reads one stored picture and decodes it into `pixels`.
void fetch_stored(const File& file, const StoredExtent& extent, const StoredPicture& stored,
                  MutableBytes pixels) {
  thread_local std::vector<std::uint8_t> encoded;
  const auto n = static_cast<std::size_t>(extent.nbytes);
  if (stored.chain == nullptr && !stored.jpeg) {
    file.read_exact(pixels, extent.offset);
    return;
  }
  if (encoded.size() < n) encoded.resize(n);
  const MutableBytes bytes(encoded.data(), n);
  file.read_exact(bytes, extent.offset);
  if (stored.jpeg) {
    decode_jpeg(bytes,
                {pixels.data(), stored.shape.height, stored.shape.width, stored.shape.channels});
  } else {
    stored.chain->decode(bytes, pixels);
  }
}

template <typename T>
void transform(const StoredPicture& stored, const std::uint8_t* pixels,
               const ResampleOptions& options, const BatchShape& shape, void* out) {
  const ImageView<const T> image(reinterpret_cast<const T*>(pixels), stored.shape.height,
                                 stored.shape.width, stored.shape.channels);
  resample(image, options, out, shape.type, shape.height, shape.width, shape.channels);
}

}  // namespace

double fused_ceiling(const std::vector<std::string>& paths,
                     const std::vector<StoredExtent>& extents, const StoredPicture& stored,
                     Span<const double> matrices, const BatchShape& shape, float scale,
                     float offset, MutableBytes out, int threads) {
  const Pixels& source = stored.shape;
  IRTD_REQUIRE(source.height > 0 && source.width > 0 && source.channels > 0 &&
                   (source.itemsize == 1 || source.itemsize == 2),
               "stored pictures have pixels of one or two bytes");
  IRTD_REQUIRE(matrices.size() == 6 * extents.size(), "one matrix for each extent");
  const std::size_t stride = shape.sample_bytes();
  IRTD_REQUIRE(stride > 0 && out.size() >= stride, "out must hold at least one sample");
  const std::size_t pixel_count = static_cast<std::size_t>(source.height) *
                                  static_cast<std::size_t>(source.width) *
                                  static_cast<std::size_t>(source.channels);
  std::vector<File> files;
  for (const std::string& path : paths) {
    files.push_back(File::open_read(path));
    ::posix_fadvise(files.back().fd(), 0, 0, POSIX_FADV_RANDOM);
  }
  for (const StoredExtent& extent : extents) {
    IRTD_REQUIRE(extent.file < files.size(), "extent names no file");
  }
  const std::size_t slots = out.size() / stride;
  ResampleOptions common;
  common.filter = shape.filter;
  common.border = shape.border;
  common.layout = shape.layout;
  common.stream = out.size() >= kStreamedBytes;
  set_affine(&common, scale, offset);
  const Clock::time_point start = Clock::now();
  parallel_for(extents.size(), threads, [&](std::size_t i, int) {
    thread_local std::vector<std::uint8_t> pixels;
    pixels.resize(pixel_count * static_cast<std::size_t>(source.itemsize));
    fetch_stored(files[extents[i].file], extents[i], stored, MutableBytes(pixels));
    ResampleOptions options = common;
    std::copy_n(matrices.data() + 6 * i, 6, options.matrix);
    void* target = out.data() + (i % slots) * stride;
    if (source.itemsize == 2) {
      transform<std::uint16_t>(stored, pixels.data(), options, shape, target);
    } else {
      transform<std::uint8_t>(stored, pixels.data(), options, shape, target);
    }
  });
  return seconds_since(start);
}

}  // namespace irtd
