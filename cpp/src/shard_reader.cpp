#include "irtd/shard_reader.hpp"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "irtd/crc32c.hpp"
#include "irtd/error.hpp"
#include "irtd/parallel.hpp"
#include "irtd/stage_clock.hpp"
#include "shard_index.hpp"

namespace irtd {
namespace {

constexpr std::size_t kCrcBytes = 4;

constexpr std::size_t kWantedDescriptors = 65536;

std::atomic<std::size_t> open_shards{0};

std::size_t descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlim_t wanted = std::min<rlim_t>(limit.rlim_max, kWantedDescriptors);
  if (limit.rlim_cur < wanted) {
    rlimit raised{wanted, limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, kWantedDescriptors));
}

std::atomic<std::size_t>& shard_budget() {
  static std::atomic<std::size_t> budget{std::max<std::size_t>(descriptor_limit() / 2, 1)};
  return budget;
}

/// Counts itself while it lives.
class OpenShard {
 public:
  OpenShard() noexcept { ++open_shards; }
  ~OpenShard() { --open_shards; }
  OpenShard(const OpenShard&) = delete;
  OpenShard& operator=(const OpenShard&) = delete;
};

}  // namespace

std::size_t max_open_shards() { return shard_budget(); }

void set_max_open_shards(std::size_t count) {
  IRTD_REQUIRE(count > 0, "at least one shard must be open to be read");
  shard_budget() = count;
}

struct ShardReader::Shard {
  OpenShard counted;
  File file;
  std::uint64_t size = 0;
  std::vector<ChunkExtent> index;
};

ShardReader::ShardReader(ShardLayout layout, CodecChain chain)
    : layout_(std::move(layout)), chain_(std::move(chain)) {
  IRTD_REQUIRE(layout_.rows_per_shard > 0, "rows_per_shard must be positive");
  IRTD_REQUIRE(layout_.rows_per_shard <= kMaxRowsPerShard, "too many chunks in a shard");
  IRTD_REQUIRE(layout_.chunk_bytes > 0, "a chunk must hold at least one byte");
  IRTD_REQUIRE(layout_.chunk_bytes <= kMaxChunkBytes, "a chunk may hold at most 4 GiB");
  IRTD_REQUIRE(layout_.chunk_bytes % static_cast<std::uint64_t>(chain_.itemsize()) == 0,
               "a chunk must hold whole elements");
  const std::uint64_t shards =
      layout_.rows / layout_.rows_per_shard + (layout_.rows % layout_.rows_per_shard != 0 ? 1 : 0);
  IRTD_REQUIRE(shards <= kMaxShards, "too many shards in an array");
  shards_.resize(static_cast<std::size_t>(shards));
  last_use_.resize(shards_.size());
}

ShardReader::~ShardReader() = default;

std::string ShardReader::shard_path(std::uint64_t number) const {
  return layout_.prefix + std::to_string(number) + layout_.suffix;
}

std::shared_ptr<const ShardReader::Shard> ShardReader::open_shard(std::uint64_t number) const {
  auto shard = std::make_shared<Shard>();
  const std::string path = shard_path(number);
  try {
    shard->file = File::open_read(path);
  } catch (const Error& error) {
    if (error.os_errno() != ENOENT && error.os_errno() != ENOTDIR) throw;
    throw Error(Errc::corrupt, "shard file is missing").at_path(path);
  }
  shard->size = shard->file.size();
  const ShardIndexFormat format{layout_.rows_per_shard, layout_.index_crc32c};
  const std::uint64_t bytes = format.bytes();
  if (shard->size < bytes) {
    throw Error(Errc::corrupt, "shard file of " + std::to_string(shard->size) +
                                   " bytes is shorter than its index of " + std::to_string(bytes))
        .at_path(path);
  }
  std::vector<std::uint8_t> raw(static_cast<std::size_t>(bytes));
  shard->file.read_exact(MutableBytes(raw), layout_.index_at_end ? shard->size - bytes : 0);
  try {
    shard->index = parse_shard_index(Bytes(raw), format);
  } catch (Error& error) {
    throw error.at_path(path);
  }
  if (layout_.random_access) ::posix_fadvise(shard->file.fd(), 0, 0, POSIX_FADV_RANDOM);
  return shard;
}

void ShardReader::evict_if_needed(std::uint64_t keep) const noexcept {
  // Shards of other readers count too, but each reader only closes its own.
  while (open_shards > shard_budget()) {
    std::size_t oldest = shards_.size();
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      if (!shards_[i] || i == keep) continue;
      if (oldest == shards_.size() || last_use_[i] < last_use_[oldest]) oldest = i;
    }
    if (oldest == shards_.size()) return;
    shards_[oldest].reset();
  }
}

std::shared_ptr<const ShardReader::Shard> ShardReader::shard(std::uint64_t number) const {
  const auto i = static_cast<std::size_t>(number);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    last_use_[i] = ++clock_;
    if (shards_[i]) return shards_[i];
  }
  // Opened outside the lock: another thread may do the same, the first to come back wins.
  std::shared_ptr<const Shard> opened = open_shard(number);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!shards_[i]) {
    shards_[i] = std::move(opened);
    evict_if_needed(i);
  }
  return shards_[i];
}

