// Reads one-sample chunks out of a sharded Zarr v3 array.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "irtd/codec.hpp"
#include "irtd/file.hpp"
#include "irtd/read_ahead.hpp"
#include "irtd/view.hpp"

namespace irtd {

/// Shards that may be open in this process, over all readers: half of the descriptors it may have.
/// The first call raises the soft limit of descriptors towards the hard one (at most 65,536), since
/// the usual 1024 would make random reads of a big store reopen a shard for nearly every sample.
std::size_t max_open_shards();
/// Sets that number (at least 1).
void set_max_open_shards(std::size_t count);

/// Where one inner chunk lies in its shard file.
struct ChunkExtent {
  std::uint64_t offset = 0;
  std::uint64_t nbytes = 0;
  bool present() const noexcept {
    return offset != ~std::uint64_t{0} || nbytes != ~std::uint64_t{0};
  }
};

/// Layout of a sharded array whose inner chunk is one sample, parsed from zarr.json by Python.
struct ShardLayout {
  std::string prefix;  ///< path up to the shard number, e.g. ".../h512w640u8/c/"
  std::string suffix;  ///< path after it, e.g. "/0/0"
  std::uint64_t rows = 0;
  std::uint64_t rows_per_shard = 1;
  std::uint64_t chunk_bytes = 0;  ///< decoded bytes of one sample
  bool index_at_end = true;
  bool index_crc32c = true;
  bool random_access = true;  ///< tell the kernel not to read ahead
};

/// Random reader of such an array; safe to use from many threads.
///
/// Shard indices and descriptors are cached (at most `max_open_shards()` of a process stay open).
/// Every extent is checked against its file before use. A missing shard, a missing chunk and a
/// damaged chunk are Errc::corrupt with path and row, never zeros.
class ShardReader {
 public:
  ShardReader(ShardLayout layout, CodecChain chain);
  ~ShardReader();
  ShardReader(const ShardReader&) = delete;
  ShardReader& operator=(const ShardReader&) = delete;

  std::uint64_t rows() const noexcept { return layout_.rows; }
  std::uint64_t chunk_bytes() const noexcept { return layout_.chunk_bytes; }
  const ShardLayout& layout() const noexcept { return layout_; }
  const CodecChain& chain() const noexcept { return chain_; }

  /// Decodes row `row` into `out` (exactly chunk_bytes).
  void read(std::uint64_t row, MutableBytes out) const;
  /// Decodes `rows[i]` into `out[i * chunk_bytes …]` over `threads` threads.
  void read_batch(Span<const std::int64_t> rows, MutableBytes out, int threads) const;
  /// Extent of a row's chunk (for ceilings, readahead and verification).
  ChunkExtent extent(std::uint64_t row) const;
  std::string shard_path(std::uint64_t shard) const;
  /// Reads a row's stored bytes as they are.
  void read_stored(std::uint64_t row, std::vector<std::uint8_t>& out) const;
  /// Where a row's stored bytes are, its shard kept open by the result; checked as in `read`.
  FileExtent file_extent(std::uint64_t row) const;
  /// Forgets cached descriptors and indices.
  void close() const;

 private:
  struct Shard;
  std::shared_ptr<const Shard> shard(std::uint64_t number) const;
  std::shared_ptr<const Shard> open_shard(std::uint64_t number) const;
  void decode_row(const Shard& shard, std::uint64_t row, MutableBytes out) const;
  void evict_if_needed(std::uint64_t keep) const noexcept;
  ChunkExtent checked_extent(const Shard& shard, std::uint64_t row) const;

  ShardLayout layout_;
  CodecChain chain_;
  mutable std::mutex mutex_;
  mutable std::vector<std::shared_ptr<const Shard>> shards_;
  mutable std::vector<std::uint64_t> last_use_;
  mutable std::uint64_t clock_ = 0;
};

}  // namespace irtd
