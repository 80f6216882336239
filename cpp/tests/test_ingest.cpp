#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "irtd/crc32c.hpp"
#include "irtd/hash.hpp"
#include "irtd/ingest.hpp"
#include "shard_support.hpp"

namespace {

namespace fs = std::filesystem;
using irtd::Bytes;
using irtd::CodecChain;
using irtd::Errc;
using irtd::IngestResult;
using irtd::JpegExpectation;
using irtd::pack_jpeg_files;
using irtd::PackedReader;
using irtd::PackedWriter;
using irtd::put_jpeg_files;
using irtd::ShardReader;
using irtd::ShardWriter;
using namespace irtd::testing;

constexpr int kRows = 40;
constexpr int kCols = 56;

Data decoded(const Data& file, int channels) {
  Data out(static_cast<std::size_t>(kRows * kCols * channels));
  irtd::decode_jpeg(Bytes(file), {out.data(), kRows, kCols, channels});
  return out;
}

/// One file of every kind of trouble between good ones, and the code each should get ("" is fine).
struct Tree {
  std::vector<std::string> paths;
  std::vector<Data> files;  ///< empty where there is none to read
  std::vector<std::string> codes;

  void add(const TempDir& dir, const Data& file, const std::string& code) {
    paths.push_back(write_all(dir.path("f" + std::to_string(paths.size())), file));
    files.push_back(file);
    codes.push_back(code);
  }
};

Tree make_tree(const TempDir& dir) {
  Tree tree;
  const Data good = jpeg_file(kRows, kCols, 1);
  tree.add(dir, good, "");
  tree.add(dir, {}, "undecodable-image");
  tree.add(dir, jpeg_file(kRows, kCols, 3), "");  // gray saved as colour
  tree.add(dir, Data(good.begin(), good.begin() + static_cast<long>(good.size() / 2)),
           "undecodable-image");
  tree.add(dir, jpeg_file(kRows + 1, kCols, 1), "changed-since-plan");
  tree.add(dir, jpeg_file(kCols, kRows, 1), "changed-since-plan");
  tree.add(dir, jpeg_file(kRows, kCols, 3, 30), "not-gray");
  tree.add(dir, noise(500, 1), "undecodable-image");
  tree.add(dir, Data(good.begin(), good.begin() + 20), "undecodable-image");
  tree.paths.push_back(dir.path("missing"));
  tree.paths.push_back(dir.path());  // a folder
  tree.files.resize(tree.files.size() + 2);
  tree.codes.insert(tree.codes.end(), {"unreadable", "unreadable"});
  tree.add(dir, jpeg_file(kRows, kCols, 1, 0, 4), "");
  return tree;
}

void check_codes(const std::vector<IngestResult>& results, const Tree& tree) {
  REQUIRE(results.size() == tree.paths.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    CAPTURE(i);
    CHECK(results[i].code == tree.codes[i]);
    CHECK(results[i].ok == tree.codes[i].empty());
    CHECK(results[i].message.empty() == tree.codes[i].empty());
    const bool readable = tree.codes[i] != "unreadable";
    CHECK(results[i].digest == (readable ? irtd::xxh64(Bytes(tree.files[i])) : 0));
  }
}

std::vector<std::uint64_t> iota(std::size_t n) {
  std::vector<std::uint64_t> rows(n);
  for (std::size_t i = 0; i < n; ++i) rows[i] = i;
  return rows;
}

}  // namespace

TEST_CASE("files go into their rows, troubles leave holes and say why, the run goes on") {
  const TempDir dir;
  const Tree tree = make_tree(dir);
  const TempDir store;
  const std::size_t n = tree.paths.size();
  for (const CodecChain& chain : {raw_chain(), zstd_chain()}) {
    for (const int threads : {1, 4}) {
      const auto layout = layout_in(store, n, n, kRows * kCols);
      ShardWriter writer(store.path("s0"), n, n, kRows * kCols, chain);
      const auto results =
          put_jpeg_files(writer, iota(n), tree.paths, {kRows, kCols, 1, 2}, threads);
      check_codes(results, tree);
      CHECK(writer.finish().present == 3);
      const ShardReader reader(layout, chain);
      for (std::uint64_t row = 0; row < n; ++row) {
        CAPTURE(row);
        if (results[row].ok) {
          CHECK(read_row(reader, row) == decoded(tree.files[row], 1));
        } else {
          CHECK(throws(Errc::corrupt, [&] { read_row(reader, row); }));
        }
      }
    }
  }
}

