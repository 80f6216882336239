#include "irtd/shard_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "irtd/crc32c.hpp"
#include "irtd/error.hpp"
#include "irtd/hash.hpp"
#include "shard_index.hpp"

namespace irtd {
namespace {

constexpr std::size_t kCrcBytes = 4;
constexpr std::uint64_t kFlushPiece = std::uint64_t{8} << 20;
constexpr std::uint8_t kOpen = 0;
constexpr std::uint8_t kPresent = 1;
constexpr std::uint8_t kHole = 2;
constexpr std::uint8_t kTaken = 3;  // somebody fills it now

}  // namespace

std::uint64_t shard_digest(const std::vector<std::uint32_t>& crcs, Bytes index_block) {
  std::vector<std::uint8_t> text(crcs.size() * kCrcBytes);
  for (std::size_t i = 0; i < crcs.size(); ++i) store_le32(text.data() + kCrcBytes * i, crcs[i]);
  text.insert(text.end(), index_block.begin(), index_block.end());
  return xxh64(Bytes(text));
}

ShardWriter::ShardWriter(std::string path, std::uint64_t rows, std::uint64_t used,
                         std::uint64_t chunk_bytes, CodecChain chain)
    : path_(std::move(path)),
      partial_(path_ + ".partial"),
      rows_(rows),
      used_(used),
      chunk_bytes_(chunk_bytes),
      chain_(std::move(chain)),
      raw_(chain_.stores_raw()) {
  IRTD_REQUIRE(rows > 0 && rows <= kMaxRowsPerShard, "a shard holds 1 to 2^24 chunks");
  IRTD_REQUIRE(used > 0 && used <= rows, "a shard uses 1 to all of its rows");
  IRTD_REQUIRE(chunk_bytes > 0 && chunk_bytes < kMaxChunkBytes, "a chunk holds 1 B to 4 GiB");
  IRTD_REQUIRE(chain_.ends_in_crc32c(), "every chunk we write ends in crc32c");
  const std::uint64_t per_row =
      raw_ ? chunk_bytes + kCrcBytes
           : chain_.max_encoded_size(static_cast<std::size_t>(chunk_bytes));
  IRTD_REQUIRE(per_row <= (std::uint64_t{1} << 42) / used, "shard would exceed 4 TiB");
  // Untouched pages cost nothing, so the bound of an incompressible shard may be mapped whole.
  buffer_ = acquire_buffer(static_cast<std::size_t>(per_row * used));
  settled_.assign(static_cast<std::size_t>(used), kOpen);
  index_.assign(static_cast<std::size_t>(rows), {~std::uint64_t{0}, ~std::uint64_t{0}});
  crcs_.assign(static_cast<std::size_t>(used), 0);
  if (!raw_) pending_.resize(static_cast<std::size_t>(used));
  file_ = File::create(partial_);
  // Copying into the page cache costs an eighth of an ingest, and the dump's pages are needed more.
  direct_ = file_.set_direct(true);
  try {
    flusher_ = std::thread([this] { flush_loop(); });
  } catch (...) {
    ::unlink(partial_.c_str());  // no destructor will run
    throw;
  }
}

ShardWriter::~ShardWriter() {
  if (::getpid() != owner_) {
    // A copy in a child of fork: the file is the parent's, and so is the thread, for which join()
    // and the destructor of the condition variable it waits on would wait for ever.
    new (&flusher_) std::thread();
    new (&wake_) std::condition_variable();
    return;
  }
  stop_flushing();
  if (!finished_) ::unlink(partial_.c_str());
}

void ShardWriter::take(std::uint64_t row) {
  IRTD_REQUIRE(row < used_, "row " + std::to_string(row) + " is outside the shard");
  const std::lock_guard<std::mutex> lock(mutex_);
  std::uint8_t& state = settled_[static_cast<std::size_t>(row)];
  IRTD_REQUIRE(state == kOpen, "row " + std::to_string(row) + " was already written");
  state = kTaken;
}

void ShardWriter::give_back(std::uint64_t row) {
  const std::lock_guard<std::mutex> lock(mutex_);
  settled_[static_cast<std::size_t>(row)] = kOpen;
}

void ShardWriter::fill(std::uint64_t row, const std::function<void(MutableBytes)>& decode) {
  take(row);
  try {
    fill_taken(row, decode);
  } catch (...) {
    give_back(row);
    throw;
  }
}

void ShardWriter::fill_taken(std::uint64_t row, const std::function<void(MutableBytes)>& decode) {
  const auto chunk = static_cast<std::size_t>(chunk_bytes_);
  // Decoders write a few rows at a time: into memory that stays in the cache, then one copy, costs
  // less than their scattered writes into the shard's own cold memory.
  thread_local std::vector<std::uint8_t> scratch;
  scratch.resize(chunk);
  decode(MutableBytes(scratch));
  if (raw_) {
    std::uint8_t* slot = buffer_.data() + row * (chunk_bytes_ + kCrcBytes);
    const std::uint32_t crc = crc32c(Bytes(scratch));
    std::memcpy(slot, scratch.data(), chunk);
    store_le32(slot + chunk, crc);
    settle(row, {}, true, crc);
    return;
  }
  std::vector<std::uint8_t> encoded;
  chain_.encode(Bytes(scratch), encoded);
  if (encoded.size() > chain_.max_encoded_size(chunk)) {  // its place in the buffer has that size
    throw Error(Errc::internal, "a chunk encodes to more bytes than its bound");
  }
  const std::uint32_t crc = load_le32(encoded.data() + encoded.size() - kCrcBytes);
  settle(row, std::move(encoded), true, crc);
}

void ShardWriter::put(std::uint64_t row, Bytes raw) {
  IRTD_REQUIRE(raw.size() == chunk_bytes_, "a row takes exactly one sample");
  fill(row, [raw](MutableBytes out) { std::memcpy(out.data(), raw.data(), raw.size()); });
}

void ShardWriter::skip(std::uint64_t row) {
  take(row);
  if (raw_) {  // the slot keeps its place, so a hole does not shift its neighbours
    const auto stored = static_cast<std::size_t>(chunk_bytes_ + kCrcBytes);
    std::memset(buffer_.data() + row * stored, 0, stored);
  }
  settle(row, {}, false, 0);
}

void ShardWriter::settle(std::uint64_t row, std::vector<std::uint8_t> encoded, bool present,
                         std::uint32_t crc) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto i = static_cast<std::size_t>(row);
  settled_[i] = present ? kPresent : kHole;
  crcs_[i] = crc;
  if (!raw_) pending_[i] = std::move(encoded);
  advance();
  if (ready_ - flushed_ >= kFlushPiece) wake_.notify_one();
}

