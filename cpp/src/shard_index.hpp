// The index block of a shard: 16 bytes a chunk (offset, nbytes as little-endian uint64), crc32c.
// Zarr v3 sharding_indexed codec, https://zarr-specs.readthedocs.io (codecs/sharding-indexed).
#pragma once

#include <cstdint>
#include <vector>

#include "irtd/shard_reader.hpp"
#include "irtd/view.hpp"

namespace irtd {

constexpr std::uint64_t kMaxRowsPerShard = std::uint64_t{1} << 24;
constexpr std::uint64_t kMaxShards = std::uint64_t{1} << 24;
constexpr std::uint64_t kMaxChunkBytes = std::uint64_t{1} << 32;

struct ShardIndexFormat {
  std::uint64_t chunks = 0;
  bool crc32c = true;
  std::uint64_t bytes() const noexcept { return chunks * 16 + (crc32c ? 4 : 0); }
};

std::vector<ChunkExtent> parse_shard_index(Bytes raw, const ShardIndexFormat& format);
std::vector<std::uint8_t> build_shard_index(const std::vector<ChunkExtent>& index, bool with_crc);

/// Errc::corrupt unless the little-endian crc at `stored` is that of `data`.
void check_stored_crc(Bytes data, const std::uint8_t* stored);

std::uint32_t load_le32(const std::uint8_t* p) noexcept;
void store_le32(std::uint8_t* p, std::uint32_t value) noexcept;

}  // namespace irtd
