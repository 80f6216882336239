#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "irtd/shard_reader.hpp"
#include "shard_support.hpp"

namespace {

namespace fs = std::filesystem;
using irtd::ChunkExtent;
using irtd::CodecChain;
using irtd::CodecKind;
using irtd::Errc;
using irtd::MutableBytes;
using irtd::ShardLayout;
using irtd::ShardReader;
using irtd::Span;
using namespace irtd::testing;

constexpr std::uint64_t kNone = ~std::uint64_t{0};

/// The four ways an index can be stored.
template <typename Body>
void for_each_index(ShardLayout layout, const Body& body) {
  for (const bool at_end : {true, false}) {
    for (const bool crc : {true, false}) {
      CAPTURE(at_end);
      CAPTURE(crc);
      layout.index_at_end = at_end;
      layout.index_crc32c = crc;
      body(layout);
    }
  }
}

Data read_rows(const ShardReader& reader, const std::vector<std::int64_t>& rows, int threads) {
  Data out(rows.size() * reader.chunk_bytes());
  reader.read_batch(rows, MutableBytes(out), threads);
  return out;
}

Data samples(const std::vector<std::int64_t>& rows, std::size_t n) {
  Data all;
  for (const std::int64_t row : rows) {
    const Data one = sample(static_cast<std::uint64_t>(row), n);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

std::size_t open_descriptors() {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("rows come back, wherever the index lies and whatever the codec") {
  const TempDir dir;
  const std::vector<CodecChain> chains{
      raw_chain(2),
      zstd_chain(2),
      CodecChain({}, 2),
      CodecChain({codec(CodecKind::gzip)}, 2),
      CodecChain({codec(CodecKind::blosc), codec(CodecKind::crc32c)}, 2, true),
  };
  for (const CodecChain& chain : chains) {
    for_each_index(layout_in(dir, 10, 4, 96), [&](const ShardLayout& layout) {
      for (std::uint64_t shard = 0; shard < 3; ++shard) {
        auto chunks = encoded_rows(chain, shard * 4, shard == 2 ? 2 : 4, 96);
        chunks.resize(4);
        write_all(dir.path("s" + std::to_string(shard)),
                  shard_bytes(chunks, layout.index_at_end, layout.index_crc32c));
      }
      const ShardReader reader(layout, chain);
      for (std::uint64_t row = 0; row < 10; ++row) CHECK(row_outcome(reader, row) == "right");
      for (const int threads : {1, 3}) {
        const std::vector<std::int64_t> rows{9, 0, 5, 5, 3, 8};
        CHECK(read_rows(reader, rows, threads) == samples(rows, 96));
      }
      Data stored;
      Data out(96);
      reader.read_stored(7, stored);
      CHECK(stored.size() == reader.extent(7).nbytes);
      chain.decode(irtd::Bytes(stored), MutableBytes(out));
      CHECK(out == sample(7, 96));
    });
  }
}

TEST_CASE("a request that is no row of the array is the caller's error") {
  const TempDir dir;
  const auto layout = layout_in(dir, 3, 2, 16);
  write_shard(layout, 0, raw_chain());
  write_shard(layout, 1, raw_chain());
  const ShardReader reader(layout, raw_chain());
  Data out(16);
  Data stored;
  CHECK(throws(Errc::invalid_argument, [&] { reader.read(3, MutableBytes(out)); }));
  CHECK(throws(Errc::invalid_argument, [&] { reader.extent(3); }));
  CHECK(throws(Errc::invalid_argument, [&] { reader.read_stored(kNone, stored); }));
  CHECK(throws(Errc::invalid_argument, [&] { reader.read(0, MutableBytes(out.data(), 15)); }));
  CHECK(throws(Errc::invalid_argument, [&] { read_rows(reader, {0, -1}, 1); }));
  CHECK(throws(Errc::invalid_argument, [&] { read_rows(reader, {3}, 1); }));
  const std::vector<std::int64_t> rows{0, 1};
  Data small(31);
  CHECK(throws(Errc::invalid_argument, [&] { reader.read_batch(rows, MutableBytes(small), 1); }));
  Data large(33);
  CHECK(throws(Errc::invalid_argument, [&] { reader.read_batch(rows, MutableBytes(large), 1); }));
  CHECK(read_rows(reader, {}, 4).empty());
}

TEST_CASE("layouts that cannot be are refused") {
  const TempDir dir;
  const auto make = [&](std::uint64_t rows, std::uint64_t per_shard, std::uint64_t bytes) {
    ShardReader(layout_in(dir, rows, per_shard, bytes), raw_chain(2));
  };
  CHECK_NOTHROW(make(0, 1, 2));
  CHECK(throws(Errc::invalid_argument, [&] { make(1, 0, 2); }));
  CHECK(throws(Errc::invalid_argument, [&] { make(1, 1, 0); }));
  CHECK(throws(Errc::invalid_argument, [&] { make(1, 1, 3); }));
  CHECK(throws(Errc::invalid_argument, [&] { make(1, (1 << 24) + 1, 2); }));
  CHECK(throws(Errc::invalid_argument, [&] { make(1, 1, (std::uint64_t{1} << 32) + 2); }));
  CHECK(throws(Errc::invalid_argument, [&] { make(kNone, 1, 2); }));
}

TEST_CASE("a missing shard and a missing chunk are corrupt, with file and row") {
  const TempDir dir;
  const auto layout = layout_in(dir, 8, 4, 16);
  write_shard(layout, 0, raw_chain(), {2});
  const ShardReader reader(layout, raw_chain());
  auto error = caught([&] { read_row(reader, 2); });
  REQUIRE(error);
  CHECK(error->code() == Errc::corrupt);
  CHECK(error->row() == 2);
  CHECK(error->path() == dir.path("s0"));
  error = caught([&] { read_row(reader, 5); });
  REQUIRE(error);
  CHECK(error->code() == Errc::corrupt);
  CHECK(error->path() == dir.path("s1"));
  error = caught([&] { read_rows(reader, {0, 1, 2}, 3); });
  REQUIRE(error);
  CHECK(error->row() == 2);
  fs::create_directory(dir.path("s1"));
  error = caught([&] { read_row(reader, 5); });
  REQUIRE(error);
  CHECK(error->path() == dir.path("s1"));
  fs::remove(dir.path("s1"));
  write_shard(layout, 1, raw_chain());  // a failure is not remembered
  CHECK(row_outcome(reader, 5) == "right");
}

TEST_CASE("an index that points outside its file is corrupt") {
  const TempDir dir;
  for (const CodecChain& chain : {raw_chain(), zstd_chain()}) {
    for_each_index(layout_in(dir, 4, 4, 32), [&](const ShardLayout& layout) {
      const auto chunks = encoded_rows(chain, 0, 4, 32);
      const std::uint64_t size =
          shard_bytes(chunks, layout.index_at_end, layout.index_crc32c).size();
      const std::uint64_t n = chunks[1].size();
      for (const ChunkExtent bad :
           {ChunkExtent{size, n}, ChunkExtent{size - n + 1, n}, ChunkExtent{0, size + 1},
            ChunkExtent{kNone, n}, ChunkExtent{0, kNone}, ChunkExtent{kNone - 1, 10},
            ChunkExtent{10, kNone - 5}, ChunkExtent{std::uint64_t{1} << 63, 36}, ChunkExtent{0, 0},
            ChunkExtent{0, 3}, ChunkExtent{0, n + 1}}) {
        CAPTURE(bad.offset);
        CAPTURE(bad.nbytes);
        write_all(dir.path("s0"),
                  shard_bytes(chunks, layout.index_at_end, layout.index_crc32c,
                              [&](std::vector<ChunkExtent>& extents) { extents[1] = bad; }));
        const ShardReader reader(layout, chain);
        CHECK(row_outcome(reader, 0) == "right");
        CHECK(row_outcome(reader, 3) == "right");
        const auto error = caught([&] { read_row(reader, 1); });
        REQUIRE(error);
        CHECK(error->code() == Errc::corrupt);
        CHECK(error->row() == 1);
        CHECK(error->path() == dir.path("s0"));
      }
    });
  }
}

TEST_CASE("a chunk too large for its sample is not even read") {
  const TempDir dir;
  auto chunks = encoded_rows(zstd_chain(), 0, 1, 32);
  chunks.push_back(noise(100000, 1));
  write_all(dir.path("s0"), shard_bytes(chunks));
  const ShardReader reader(layout_in(dir, 2, 2, 32), zstd_chain());
  const auto error = caught([&] { reader.extent(1); });
  REQUIRE(error);
  CHECK(error->code() == Errc::corrupt);
}

TEST_CASE("a shard cut at any length gives right rows or none") {
  const TempDir dir;
  for (const CodecChain& chain : {raw_chain(), zstd_chain()}) {
    for_each_index(layout_in(dir, 3, 3, 24), [&](const ShardLayout& layout) {
      // An index at the end that has no checksum can be cut so that its rows shift by one, which
      // nothing in the format tells. We write none of that kind.
      if (layout.index_at_end && !layout.index_crc32c) return;
      const Data whole =
          shard_bytes(encoded_rows(chain, 0, 3, 24), layout.index_at_end, layout.index_crc32c);
      for (std::size_t n = 0; n < whole.size(); ++n) {
        write_all(dir.path("s0"),
                  Data(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)));
        const ShardReader reader(layout, chain);
        for (std::uint64_t row = 0; row < 3; ++row) {
          const std::string seen = row_outcome(reader, row);
          // With the index at the end no cut can leave it in its place.
          REQUIRE((seen == "corrupt" || (seen == "right" && !layout.index_at_end)));
        }
        REQUIRE(row_outcome(reader, 2) == "corrupt");
      }
    });
  }
}

TEST_CASE("a flipped byte anywhere in a shard gives right rows or none") {
  const TempDir dir;
  for (const CodecChain& chain : {raw_chain(), zstd_chain()}) {
    for (const bool at_end : {true, false}) {
      auto layout = layout_in(dir, 3, 4, 24);
      layout.index_at_end = at_end;
      auto chunks = encoded_rows(chain, 0, 3, 24);
      chunks.resize(4);
      Data bytes = shard_bytes(chunks, at_end);
      std::size_t damaged = 0;
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        for (const unsigned mask : {0x01U, 0x80U, 0xFFU}) {
          bytes[i] = static_cast<std::uint8_t>(bytes[i] ^ mask);
          write_all(dir.path("s0"), bytes);
          bytes[i] = static_cast<std::uint8_t>(bytes[i] ^ mask);
          const ShardReader reader(layout, chain);
          std::size_t corrupt = 0;
          for (std::uint64_t row = 0; row < 3; ++row) {
            const std::string seen = row_outcome(reader, row);
            REQUIRE((seen == "corrupt" || seen == "right"));
            if (seen == "corrupt") ++corrupt;
          }
          REQUIRE(corrupt >= 1);  // every byte of this file is under some checksum
          damaged += corrupt;
        }
      }
      CHECK(damaged > bytes.size() * 3);
    }
  }
}

TEST_CASE("only so many shards stay open, and all of them can be read") {
  const TempDir dir;
  constexpr std::size_t kFew = 64;
  const std::size_t usual = irtd::max_open_shards();
  CHECK(usual >= 256);
  irtd::set_max_open_shards(kFew);
  const std::uint64_t rows = kFew + 60;
  for (std::uint64_t row = 0; row < rows; ++row) {
    write_all(dir.path("s" + std::to_string(row)),
              shard_bytes(encoded_rows(raw_chain(), row, 1, 8)));
  }
  const ShardReader reader(layout_in(dir, rows, 1, 8), raw_chain());
  const std::size_t before = open_descriptors();
  std::size_t most = 0;
  std::mt19937 generator(1);
  for (std::uint64_t i = 0; i < 3 * rows; ++i) {
    const std::uint64_t row = i < rows ? i : generator() % rows;
    REQUIRE(row_outcome(reader, row) == "right");
    if (i % 16 == 0) most = std::max(most, open_descriptors());
  }
  CHECK(most <= before + kFew);
  CHECK(most > before + kFew / 2);
  reader.close();
  CHECK(open_descriptors() == before);
  CHECK(row_outcome(reader, 1) == "right");
  irtd::set_max_open_shards(usual);
}

TEST_CASE("many threads read at once, also while descriptors are dropped") {
  const TempDir dir;
  for (const CodecChain& chain : {raw_chain(), zstd_chain()}) {
    const auto layout = layout_in(dir, 40, 4, 512);
    for (std::uint64_t shard = 0; shard < 10; ++shard) {
      write_all(dir.path("s" + std::to_string(shard)),
                shard_bytes(encoded_rows(chain, shard * 4, 4, 512)));
    }
    const ShardReader reader(layout, chain);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937 generator(t);
        for (int i = 0; i < 200; ++i) {
          if (row_outcome(reader, generator() % 40) != "right") ++wrong;
          if (t == 0 && i % 10 == 0) reader.close();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
  }
}

TEST_CASE("extents of a row say where its stored bytes are") {
  const TempDir dir;
  const auto layout = layout_in(dir, 8, 4, 16);
  write_shard(layout, 0, raw_chain(), {1});
  const ShardReader reader(layout, raw_chain());
  const irtd::FileExtent found = reader.file_extent(0);
  CHECK(found.file->path() == reader.shard_path(0));
  CHECK(found.offset == reader.extent(0).offset);
  CHECK(found.nbytes == reader.extent(0).nbytes);
  CHECK(throws(Errc::corrupt, [&] { reader.file_extent(1); }));  // a hole
  CHECK(throws(Errc::corrupt, [&] { reader.file_extent(7); }));  // no file
  CHECK(throws(Errc::invalid_argument, [&] { reader.file_extent(8); }));
  reader.close();
  std::vector<std::uint8_t> bytes(found.nbytes);  // the extent keeps its file open
  CHECK_NOTHROW(found.file->read_exact(MutableBytes(bytes), found.offset));
}
