#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "irtd/crc32c.hpp"
#include "irtd/hash.hpp"
#include "irtd/ingest.hpp"
#include "irtd/packed.hpp"
#include "shard_index.hpp"
#include "support.hpp"

namespace {

namespace fs = std::filesystem;
using irtd::Bytes;
using irtd::Errc;
using irtd::MutableBytes;
using irtd::PackedLayout;
using irtd::PackedReader;
using irtd::PackedWriter;
using namespace irtd::testing;

constexpr std::uint64_t kChunk = 1000;

/// Seven samples of growing size, three to a chunk file, written and described.
PackedLayout write_packed(const TempDir& dir) {
  PackedLayout layout;
  layout.prefix = dir.path("p");
  layout.chunk_bytes = kChunk;
  for (std::uint64_t file = 0; file * 3 < 7; ++file) {
    PackedWriter writer(layout.prefix + std::to_string(file), kChunk);
    std::uint64_t inside = 0;
    for (std::uint64_t row = file * 3; row < std::min<std::uint64_t>(7, file * 3 + 3); ++row) {
      const Data data = noise(row * 50, static_cast<unsigned>(row));
      layout.crcs.push_back(irtd::put_packed(writer, inside, Bytes(data)));
      layout.offsets.push_back(file * kChunk + inside);
      layout.lengths.push_back(data.size());
      inside += data.size() + 1;
    }
    writer.finish(3);
  }
  return layout;
}

Data read_row(const PackedReader& reader, std::uint64_t row) {
  Data out(static_cast<std::size_t>(reader.length(row)), 0xA5);
  reader.read(row, MutableBytes(out));
  return out;
}

std::string outcome(const PackedReader& reader, std::uint64_t row) {
  Data got;
  const auto error = caught([&] { got = read_row(reader, row); });
  if (error) return error->code() == Errc::corrupt ? "corrupt" : "another error";
  return got == noise(row * 50, static_cast<unsigned>(row)) ? "right" : "differs";
}

}  // namespace

