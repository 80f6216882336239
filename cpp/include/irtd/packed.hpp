// Packed arrays: many samples of many sizes in one 1-D Zarr array, none crossing a chunk file.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "irtd/buffer_pool.hpp"
#include "irtd/file.hpp"
#include "irtd/read_ahead.hpp"
#include "irtd/shard_writer.hpp"
#include "irtd/view.hpp"

namespace irtd {

/// Where each sample lies in `values`, as the store's columns say.
struct PackedLayout {
  std::string prefix;                  ///< path up to the chunk number, ".../values/c/"
  std::uint64_t chunk_bytes = 0;       ///< bytes of values in one chunk file (its crc32c follows)
  std::vector<std::uint64_t> offsets;  ///< byte offset of each sample in `values`
  std::vector<std::uint64_t> lengths;  ///< bytes of each sample
  std::vector<std::uint32_t> crcs;     ///< crc32c of each sample
};

/// Random reader of packed samples; safe to use from many threads.
class PackedReader {
 public:
  explicit PackedReader(PackedLayout layout);
  std::uint64_t rows() const noexcept { return layout_.offsets.size(); }
  std::uint64_t length(std::uint64_t row) const;
  std::string file_path(std::uint64_t row) const;
  /// Reads a sample into `out` (exactly its length) and checks its crc32c.
  void read(std::uint64_t row, MutableBytes out) const;
  /// Where a sample's stored bytes are; its file stays open as long as the result.
  FileExtent file_extent(std::uint64_t row) const;

 private:
  std::shared_ptr<const File> file(std::uint64_t number) const;

  PackedLayout layout_;
  mutable std::mutex mutex_;
  mutable std::vector<std::shared_ptr<const File>> files_;
};

/// One chunk file of `values`, assembled in memory and written in one go (at most 2 GiB).
class PackedWriter {
 public:
  PackedWriter(std::string path, std::uint64_t chunk_bytes);
  ~PackedWriter();
  PackedWriter(const PackedWriter&) = delete;
  PackedWriter& operator=(const PackedWriter&) = delete;

  /// The bytes of one sample, to be filled by the caller; extents must not overlap.
  MutableBytes slot(std::uint64_t offset, std::uint64_t length);
  /// Appends the chunk's crc32c, syncs, renames. The digest is XXH64 of the whole file.
  FileSummary finish(std::uint64_t samples);

 private:
  std::string path_;
  std::string partial_;
  std::uint64_t chunk_bytes_;
  PooledBuffer buffer_;
  bool finished_ = false;
};

}  // namespace irtd
