#include <algorithm>

#include "irtd/error.hpp"
#include "irtd/file.hpp"
#include "irtd/hash.hpp"
#include "irtd/jpeg.hpp"
#include "irtd/parallel.hpp"
#include "irtd/phash.hpp"

namespace irtd {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;  // stays in the second-level cache
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 30;
constexpr int kEnough = 64;  // sides of a decoded picture, twice those of its hash

template <typename Body>
std::vector<FileHash> for_each_file(Span<const std::string> paths, int threads, const Body& body) {
  std::vector<FileHash> results(paths.size());
  parallel_for(paths.size(), threads > 0 ? threads : available_threads(), [&](std::size_t i, int) {
    try {
      body(paths[i], results[i]);
    } catch (const Error& error) {
      const bool decode = error.code() == Errc::decode;
      if (!decode && error.code() != Errc::io && error.code() != Errc::corrupt) throw;
      results[i].code = decode ? "undecodable-image" : "unreadable";
      results[i].message = error.what();
    }
  });
  return results;
}

void digest_file(const std::string& path, FileHash& result) {
  thread_local std::vector<std::uint8_t> buffer(kPiece);
  const File file = File::open_read(path);
  const std::uint64_t size = file.size();
  Xxh64 state;
  for (std::uint64_t at = 0; at < size;) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, size - at));
    const MutableBytes piece(buffer.data(), count);
    file.read_exact(piece, at);
    state.update({buffer.data(), count});
    at += count;
  }
  result.size = static_cast<std::int64_t>(size);
  result.digest = state.digest();
}

/// The smallest eighths at which both sides still have enough pixels.
int scale_for(const JpegHeader& header) {
  const int side = std::min(header.height, header.width);
  return std::clamp((8 * kEnough + side - 1) / side, 1, 8);
}

void hash_jpeg(const std::string& path, FileHash& result) {
  thread_local std::vector<std::uint8_t> buffer;
  thread_local std::vector<std::uint8_t> pixels;
  const std::size_t size = read_file(path, buffer, kMaxFileBytes);
  const Bytes file(buffer.data(), size);
  result.size = static_cast<std::int64_t>(size);
  result.digest = xxh64(file);
  const JpegHeader header = read_jpeg_header(file);
  int height = 0;
  int width = 0;
  const int scale = scale_for(header);
  scaled_size(header, scale, 8, &height, &width);
  pixels.resize(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  const ImageView<std::uint8_t> view(pixels.data(), height, width);
  decode_jpeg(file, view, scale, 8);
  result.looks = perceptual_hash(ImageView<const std::uint8_t>(view));
}

}  // namespace

std::vector<FileHash> hash_files(Span<const std::string> paths, int threads) {
  return for_each_file(paths, threads, digest_file);
}

std::vector<FileHash> hash_jpeg_files(Span<const std::string> paths, int threads) {
  return for_each_file(paths, threads, hash_jpeg);
}

}  // namespace irtd
