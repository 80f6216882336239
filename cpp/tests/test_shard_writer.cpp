#include <doctest/doctest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "irtd/hash.hpp"
#include "irtd/shard_writer.hpp"
#include "shard_support.hpp"

namespace {

namespace fs = std::filesystem;
using irtd::Bytes;
using irtd::CodecChain;
using irtd::CodecKind;
using irtd::Errc;
using irtd::FileSummary;
using irtd::MutableBytes;
using irtd::ShardReader;
using irtd::ShardWriter;
using namespace irtd::testing;

constexpr std::size_t kMiB = std::size_t{1} << 20;

/// Writes `rows` samples over `threads` threads, in an order drawn from `seed`.
FileSummary write_shuffled(const std::string& path, std::uint64_t rows, std::size_t chunk,
                           const CodecChain& chain, std::size_t threads, unsigned seed) {
  std::vector<std::uint64_t> order(rows);
  std::iota(order.begin(), order.end(), std::uint64_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937(seed));
  ShardWriter writer(path, rows, rows, chunk, chain);
  std::vector<std::thread> pool;
  for (std::size_t t = 0; t < threads; ++t) {
    pool.emplace_back([&, t] {
      for (std::size_t i = t; i < order.size(); i += threads) {
        if (order[i] % 7 == 3) {
          writer.skip(order[i]);
        } else {
          writer.put(order[i], Bytes(sample(order[i], chunk)));
        }
      }
    });
  }
  for (std::thread& thread : pool) thread.join();
  return writer.finish();
}

/// Allows no file of this process to grow beyond `bytes` while it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = ::signal(SIGXFSZ, SIG_IGN);
    rlimit now = before_;
    now.rlim_cur = bytes;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &now) == 0);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

/// A small file system on a folder while it lives.
class SmallDisk {
 public:
  explicit SmallDisk(std::string path)
      : path_(std::move(path)),
        mounted_(::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=4m") == 0) {}
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }

 private:
  std::string path_;
  bool mounted_;
};

/// Writes a shard of `mib` MiB that cannot be written whole; the errno of the error.
int errno_of_failed_write(const std::string& path, std::uint64_t mib) {
  ShardWriter writer(path, mib, mib, kMiB, raw_chain());
  const Data raw(kMiB, 5);
  for (std::uint64_t row = 0; row < mib; ++row) writer.put(row, Bytes(raw));
  const auto error = caught([&] { writer.finish(); });
  REQUIRE(error);
  CHECK(error->code() == Errc::io);
  CHECK_FALSE(fs::exists(path));
  // Asking again does not turn the failure into a success.
  CHECK(throws(Errc::io, [&] { writer.finish(); }));
  return error->os_errno();
}

}  // namespace

TEST_CASE("the same samples give the same file, whatever the order and the threads") {
  const TempDir dir;
  const CodecChain big_endian({codec(CodecKind::blosc, 5), codec(CodecKind::crc32c)}, 2, true);
  int number = 0;
  for (const CodecChain& chain : {raw_chain(), zstd_chain(), big_endian}) {
    const std::string first = dir.path("a" + std::to_string(number++));
    const FileSummary expected = write_shuffled(first, 61, 1500, chain, 1, 0);
    CHECK(expected.present == 61 - 9);
    const Data bytes = read_all(first);
    CHECK(expected.bytes == bytes.size());
    for (unsigned seed = 1; seed <= 4; ++seed) {
      const std::string path = dir.path("b");
      const FileSummary summary = write_shuffled(path, 61, 1500, chain, 1 + seed, seed);
      CHECK(read_all(path) == bytes);
      CHECK(summary.digest == expected.digest);
      CHECK(summary.bytes == expected.bytes);
    }
  }
}

TEST_CASE("a shard of several flushes is the same file too") {
  const TempDir dir;
  const std::size_t chunk = 400001;  // not a multiple of any block
  write_shuffled(dir.path("a"), 50, chunk, raw_chain(), 1, 0);
  write_shuffled(dir.path("b"), 50, chunk, raw_chain(), 3, 1);
  const Data bytes = read_all(dir.path("a"));
  CHECK((bytes == read_all(dir.path("b"))));
  CHECK(bytes.size() == 50 * (chunk + 4) + 50 * 16 + 4);
  const Data last = sample(49, chunk);
  CHECK(std::equal(last.begin(), last.end(),
                   bytes.begin() + static_cast<std::ptrdiff_t>(49 * (chunk + 4))));
}

TEST_CASE("the digest covers the chunks and the index") {
  const TempDir dir;
  const auto layout = layout_in(dir, 6, 8, 32);
  const FileSummary summary = write_shard(layout, 0, raw_chain(), {2});
  const Data bytes = read_all(dir.path("s0"));
  REQUIRE(bytes.size() == 6 * 36 + 8 * 16 + 4);
  CHECK(summary.bytes == bytes.size());
  CHECK(summary.present == 5);
  std::vector<std::uint32_t> crcs;
  for (std::size_t row = 0; row < 6; ++row) {
    if (row != 2) crcs.push_back(irtd::load_le32(bytes.data() + row * 36 + 32));
  }
  const Bytes index = Bytes(bytes).subspan(6 * 36, 8 * 16 + 4);
  CHECK(summary.digest == irtd::shard_digest(crcs, index));
  Data text;
  for (const std::uint32_t crc : crcs) {
    text.resize(text.size() + 4);
    irtd::store_le32(text.data() + text.size() - 4, crc);
  }
  text.insert(text.end(), index.begin(), index.end());
  CHECK(summary.digest == irtd::xxh64(Bytes(text)));
}

