// Writes whole shards: encode over threads, stream to a temporary file, fsync, rename.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "irtd/buffer_pool.hpp"
#include "irtd/codec.hpp"
#include "irtd/file.hpp"
#include "irtd/shard_reader.hpp"
#include "irtd/view.hpp"

namespace irtd {

/// What a finished data file is: goes into its receipt and into the store's table of files.
struct FileSummary {
  std::uint64_t bytes = 0;
  std::uint64_t digest = 0;
  std::uint64_t present = 0;  ///< chunks or samples it holds
};

/// Digest of a shard: XXH64 over the little-endian crc32c of every present chunk in row order,
/// followed by the index block. Covers every byte without a second pass over them.
std::uint64_t shard_digest(const std::vector<std::uint32_t>& crcs, Bytes index_block);

/// One shard file. Rows may come in any order from any thread; bytes are laid down in row order,
/// so the same content gives the same file. Nothing appears under `path` before finish().
class ShardWriter {
 public:
  /// `rows` is the number of inner chunks of the shard (its index length); rows from `used` on do
  /// not exist in the array and take no bytes. The chain must end in crc32c.
  ShardWriter(std::string path, std::uint64_t rows, std::uint64_t used, std::uint64_t chunk_bytes,
              CodecChain chain);
  ~ShardWriter();
  ShardWriter(const ShardWriter&) = delete;
  ShardWriter& operator=(const ShardWriter&) = delete;

  std::uint64_t chunk_bytes() const noexcept { return chunk_bytes_; }

  /// Lets `decode` fill the sample's bytes, in scratch memory of the thread.
  /// If `decode` throws, the row stays open: call skip() or fill() again.
  void fill(std::uint64_t row, const std::function<void(MutableBytes)>& decode);
  void put(std::uint64_t row, Bytes raw);
  /// Leaves a hole: the index says the chunk is missing.
  void skip(std::uint64_t row);

  /// Writes the index, syncs, renames. Every used row must have been put or skipped.
  FileSummary finish();

 private:
  void take(std::uint64_t row);
  void give_back(std::uint64_t row);
  void fill_taken(std::uint64_t row, const std::function<void(MutableBytes)>& decode);
  void settle(std::uint64_t row, std::vector<std::uint8_t> encoded, bool present,
              std::uint32_t crc);
  void advance();
  void flush_piece(std::uint64_t begin, std::uint64_t end);
  void flush_loop() noexcept;
  void stop_flushing();

  std::string path_;
  std::string partial_;
  std::uint64_t rows_;
  std::uint64_t used_;
  std::uint64_t chunk_bytes_;
  CodecChain chain_;
  bool raw_;
  bool direct_ = false;  ///< writes bypass the page cache
  File file_;
  PooledBuffer buffer_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::uint8_t> settled_;               // per row: open, present, hole or being filled
  std::vector<std::vector<std::uint8_t>> pending_;  // encoded chunks waiting for their turn
  std::vector<ChunkExtent> index_;
  std::vector<std::uint32_t> crcs_;  // per row
  std::uint64_t next_row_ = 0;
  std::uint64_t ready_ = 0;    // bytes of buffer_ in final order
  std::uint64_t flushed_ = 0;  // bytes handed to the file
  bool stopping_ = false;
  bool finished_ = false;
  pid_t owner_ = ::getpid();  ///< a forked copy must leave the parent's file alone
  std::exception_ptr flush_error_;
  std::thread flusher_;
};

}  // namespace irtd
