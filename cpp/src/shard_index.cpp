#include "shard_index.hpp"

#include <string>

#include "irtd/crc32c.hpp"
#include "irtd/error.hpp"
#include "irtd/stage_clock.hpp"

namespace irtd {
namespace {

std::uint64_t load_le64(const std::uint8_t* p) noexcept {
  return std::uint64_t{load_le32(p)} | std::uint64_t{load_le32(p + 4)} << 32;
}

void store_le64(std::uint8_t* p, std::uint64_t value) noexcept {
  store_le32(p, static_cast<std::uint32_t>(value));
  store_le32(p + 4, static_cast<std::uint32_t>(value >> 32));
}

}  // namespace

std::uint32_t load_le32(const std::uint8_t* p) noexcept {
  return std::uint32_t{p[0]} | std::uint32_t{p[1]} << 8 | std::uint32_t{p[2]} << 16 |
         std::uint32_t{p[3]} << 24;
}

void store_le32(std::uint8_t* p, std::uint32_t value) noexcept {
  for (int i = 0; i < 4; ++i) p[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

void check_stored_crc(Bytes data, const std::uint8_t* stored) {
  const StageScope checking(Stage::check);
  const std::uint32_t expected = load_le32(stored);
  const std::uint32_t actual = crc32c(data);
  if (expected == actual) return;
  throw Error(Errc::corrupt, "crc32c mismatch: stored " + std::to_string(expected) + ", computed " +
                                 std::to_string(actual));
}

std::vector<ChunkExtent> parse_shard_index(Bytes raw, const ShardIndexFormat& format) {
  if (raw.size() != format.bytes()) throw Error(Errc::corrupt, "shard index has a wrong length");
  const Bytes body = raw.subspan(0, static_cast<std::size_t>(format.chunks * 16));
  if (format.crc32c) check_stored_crc(body, raw.data() + body.size());
  std::vector<ChunkExtent> index(static_cast<std::size_t>(format.chunks));
  for (std::size_t i = 0; i < index.size(); ++i) {
    index[i].offset = load_le64(body.data() + 16 * i);
    index[i].nbytes = load_le64(body.data() + 16 * i + 8);
  }
  return index;
}

std::vector<std::uint8_t> build_shard_index(const std::vector<ChunkExtent>& index, bool with_crc) {
  std::vector<std::uint8_t> raw(index.size() * 16);
  for (std::size_t i = 0; i < index.size(); ++i) {
    store_le64(raw.data() + 16 * i, index[i].offset);
    store_le64(raw.data() + 16 * i + 8, index[i].nbytes);
  }
  if (with_crc) {
    const std::uint32_t crc = crc32c(Bytes(raw));
    raw.resize(raw.size() + 4);
    store_le32(raw.data() + raw.size() - 4, crc);
  }
  return raw;
}

}  // namespace irtd