TEST_CASE("holes keep their place in a raw shard and take none in a compressed one") {
  const TempDir dir;
  for (const bool raw : {true, false}) {
    const CodecChain chain = raw ? raw_chain() : zstd_chain();
    const auto layout = layout_in(dir, 5, 8, 64);  // and a short last shard
    write_shard(layout, 0, chain, {0, 3});
    const ShardReader reader(layout, chain);
    for (std::uint64_t row = 0; row < 5; ++row) {
      CAPTURE(row);
      CHECK(row_outcome(reader, row) == (row == 0 || row == 3 ? "corrupt" : "right"));
    }
    if (!raw) continue;
    CHECK(reader.extent(4).offset == 4 * 68);
    const Data bytes = read_all(dir.path("s0"));
    CHECK(std::count(bytes.begin() + 3 * 68, bytes.begin() + 4 * 68, 0) == 68);
    const Bytes index = Bytes(bytes).subspan(5 * 68, 8 * 16 + 4);
    const auto extents = irtd::parse_shard_index(index, {8, true});
    for (const std::size_t absent : {0, 3, 5, 6, 7}) CHECK_FALSE(extents[absent].present());
  }
}

TEST_CASE("nothing appears before finish, and nothing stays without it") {
  const TempDir dir;
  {
    ShardWriter writer(dir.path("s0"), 2, 2, 16, raw_chain());
    writer.put(0, Bytes(sample(0, 16)));
    CHECK_FALSE(fs::exists(dir.path("s0")));
  }
  CHECK(dir.empty());
  write_all(dir.path("s0"), {1, 2, 3});
  {
    ShardWriter writer(dir.path("s0"), 2, 1, 16, raw_chain());
    writer.put(0, Bytes(sample(0, 16)));
    CHECK(read_all(dir.path("s0")) == Data{1, 2, 3});
    writer.finish();
    CHECK(throws(Errc::invalid_argument, [&] { writer.finish(); }));
  }
  CHECK(read_all(dir.path("s0")).size() == 20 + 36);
  CHECK(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("every used row must be settled, once") {
  const TempDir dir;
  for (const CodecChain& chain : {raw_chain(), zstd_chain()}) {
    ShardWriter writer(dir.path("s0"), 4, 3, 16, chain);
    const Data raw = sample(1, 16);
    writer.put(1, Bytes(raw));
    writer.skip(2);
    CHECK(throws(Errc::invalid_argument, [&] { writer.put(1, Bytes(raw)); }));
    CHECK(throws(Errc::invalid_argument, [&] { writer.skip(1); }));
    CHECK(throws(Errc::invalid_argument, [&] { writer.put(2, Bytes(raw)); }));
    CHECK(throws(Errc::invalid_argument, [&] { writer.put(3, Bytes(raw)); }));
    CHECK(throws(Errc::invalid_argument, [&] { writer.skip(~std::uint64_t{0}); }));
    CHECK(throws(Errc::invalid_argument, [&] { writer.put(0, Bytes(raw).subspan(0, 15)); }));
    CHECK(throws(Errc::invalid_argument, [&] { writer.finish(); }));
    writer.fill(0, [&](MutableBytes out) {
      // Somebody else must not take a row while it is filled.
      CHECK(throws(Errc::invalid_argument, [&] { writer.put(0, Bytes(raw)); }));
      CHECK(throws(Errc::invalid_argument, [&] { writer.skip(0); }));
      std::copy(raw.begin(), raw.end(), out.begin());
    });
    CHECK(writer.finish().present == 2);
    CHECK(throws(Errc::invalid_argument, [&] { writer.put(1, Bytes(raw)); }));
  }
}

TEST_CASE("a decoder that fails leaves the row open") {
  const TempDir dir;
  for (const CodecChain& chain : {raw_chain(), zstd_chain()}) {
    const auto layout = layout_in(dir, 3, 3, 64);
    ShardWriter writer(dir.path("s0"), 3, 3, 64, chain);
    const auto fail = [](MutableBytes out) {
      std::fill(out.begin(), out.end(), std::uint8_t{0xEE});
      throw std::runtime_error("cannot decode");
    };
    CHECK_THROWS_AS(writer.fill(0, fail), std::runtime_error);
    CHECK_THROWS_AS(writer.fill(1, fail), std::runtime_error);
    CHECK(throws(Errc::invalid_argument, [&] { writer.finish(); }));
    writer.skip(0);
    writer.put(1, Bytes(sample(1, 64)));
    writer.put(2, Bytes(sample(2, 64)));
    CHECK(writer.finish().present == 2);
    const ShardReader reader(layout, chain);
    CHECK(row_outcome(reader, 0) == "corrupt");
    CHECK(row_outcome(reader, 1) == "right");
    const Data bytes = read_all(dir.path("s0"));
    CHECK(std::count(bytes.begin(), bytes.begin() + 16, 0xEE) == 0);
  }
}

TEST_CASE("shards that cannot be are refused") {
  const TempDir dir;
  const std::uint64_t huge = std::uint64_t{1} << 24;
  const auto make = [&](std::uint64_t rows, std::uint64_t used, std::uint64_t chunk) {
    ShardWriter(dir.path("s0"), rows, used, chunk, raw_chain());
  };
  CHECK(throws(Errc::invalid_argument, [&] { make(0, 0, 1); }));
  CHECK(throws(Errc::invalid_argument, [&] { make(1, 0, 1); }));
  CHECK(throws(Errc::invalid_argument, [&] { make(1, 2, 1); }));
  CHECK(throws(Errc::invalid_argument, [&] { make(1, 1, 0); }));
  CHECK(throws(Errc::invalid_argument, [&] { make(huge + 1, 1, 1); }));
  CHECK(throws(Errc::invalid_argument, [&] { make(huge, huge, 1 << 30); }));
  CHECK(throws(Errc::invalid_argument, [&] { make(1, 1, std::uint64_t{1} << 32); }));
  const CodecChain unchecked({codec(CodecKind::zstd)}, 1);
  CHECK(throws(Errc::invalid_argument, [&] { ShardWriter(dir.path("s0"), 1, 1, 1, unchecked); }));
  CHECK(dir.empty());
}

TEST_CASE("a folder that is missing, or goes away, is an error with its path") {
  const TempDir dir;
  const std::string path = dir.path("gone/s0");
  auto error = caught([&] { ShardWriter(path, 1, 1, 1, raw_chain()); });
  REQUIRE(error);
  CHECK(error->code() == Errc::io);
  CHECK(error->os_errno() == ENOENT);
  CHECK(error->path() == path + ".partial");
  fs::create_directory(dir.path("gone"));
  ShardWriter writer(path, 1, 1, 16, raw_chain());
  writer.put(0, Bytes(sample(0, 16)));
  fs::remove_all(dir.path("gone"));
  error = caught([&] { writer.finish(); });
  REQUIRE(error);
  CHECK(error->code() == Errc::io);
  CHECK(error->os_errno() == ENOENT);
}

TEST_CASE("a write that fails in the background is thrown by finish") {
  const TempDir dir;
  {
    const FileSizeLimit limit(9 * kMiB);
    CHECK(errno_of_failed_write(dir.path("s0"), 20) == EFBIG);  // by the flusher
  }
  {
    const FileSizeLimit limit(9 * kMiB + 123);  // a short write in the middle of a block
    CHECK(errno_of_failed_write(dir.path("s0"), 20) == EFBIG);
  }
  {
    const FileSizeLimit limit(kMiB / 2);  // less than one flush: by finish itself
    CHECK(errno_of_failed_write(dir.path("s0"), 2) == EFBIG);
  }
  CHECK(dir.empty());
}

TEST_CASE("a write that failed stays failed when there is room again") {
  const TempDir dir;
  ShardWriter writer(dir.path("s0"), 20, 20, kMiB, raw_chain());
  const Data raw(kMiB, 5);
  {
    const FileSizeLimit limit(kMiB);
    for (std::uint64_t row = 0; row < 20; ++row) writer.put(row, Bytes(raw));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (fs::file_size(dir.path("s0.partial")) < kMiB &&
           std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    // The refusal of the next byte follows at once.
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  CHECK(throws(Errc::io, [&] { writer.finish(); }));
  CHECK_FALSE(fs::exists(dir.path("s0")));
}

TEST_CASE("a full disk is thrown by finish and leaves nothing") {
  const TempDir dir;
  const SmallDisk disk(dir.path());
  if (!disk.mounted()) {
    MESSAGE("skipped: a small file system to fill cannot be mounted here");
    return;
  }
  CHECK(errno_of_failed_write(dir.path("s0"), 20) == ENOSPC);
  CHECK(dir.empty());
}

TEST_CASE("a forked child's copy of a writer leaves the parent's file alone") {
  const TempDir dir;
  const auto layout = layout_in(dir, 3, 3, 64);
  auto writer = std::make_unique<ShardWriter>(dir.path("s0"), 3, 3, 64, raw_chain());
  writer->put(0, Bytes(sample(0, 64)));
  const int status = run_in_child([&] {
    writer.reset();
    return 7;
  });
  CHECK(status == 7);
  writer->put(2, Bytes(sample(2, 64)));
  writer->put(1, Bytes(sample(1, 64)));
  CHECK(writer->finish().present == 3);
  const ShardReader reader(layout, raw_chain());
  for (std::uint64_t row = 0; row < 3; ++row) CHECK(row_outcome(reader, row) == "right");
}