TEST_CASE("packed samples come back") {
  const TempDir dir;
  const PackedReader reader(write_packed(dir));
  CHECK(reader.rows() == 7);
  for (std::uint64_t row = 0; row < 7; ++row) {
    CHECK(outcome(reader, row) == "right");
    CHECK(reader.file_path(row) == dir.path("p" + std::to_string(row / 3)));
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 100; ++i) {
        if (outcome(reader, (t + i) % 7) != "right") ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("a packed file is its chunk, its crc32c and a digest of both") {
  const TempDir dir;
  const Data data = noise(10, 1);
  PackedWriter writer(dir.path("p0"), 16);
  irtd::put_packed(writer, 3, Bytes(data));
  CHECK_FALSE(fs::exists(dir.path("p0")));
  const auto summary = writer.finish(1);
  Data expected(16, 0);
  std::copy(data.begin(), data.end(), expected.begin() + 3);
  const std::uint32_t crc = irtd::crc32c(Bytes(expected));
  expected.resize(20);
  irtd::store_le32(expected.data() + 16, crc);
  CHECK(read_all(dir.path("p0")) == expected);
  CHECK(summary.bytes == 20);
  CHECK(summary.present == 1);
  CHECK(summary.digest == irtd::xxh64(Bytes(expected)));
  CHECK(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("a used buffer leaves nothing of itself in the next packed file") {
  const TempDir dir;
  {
    PackedWriter writer(dir.path("p0"), 5000);
    irtd::put_packed(writer, 0, Bytes(Data(5000, 0xEE)));
    writer.finish(1);
  }
  PackedWriter writer(dir.path("p1"), 5000);
  writer.finish(0);
  Data bytes = read_all(dir.path("p1"));
  bytes.resize(5000);
  CHECK(bytes == Data(5000, 0));
}

TEST_CASE("slots outside the chunk and writers that are done refuse") {
  const TempDir dir;
  const std::uint64_t huge = ~std::uint64_t{0};
  CHECK(throws(Errc::invalid_argument, [&] { PackedWriter(dir.path("p"), 0); }));
  CHECK(throws(Errc::invalid_argument,
               [&] { PackedWriter(dir.path("p"), (std::uint64_t{1} << 31) + 1); }));
  PackedWriter writer(dir.path("p0"), 100);
  CHECK(writer.slot(0, 100).size() == 100);
  CHECK(writer.slot(100, 0).empty());
  CHECK(throws(Errc::invalid_argument, [&] { writer.slot(0, 101); }));
  CHECK(throws(Errc::invalid_argument, [&] { writer.slot(101, 0); }));
  CHECK(throws(Errc::invalid_argument, [&] { writer.slot(50, huge - 10); }));
  CHECK(throws(Errc::invalid_argument, [&] { writer.slot(huge, 2); }));
  writer.finish(0);
  CHECK(throws(Errc::invalid_argument, [&] { writer.finish(0); }));
  CHECK(throws(Errc::invalid_argument, [&] { writer.slot(0, 1); }));
}

TEST_CASE("a packed writer that cannot finish leaves nothing") {
  const TempDir dir;
  {
    const PackedWriter writer(dir.path("p0"), 100);
  }
  CHECK(dir.empty());
  PackedWriter writer(dir.path("gone/p0"), 100);
  const auto error = caught([&] { writer.finish(0); });
  REQUIRE(error);
  CHECK(error->code() == Errc::io);
  CHECK(error->os_errno() == ENOENT);
  fs::create_directory(dir.path("gone"));
  CHECK(writer.finish(0).bytes == 104);  // nothing was lost
}

TEST_CASE("packed columns that cannot be are refused before anything is read") {
  const TempDir dir;
  const auto refuse = [&](std::uint64_t offset, std::uint64_t length) {
    const auto error =
        caught([&] { PackedReader({dir.path("p"), kChunk, {0, offset}, {1, length}, {0, 0}}); });
    return error && error->code() == Errc::corrupt && error->row() == 1;
  };
  const std::uint64_t huge = ~std::uint64_t{0};
  CHECK(refuse(0, kChunk + 1));
  CHECK(refuse(999, 2));
  CHECK(refuse(5, huge));
  CHECK(refuse(5, huge - 4));
  CHECK(refuse(huge, 1));
  CHECK(throws(Errc::invalid_argument, [&] { PackedReader({dir.path("p"), 0, {}, {}, {}}); }));
  CHECK(throws(Errc::invalid_argument, [&] { PackedReader({dir.path("p"), 1, {0}, {}, {0}}); }));
  CHECK(throws(Errc::invalid_argument, [&] { PackedReader({dir.path("p"), 1, {0}, {0}, {}}); }));
}

TEST_CASE("missing, short and wrong packed files are corrupt, with file and row") {
  const TempDir dir;
  const PackedLayout layout = write_packed(dir);
  fs::remove(dir.path("p1"));
  const Data whole = read_all(dir.path("p2"));
  write_all(dir.path("p2"), Data(whole.begin(), whole.begin() + 100));
  const PackedReader reader(layout);
  CHECK(outcome(reader, 2) == "right");
  for (const std::uint64_t row : {4, 6}) {
    const auto error = caught([&] { read_row(reader, row); });
    REQUIRE(error);
    CHECK(error->code() == Errc::corrupt);
    CHECK(error->row() == static_cast<std::int64_t>(row));
    CHECK(error->path() == dir.path("p" + std::to_string(row / 3)));
  }
  Data out(3);
  CHECK(throws(Errc::invalid_argument, [&] { reader.read(1, MutableBytes(out)); }));
  CHECK(throws(Errc::invalid_argument, [&] { reader.read(7, MutableBytes(out)); }));
  CHECK(throws(Errc::invalid_argument, [&] { reader.length(7); }));
  CHECK(throws(Errc::invalid_argument, [&] { reader.file_path(7); }));
  CHECK(throws(Errc::invalid_argument, [&] { reader.file_extent(7); }));
}

TEST_CASE("no flipped byte of a packed file differs silently") {
  const TempDir dir;
  const PackedLayout layout = write_packed(dir);
  Data bytes = read_all(dir.path("p0"));
  std::size_t corrupt = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(bytes[i] ^ 0x10U);
    write_all(dir.path("p0"), bytes);
    bytes[i] = static_cast<std::uint8_t>(bytes[i] ^ 0x10U);
    const PackedReader reader(layout);
    for (std::uint64_t row = 0; row < 3; ++row) {
      const std::string seen = outcome(reader, row);
      REQUIRE((seen == "corrupt" || seen == "right"));
      if (seen == "corrupt") ++corrupt;
    }
  }
  CHECK(corrupt == 0 + 50 + 100);  // each byte of a sample damages that sample
}