ChunkExtent ShardReader::checked_extent(const Shard& shard, std::uint64_t row) const {
  const ChunkExtent extent = shard.index[static_cast<std::size_t>(row % layout_.rows_per_shard)];
  const auto fail = [&](const std::string& message) {
    throw Error(Errc::corrupt, message)
        .at_path(shard.file.path())
        .at_row(static_cast<std::int64_t>(row));
  };
  if (!extent.present()) fail("chunk is missing from its shard");
  if (extent.offset > shard.size || extent.nbytes > shard.size - extent.offset) {
    fail("chunk lies outside its shard file");
  }
  if (extent.nbytes > chain_.max_encoded_size(static_cast<std::size_t>(layout_.chunk_bytes))) {
    fail("chunk of " + std::to_string(extent.nbytes) + " stored bytes is too large for a sample");
  }
  return extent;
}

ChunkExtent ShardReader::extent(std::uint64_t row) const {
  IRTD_REQUIRE(row < layout_.rows, "row out of range");
  return checked_extent(*shard(row / layout_.rows_per_shard), row);
}

void ShardReader::decode_row(const Shard& shard, std::uint64_t row, MutableBytes out) const {
  const ChunkExtent extent = checked_extent(shard, row);
  const auto nbytes = static_cast<std::size_t>(extent.nbytes);
  if (chain_.stores_raw()) {
    const std::size_t tail = chain_.ends_in_crc32c() ? kCrcBytes : 0;
    if (nbytes != out.size() + tail) {
      throw Error(Errc::corrupt, "chunk has " + std::to_string(nbytes) +
                                     " stored bytes, expected " +
                                     std::to_string(out.size() + tail));
    }
    std::uint8_t stored[kCrcBytes] = {};
    {
      const StageScope reading(Stage::read);
      shard.file.read_exact2(out, MutableBytes(stored, tail), extent.offset);
    }
    if (tail != 0) check_stored_crc(out, stored);
    return;
  }
  thread_local std::vector<std::uint8_t> encoded;
  if (encoded.size() < nbytes) encoded.resize(nbytes);
  const MutableBytes target(encoded.data(), nbytes);
  {
    const StageScope reading(Stage::read);
    shard.file.read_exact(target, extent.offset);
  }
  const StageScope decoding(Stage::decode);
  chain_.decode(target, out);
}

void ShardReader::read(std::uint64_t row, MutableBytes out) const {
  IRTD_REQUIRE(row < layout_.rows, "row " + std::to_string(row) + " is out of range for " +
                                       std::to_string(layout_.rows) + " rows");
  IRTD_REQUIRE(out.size() == layout_.chunk_bytes, "output must hold exactly one sample");
  const std::shared_ptr<const Shard> holder = shard(row / layout_.rows_per_shard);
  try {
    decode_row(*holder, row, out);
  } catch (Error& error) {
    if (error.path().empty()) error.at_path(holder->file.path());
    throw error.at_row(static_cast<std::int64_t>(row));
  }
}

void ShardReader::read_batch(Span<const std::int64_t> rows, MutableBytes out, int threads) const {
  const auto chunk = static_cast<std::size_t>(layout_.chunk_bytes);
  IRTD_REQUIRE(rows.empty() || out.size() / rows.size() == chunk, "output must hold every sample");
  IRTD_REQUIRE(out.size() == rows.size() * chunk, "output must hold every sample");
  for (const std::int64_t row : rows) {
    IRTD_REQUIRE(row >= 0 && static_cast<std::uint64_t>(row) < layout_.rows,
                 "row " + std::to_string(row) + " is out of range for " +
                     std::to_string(layout_.rows) + " rows");
  }
  parallel_for(rows.size(), threads, [&](std::size_t i, int) {
    read(static_cast<std::uint64_t>(rows[i]), out.subspan(i * chunk, chunk));
  });
}

void ShardReader::read_stored(std::uint64_t row, std::vector<std::uint8_t>& out) const {
  IRTD_REQUIRE(row < layout_.rows, "row out of range");
  const std::shared_ptr<const Shard> holder = shard(row / layout_.rows_per_shard);
  const ChunkExtent extent = checked_extent(*holder, row);
  out.resize(static_cast<std::size_t>(extent.nbytes));
  holder->file.read_exact(MutableBytes(out), extent.offset);
}

FileExtent ShardReader::file_extent(std::uint64_t row) const {
  IRTD_REQUIRE(row < layout_.rows, "row out of range");
  const std::shared_ptr<const Shard> holder = shard(row / layout_.rows_per_shard);
  const ChunkExtent extent = checked_extent(*holder, row);
  return {std::shared_ptr<const File>(holder, &holder->file), extent.offset, extent.nbytes};
}

void ShardReader::close() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (std::shared_ptr<const Shard>& shard : shards_) shard.reset();
}

}  // namespace irtd
