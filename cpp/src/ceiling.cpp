#include "irtd/ceiling.hpp"

#include <fcntl.h>

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

}  // namespace irtd