// Moves the watermark over every settled row; called with the mutex held.
void ShardWriter::advance() {
  for (; next_row_ < used_; ++next_row_) {
    const auto i = static_cast<std::size_t>(next_row_);
    if (settled_[i] != kPresent && settled_[i] != kHole) return;
    std::uint64_t stored = chunk_bytes_ + kCrcBytes;
    if (!raw_) {
      stored = pending_[i].size();
      if (stored != 0) std::memcpy(buffer_.data() + ready_, pending_[i].data(), pending_[i].size());
      std::vector<std::uint8_t>().swap(pending_[i]);
    }
    if (settled_[i] == kPresent) index_[i] = {ready_, stored};
    ready_ += stored;
  }
}

void ShardWriter::flush_piece(std::uint64_t begin, std::uint64_t end) {
  const Bytes piece(buffer_.data() + begin, static_cast<std::size_t>(end - begin));
  try {
    file_.write_exact(piece, begin);
  } catch (const Error& error) {
    // Some file systems take the flag and refuse the write; a short write on a full one leaves an
    // offset that the flag forbids. The page cache takes both, or says what is really wrong.
    if (!direct_ || error.os_errno() != EINVAL) throw;
    file_.set_direct(false);
    direct_ = false;
    file_.write_exact(piece, begin);
  }
  if (direct_) return;
  // Start the write-back now, so that the final fdatasync finds little left to do.
  ::sync_file_range(file_.fd(), static_cast<off64_t>(begin), static_cast<off64_t>(end - begin),
                    SYNC_FILE_RANGE_WRITE);
}

void ShardWriter::flush_loop() noexcept {
  try {
    while (true) {
      std::uint64_t begin = 0;
      std::uint64_t end = 0;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [this] { return stopping_ || ready_ - flushed_ >= kFlushPiece; });
        begin = flushed_;
        // Past the page cache only whole blocks can be written; finish() writes the rest.
        end = direct_ ? ready_ - ready_ % kDirectAlignment : ready_;
        if (begin == end && stopping_) return;
      }
      // Settled bytes below the watermark never change, so they are written without the lock.
      flush_piece(begin, end);
      const std::lock_guard<std::mutex> lock(mutex_);
      flushed_ = end;
    }
  } catch (...) {
    const std::lock_guard<std::mutex> lock(mutex_);
    flush_error_ = std::current_exception();
    flushed_ = ready_;
  }
}

void ShardWriter::stop_flushing() {
  if (!flusher_.joinable()) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  flusher_.join();
}

FileSummary ShardWriter::finish() {
  IRTD_REQUIRE(!finished_, "the shard is already finished");
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    IRTD_REQUIRE(next_row_ == used_, "row " + std::to_string(next_row_) + " was never written");
  }
  stop_flushing();
  if (flush_error_) std::rethrow_exception(flush_error_);
  if (direct_) file_.set_direct(false);
  file_.write_exact(Bytes(buffer_.data() + flushed_, static_cast<std::size_t>(ready_ - flushed_)),
                    flushed_);
  const std::vector<std::uint8_t> block = build_shard_index(index_, true);
  file_.write_exact(Bytes(block), ready_);
  file_.sync();
  file_.close();
  rename_durably(partial_, path_);
  finished_ = true;
  std::vector<std::uint32_t> crcs;
  for (std::size_t i = 0; i < crcs_.size(); ++i) {
    if (settled_[i] == kPresent) crcs.push_back(crcs_[i]);
  }
  buffer_ = PooledBuffer();
  return {ready_ + block.size(), shard_digest(crcs, Bytes(block)), crcs.size()};
}

}  // namespace irtd
