#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "irtd/ceiling.hpp"
#include "shard_support.hpp"

namespace {

using irtd::CodecChain;
using irtd::Errc;
using irtd::MutableBytes;
using irtd::read_ceiling;
using irtd::ShardReader;
using irtd::StoredExtent;
using namespace irtd::testing;

struct Store {
  std::vector<std::string> paths;
  std::vector<StoredExtent> extents;
};

/// Two shards of four samples of 64 bytes, and where each chunk lies.
Store make_store(const TempDir& dir, const CodecChain& chain) {
  const auto layout = layout_in(dir, 8, 4, 64);
  Store store;
  for (std::uint64_t shard = 0; shard < 2; ++shard) {
    write_shard(layout, shard, chain);
    store.paths.push_back(dir.path("s" + std::to_string(shard)));
  }
  const ShardReader reader(layout, chain);
  for (std::uint64_t row = 0; row < 8; ++row) {
    const auto extent = reader.extent(row);
    store.extents.push_back({static_cast<std::uint32_t>(row / 4), extent.offset, extent.nbytes});
  }
  return store;
}

}  // namespace

TEST_CASE("the reading ceiling does the whole work") {
  const TempDir dir;
  for (const CodecChain& chain : {raw_chain(), zstd_chain()}) {
    const Store store = make_store(dir, chain);
    Data all;
    for (std::uint64_t row = 0; row < 8; ++row) {
      const Data one = sample(row, 64);
      all.insert(all.end(), one.begin(), one.end());
    }
    Data out(8 * 64);
    CHECK(read_ceiling(store.paths, store.extents, &chain, 64, MutableBytes(out), 1) >= 0);
    CHECK(out == all);
    Data small(3 * 64);  // wraps round: the last rows are what stays
    read_ceiling(store.paths, store.extents, &chain, 64, MutableBytes(small), 1);
    CHECK(Data(small.begin(), small.begin() + 64) == sample(6, 64));
    CHECK(Data(small.begin() + 64, small.begin() + 128) == sample(7, 64));
    CHECK(read_ceiling(store.paths, store.extents, &chain, 64, MutableBytes(out), 4) >= 0);
    CHECK(read_ceiling(store.paths, store.extents, nullptr, 64, MutableBytes(out), 4) >= 0);
  }
}

TEST_CASE("the reading ceiling fails as a reader would") {
  const TempDir dir;
  for (const CodecChain& chain : {raw_chain(), zstd_chain()}) {
    const Store store = make_store(dir, chain);
    Data out(8 * 64);
    const auto run = [&](const StoredExtent& extent, const CodecChain* with) {
      read_ceiling(store.paths, {extent}, with, 64, MutableBytes(out), 1);
    };
    StoredExtent wrong = store.extents[2];
    wrong.offset += 1;
    CHECK(throws(Errc::corrupt, [&] { run(wrong, &chain); }));
    CHECK(throws(Errc::corrupt, [&] { run({0, 1 << 20, 64}, &chain); }));
    CHECK(throws(Errc::corrupt, [&] { run({0, 1 << 20, 64}, nullptr); }));
    CHECK(throws(Errc::invalid_argument, [&] { run({2, 0, 64}, &chain); }));
    CHECK(throws(Errc::invalid_argument, [&] {
      read_ceiling(store.paths, store.extents, &chain, 0, MutableBytes(out), 1);
    }));
    CHECK(throws(Errc::invalid_argument, [&] {
      read_ceiling(store.paths, store.extents, &chain, 64, MutableBytes(out), 9);
    }));
    CHECK(throws(Errc::io,
                 [&] { read_ceiling({dir.path("none")}, {}, &chain, 64, MutableBytes(out), 1); }));
  }
  const CodecChain zstd = zstd_chain();
  const Store store = make_store(dir, zstd);
  Data out(64);
  const StoredExtent endless{0, 0, ~std::uint64_t{0}};
  CHECK(throws(Errc::corrupt,
               [&] { read_ceiling(store.paths, {endless}, &zstd, 64, MutableBytes(out), 1); }));
}

TEST_CASE("the JPEG ceiling decodes, and fails where that fails") {
  const TempDir dir;
  const std::vector<std::string> paths{write_all(dir.path("a"), jpeg_file(20, 30, 1)),
                                       write_all(dir.path("b"), jpeg_file(20, 30, 3))};
  CHECK(irtd::jpeg_ceiling(paths, 20, 30, 2) >= 0);
  CHECK(irtd::jpeg_ceiling({}, 20, 30, 2) >= 0);
  CHECK(throws(Errc::invalid_argument, [&] { irtd::jpeg_ceiling(paths, 20, 31, 1); }));
  CHECK(throws(Errc::invalid_argument, [&] { irtd::jpeg_ceiling(paths, -1, 30, 1); }));
  CHECK(throws(Errc::io, [&] { irtd::jpeg_ceiling({dir.path("none")}, 20, 30, 1); }));
  write_all(dir.path("b"), {});
  CHECK(throws(Errc::decode, [&] { irtd::jpeg_ceiling(paths, 20, 30, 1); }));
}
