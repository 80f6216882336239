#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "irtd/verify.hpp"
#include "shard_support.hpp"

namespace {

namespace fs = std::filesystem;
using irtd::ChunkExtent;
using irtd::CodecChain;
using irtd::CodecKind;
using irtd::Errc;
using irtd::FileSummary;
using irtd::ShardReader;
using irtd::ShardReport;
using irtd::verify_shard;
using namespace irtd::testing;
using Rows = std::vector<std::uint64_t>;

std::vector<std::int64_t> damaged_rows(const ShardReport& report) {
  std::vector<std::int64_t> rows;
  for (const auto& [row, why] : report.damage) {
    CHECK_FALSE(why.empty());
    rows.push_back(row);
  }
  return rows;
}

void flip(const std::string& path, std::size_t at) {
  Data bytes = read_all(path);
  bytes.at(at) = static_cast<std::uint8_t>(bytes.at(at) ^ 0x40U);
  write_all(path, bytes);
}

}  // namespace

TEST_CASE("an intact shard verifies to what its writer said") {
  const TempDir dir;
  for (const CodecChain& chain : {raw_chain(), zstd_chain()}) {
    const auto layout = layout_in(dir, 11, 8, 128);
    const FileSummary first = write_shard(layout, 0, chain, {1, 6});
    const FileSummary last = write_shard(layout, 1, chain);
    const ShardReader reader(layout, chain);
    for (const int threads : {1, 4}) {
      const ShardReport report = verify_shard(reader, 0, threads);
      CHECK(report.holes == Rows{1, 6});
      CHECK(report.damage.empty());
      CHECK(report.bytes == first.bytes);
      CHECK(report.digest == first.digest);
      CHECK(report.present == first.present);
      const ShardReport short_report = verify_shard(reader, 1, threads);
      CHECK(short_report.holes.empty());
      CHECK(short_report.damage.empty());
      CHECK(short_report.digest == last.digest);
      CHECK(short_report.present == 3);
    }
  }
}

TEST_CASE("damage is reported with its rows, and the rest is still looked at") {
  const TempDir dir;
  const auto layout = layout_in(dir, 12, 6, 32);
  write_shard(layout, 0, raw_chain());
  const FileSummary intact = write_shard(layout, 1, raw_chain(), {9});
  const ShardReader reader(layout, raw_chain());
  CHECK(verify_shard(reader, 1, 2).damage.empty());
  flip(dir.path("s1"), 0);                                // a pixel of row 6
  flip(dir.path("s1"), 4 * 36 + 33);                      // the checksum of row 10
  const ShardReport report = verify_shard(reader, 1, 3);  // sees the file as it is now
  CHECK(damaged_rows(report) == std::vector<std::int64_t>{6, 10});
  CHECK(report.holes == Rows{9});
  CHECK(report.present == 5);
  CHECK(report.digest != intact.digest);
}

TEST_CASE("a shard whose index cannot be trusted is damaged as a whole") {
  const TempDir dir;
  const auto layout = layout_in(dir, 3, 3, 32);
  write_shard(layout, 0, raw_chain());
  const Data whole = read_all(dir.path("s0"));
  const ShardReader reader(layout, raw_chain());
  flip(dir.path("s0"), whole.size() - 10);
  CHECK(damaged_rows(verify_shard(reader, 0, 1)) == std::vector<std::int64_t>{-1});
  write_all(dir.path("s0"), Data(whole.begin(), whole.begin() + 20));
  CHECK(damaged_rows(verify_shard(reader, 0, 1)) == std::vector<std::int64_t>{-1});
  fs::remove(dir.path("s0"));
  CHECK(damaged_rows(verify_shard(reader, 0, 1)) == std::vector<std::int64_t>{-1});
  write_all(dir.path("s0"), whole);
  CHECK(verify_shard(reader, 0, 1).damage.empty());
}

TEST_CASE("an extent outside the file is damage of its row") {
  const TempDir dir;
  const auto chunks = encoded_rows(zstd_chain(), 0, 3, 32);
  write_all(dir.path("s0"), shard_bytes(chunks, true, true, [](std::vector<ChunkExtent>& extents) {
              extents[1].offset = ~std::uint64_t{0} - 3;
            }));
  const ShardReader reader(layout_in(dir, 3, 3, 32), zstd_chain());
  CHECK(damaged_rows(verify_shard(reader, 0, 2)) == std::vector<std::int64_t>{1});
}

TEST_CASE("arrays of others, without a crc32c at the end, are verified by decoding") {
  const TempDir dir;
  const CodecChain chain({codec(CodecKind::gzip)}, 1);
  auto layout = layout_in(dir, 3, 3, 64);
  layout.index_at_end = false;
  layout.index_crc32c = false;
  auto chunks = encoded_rows(chain, 0, 3, 64);
  write_all(dir.path("s0"), shard_bytes(chunks, false, false));
  const ShardReader reader(layout, chain);
  CHECK(verify_shard(reader, 0, 1).damage.empty());
  chunks[2][chunks[2].size() / 2] ^= 1U;
  write_all(dir.path("s0"), shard_bytes(chunks, false, false));
  CHECK(damaged_rows(verify_shard(reader, 0, 1)) == std::vector<std::int64_t>{2});
}

TEST_CASE("a shard the array does not have is the caller's error") {
  const TempDir dir;
  const ShardReader reader(layout_in(dir, 8, 4, 16), raw_chain());
  CHECK(throws(Errc::invalid_argument, [&] { verify_shard(reader, 2, 1); }));
  CHECK(throws(Errc::invalid_argument, [&] { verify_shard(reader, ~std::uint64_t{0}, 1); }));
  const ShardReader empty(layout_in(dir, 0, 4, 16), raw_chain());
  CHECK(throws(Errc::invalid_argument, [&] { verify_shard(empty, 0, 1); }));
}
