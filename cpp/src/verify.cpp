#include "irtd/verify.hpp"

#include <algorithm>
#include <mutex>

#include "irtd/error.hpp"
#include "irtd/file.hpp"
#include "irtd/parallel.hpp"
#include "irtd/shard_writer.hpp"
#include "shard_index.hpp"

namespace irtd {
namespace {

constexpr std::size_t kCrcBytes = 4;

void require_shard(const ShardLayout& layout, std::uint64_t number) {
  IRTD_REQUIRE(layout.rows > 0 && number <= (layout.rows - 1) / layout.rows_per_shard,
               "shard " + std::to_string(number) + " is outside the array");
}

std::vector<std::uint8_t> read_index_block(const ShardReader& reader, std::uint64_t number,
                                           std::uint64_t* file_bytes) {
  const ShardLayout& layout = reader.layout();
  const ShardIndexFormat format{layout.rows_per_shard, layout.index_crc32c};
  const File file = File::open_read(reader.shard_path(number));
  *file_bytes = file.size();
  std::vector<std::uint8_t> block(static_cast<std::size_t>(format.bytes()));
  if (*file_bytes < block.size())
    throw Error(Errc::corrupt, "shard file is shorter than its index");
  file.read_exact(MutableBytes(block), layout.index_at_end ? *file_bytes - block.size() : 0);
  return block;
}

/// Decodes one chunk; returns the crc32c stored behind it.
std::uint32_t check_chunk(const ShardReader& reader, std::uint64_t row) {
  thread_local std::vector<std::uint8_t> stored;
  thread_local std::vector<std::uint8_t> decoded;
  reader.read_stored(row, stored);
  decoded.resize(static_cast<std::size_t>(reader.chunk_bytes()));
  reader.chain().decode(Bytes(stored), MutableBytes(decoded));
  if (!reader.chain().ends_in_crc32c()) return 0;
  return load_le32(stored.data() + stored.size() - kCrcBytes);
}

}  // namespace

ShardReport verify_shard(const ShardReader& reader, std::uint64_t number, int threads) {
  ShardReport report;
  const ShardLayout& layout = reader.layout();
  require_shard(layout, number);
  reader.close();  // look at the file as it is now, not as it was when first opened
  std::vector<std::uint8_t> block;
  std::vector<ChunkExtent> index;
  try {
    block = read_index_block(reader, number, &report.bytes);
    index = parse_shard_index(Bytes(block), {layout.rows_per_shard, layout.index_crc32c});
  } catch (const Error& error) {
    report.damage.emplace_back(-1, error.what());
    return report;
  }
  const std::uint64_t first = number * layout.rows_per_shard;
  const std::uint64_t count = std::min(layout.rows_per_shard, layout.rows - first);
  std::vector<std::uint32_t> crcs(index.size(), 0);
  std::mutex mutex;
  parallel_for(static_cast<std::size_t>(count), threads, [&](std::size_t i, int) {
    const std::uint64_t row = first + i;
    if (!index[i].present()) {
      const std::lock_guard<std::mutex> lock(mutex);
      report.holes.push_back(row);
      return;
    }
    try {
      crcs[i] = check_chunk(reader, row);
    } catch (const Error& error) {
      const std::lock_guard<std::mutex> lock(mutex);
      report.damage.emplace_back(static_cast<std::int64_t>(row), error.what());
    }
  });
  std::sort(report.holes.begin(), report.holes.end());
  std::sort(report.damage.begin(), report.damage.end());
  std::vector<std::uint32_t> present;
  for (std::size_t i = 0; i < index.size(); ++i) {
    if (index[i].present()) present.push_back(crcs[i]);
  }
  report.present = present.size();
  report.digest = shard_digest(present, Bytes(block));
  return report;
}

}  // namespace irtd