TEST_CASE("colour is stored as RGB, gray as gray within the tolerance") {
  const TempDir dir;
  const Data file = jpeg_file(kRows, kCols, 3, 30);
  const std::string path = write_all(dir.path("f"), file);
  {
    ShardWriter writer(dir.path("s0"), 1, 1, kRows * kCols * 3, raw_chain());
    CHECK(put_jpeg_files(writer, {0}, {path}, {kRows, kCols, 3, 0}, 1)[0].ok);
    writer.finish();
    const ShardReader reader(layout_in(dir, 1, 1, kRows * kCols * 3), raw_chain());
    CHECK(read_row(reader, 0) == decoded(file, 3));
  }
  for (const int tolerance : {0, 2, 100}) {
    ShardWriter writer(dir.path("s0"), 1, 1, kRows * kCols, raw_chain());
    const auto results = put_jpeg_files(writer, {0}, {path}, {kRows, kCols, 1, tolerance}, 1);
    CHECK(results[0].ok == (tolerance == 100));
  }
}

TEST_CASE("a request that cannot be right is refused, not written") {
  const TempDir dir;
  const std::string path = write_all(dir.path("f"), jpeg_file(kRows, kCols, 1));
  ShardWriter writer(dir.path("s0"), 3, 3, kRows * kCols, raw_chain());
  const auto put = [&](const std::vector<std::uint64_t>& rows,
                       const std::vector<std::string>& paths, const JpegExpectation& expected) {
    put_jpeg_files(writer, rows, paths, expected, 2);
  };
  const JpegExpectation right{kRows, kCols, 1, 0};
  CHECK(throws(Errc::invalid_argument, [&] { put({0, 1}, {path}, right); }));
  CHECK(throws(Errc::invalid_argument, [&] { put({3}, {path}, right); }));
  // A picture larger than its row must never be decoded into it.
  for (const JpegExpectation& wrong : {JpegExpectation{kRows + 1, kCols, 1, 0},
                                       {kRows, kCols, 3, 0},
                                       {kRows, kCols, 2, 0},
                                       {-kRows, -kCols, 1, 0},
                                       {0, 0, 1, 0},
                                       {1 << 30, 1 << 30, 1, 0}}) {
    CHECK(throws(Errc::invalid_argument, [&] { put({0}, {path}, wrong); }));
  }
  put({0}, {path}, right);
  CHECK(throws(Errc::invalid_argument, [&] { put({0}, {path}, right); }));
  CHECK(throws(Errc::invalid_argument, [&] { put({1, 1}, {path, path}, right); }));
}

TEST_CASE("whole files are packed after they have been decoded once") {
  const TempDir dir;
  const Tree tree = make_tree(dir);
  const TempDir store;
  const std::size_t n = tree.paths.size();
  std::vector<std::uint64_t> offsets;
  std::vector<std::uint64_t> lengths;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < n; ++i) {
    offsets.push_back(total);
    lengths.push_back(tree.files[i].size());
    total += lengths[i];
  }
  const std::vector<JpegExpectation> expected(n, {kRows, kCols, 1, 2});
  for (const int threads : {1, 4}) {
    PackedWriter writer(store.path("p0"), total);
    const auto results = pack_jpeg_files(writer, offsets, lengths, tree.paths, expected, threads);
    check_codes(results, tree);
    writer.finish(3);
    std::vector<std::uint32_t> crcs;
    for (const IngestResult& result : results) crcs.push_back(result.crc32c);
    const PackedReader reader({store.path("p"), total, offsets, lengths, crcs});
    for (std::size_t i = 0; i < n; ++i) {
      CAPTURE(i);
      Data out(lengths[i]);
      reader.read(i, irtd::MutableBytes(out));
      CHECK(out == (results[i].ok ? tree.files[i] : Data(lengths[i], 0)));
    }
  }
}

TEST_CASE("a packed file of another length, or an impossible plan, is not packed") {
  const TempDir dir;
  const Data file = jpeg_file(kRows, kCols, 3, 30);
  const std::string path = write_all(dir.path("f"), file);
  PackedWriter writer(dir.path("p0"), 2 * file.size());
  const auto pack = [&](std::uint64_t offset, std::uint64_t length, const JpegExpectation& want) {
    return pack_jpeg_files(writer, {offset}, {length}, {path}, {want}, 1).at(0);
  };
  const JpegExpectation right{kRows, kCols, 3, 0};
  CHECK(pack(0, file.size() - 1, right).code == "changed-since-plan");
  CHECK(pack(0, file.size() + 1, right).code == "changed-since-plan");
  CHECK(pack(0, file.size(), {kRows, kCols, 1, 2}).code == "not-gray");
  CHECK(pack(0, file.size(), {-1, -1, 1, 2}).code == "changed-since-plan");
  CHECK(pack(0, file.size(), {1 << 30, 1 << 30, 3, 2}).code == "changed-since-plan");
  CHECK(throws(Errc::invalid_argument, [&] { pack(0, file.size(), {kRows, kCols, 2, 0}); }));
  CHECK(throws(Errc::invalid_argument, [&] { pack(file.size() + 1, file.size(), right); }));
  CHECK(throws(Errc::invalid_argument,
               [&] { pack_jpeg_files(writer, {0}, {1}, {path, path}, {right, right}, 1); }));
  const IngestResult result = pack(file.size(), file.size(), right);
  CHECK(result.ok);
  CHECK(result.crc32c == irtd::crc32c(Bytes(file)));
}
