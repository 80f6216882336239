#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "irtd/buffer_pool.hpp"
#include "irtd/file.hpp"
#include "support.hpp"

namespace {

namespace fs = std::filesystem;
using irtd::Bytes;
using irtd::Errc;
using irtd::File;
using irtd::MutableBytes;
using irtd::testing::caught;
using irtd::testing::Data;
using irtd::testing::noise;
using irtd::testing::read_all;
using irtd::testing::TempDir;
using irtd::testing::throws;
using irtd::testing::write_all;

/// The errno of the system's refusal, 0 if there was none; the error must name the file.
template <typename Body>
int refusal(const std::string& path, const Body& body) {
  const auto error = caught(body);
  if (!error || error->code() != Errc::io) return 0;
  CHECK(error->path() == path);
  return error->os_errno();
}

}  // namespace

TEST_CASE("what cannot be opened or created says why and which") {
  const TempDir dir;
  const std::string missing = dir.path("no/such");
  CHECK(refusal(missing, [&] { File::open_read(missing); }) == ENOENT);
  CHECK(refusal(missing, [&] { File::create(missing); }) == ENOENT);
  CHECK(refusal(dir.path(), [&] { File::create(dir.path()); }) == EISDIR);
  const File folder = File::open_read(dir.path());
  Data byte(1);
  CHECK(refusal(dir.path(), [&] { folder.read_exact(MutableBytes(byte), 0); }) == EISDIR);
}

TEST_CASE("ranges are read whole or not at all") {
  const TempDir dir;
  const Data data = noise(100, 1);
  const File file = File::open_read(write_all(dir.path("f"), data));
  CHECK(file.size() == 100);
  for (std::size_t offset = 0; offset <= 110; offset += 10) {
    for (std::size_t n = 0; n <= 110; n += 10) {
      CAPTURE(offset);
      CAPTURE(n);
      Data out(n);
      const auto error = caught([&] { file.read_exact(MutableBytes(out), offset); });
      if (n == 0 || offset + n <= 100) {
        REQUIRE_FALSE(error);
        CHECK(std::equal(out.begin(), out.end(), data.begin() + static_cast<long>(offset)));
      } else {
        REQUIRE(error);
        CHECK(error->code() == Errc::corrupt);
        CHECK(error->path() == dir.path("f"));
      }
    }
  }
}

TEST_CASE("two neighbouring ranges are read in one go, wherever the file ends") {
  const TempDir dir;
  const Data data = noise(64, 2);
  const File file = File::open_read(write_all(dir.path("f"), data));
  for (std::size_t first = 0; first <= 70; ++first) {
    for (const std::size_t second : {0, 1, 4, 20}) {
      CAPTURE(first);
      CAPTURE(second);
      Data a(first);
      Data b(second);
      const auto error = caught([&] { file.read_exact2(MutableBytes(a), MutableBytes(b), 3); });
      if (3 + first + second <= 64 || first + second == 0) {
        REQUIRE_FALSE(error);
        CHECK(std::equal(a.begin(), a.end(), data.begin() + 3));
        CHECK(std::equal(b.begin(), b.end(), data.begin() + 3 + static_cast<long>(first)));
      } else {
        REQUIRE(error);
        CHECK(error->code() == Errc::corrupt);
      }
    }
  }
}

TEST_CASE("an offset no file has is an error, not a wrap-around") {
  const TempDir dir;
  const File file = File::open_read(write_all(dir.path("f"), noise(8, 3)));
  Data out(4);
  for (const std::uint64_t offset : {~std::uint64_t{0}, std::uint64_t{1} << 63}) {
    CHECK(caught([&] { file.read_exact(MutableBytes(out), offset); }).has_value());
    CHECK(caught([&] { file.read_exact2(MutableBytes(out), {}, offset); }).has_value());
  }
}

TEST_CASE("writes land where they should and errors of writing are thrown") {
  const TempDir dir;
  const Data data = noise(50, 4);
  File file = File::create(dir.path("f"));
  file.write_exact(Bytes(data).subspan(20, 30), 20);
  file.write_exact(Bytes(data).subspan(0, 20), 0);
  file.sync();
  file.close();
  file.close();  // nothing left to do
  CHECK(file.fd() == -1);
  CHECK(read_all(dir.path("f")) == data);
  const File again = File::create(dir.path("f"));
  CHECK(again.size() == 0);
  if (::access("/dev/full", W_OK) == 0) {
    const File full = File::create("/dev/full");
    CHECK(refusal("/dev/full", [&] { full.write_exact(Bytes(data), 0); }) == ENOSPC);
  } else {
    MESSAGE("skipped: no /dev/full");
  }
  const File readonly = File::open_read(dir.path("f"));
  CHECK(refusal(dir.path("f"), [&] { readonly.write_exact(Bytes(data), 0); }) == EBADF);
}

TEST_CASE("writes past the page cache give the same file") {
  const TempDir dir;
  const std::size_t n = 3 * irtd::kDirectAlignment;
  const irtd::PooledBuffer buffer = irtd::acquire_buffer(n);
  const Data data = noise(n, 5);
  std::copy(data.begin(), data.end(), buffer.data());
  const File file = File::create(dir.path("f"));
  const bool direct = file.set_direct(true);
  if (!direct) MESSAGE("this file system has no direct writes: plain ones are tested");
  file.write_exact(buffer.bytes(n), 0);
  REQUIRE((!direct || file.set_direct(false)));
  file.write_exact(buffer.bytes(5), n);
  Data expected = data;
  expected.insert(expected.end(), data.begin(), data.begin() + 5);
  CHECK(read_all(dir.path("f")) == expected);
}

TEST_CASE("a file has one owner") {
  const TempDir dir;
  File a = File::open_read(write_all(dir.path("a"), noise(3, 6)));
  const int fd = a.fd();
  File b = std::move(a);
  CHECK(b.fd() == fd);
  File c = File::open_read(write_all(dir.path("c"), noise(4, 7)));
  const int replaced = c.fd();
  c = std::move(b);
  CHECK(c.fd() == fd);
  CHECK(c.size() == 3);
  CHECK(c.path() == dir.path("a"));
  CHECK(::close(replaced) == -1);  // it was closed when its place was taken
}

TEST_CASE("whole files are read into a buffer that only grows") {
  const TempDir dir;
  const Data data = noise(40, 8);
  write_all(dir.path("f"), data);
  write_all(dir.path("empty"), {});
  Data out(100, 9);
  CHECK(irtd::read_file(dir.path("f"), out, 40) == 40);
  CHECK(out.size() == 100);
  CHECK(std::equal(data.begin(), data.end(), out.begin()));
  CHECK(irtd::read_file(dir.path("empty"), out, 0) == 0);
  const auto error = caught([&] { irtd::read_file(dir.path("f"), out, 39); });
  REQUIRE(error);
  CHECK(error->code() == Errc::decode);
  CHECK(error->path() == dir.path("f"));
  CHECK(refusal(dir.path("g"), [&] { irtd::read_file(dir.path("g"), out, 9); }) == ENOENT);
  CHECK(refusal(dir.path(), [&] { irtd::read_file(dir.path(), out, 1 << 20); }) == EISDIR);
}

TEST_CASE("renames replace, exchanges swap, and both say what failed") {
  const TempDir dir;
  const std::string a = write_all(dir.path("a"), {1});
  const std::string b = write_all(dir.path("b"), {2});
  irtd::rename_durably(a, b);
  CHECK_FALSE(fs::exists(a));
  CHECK(read_all(b) == Data{1});
  CHECK(refusal(a, [&] { irtd::rename_durably(a, b); }) == ENOENT);
  CHECK(refusal(dir.path("x"), [&] { irtd::sync_directory(dir.path("x")); }) == ENOENT);
  write_all(a, {3});
  if (irtd::exchange_paths(a, b)) {
    CHECK(read_all(a) == Data{1});
    CHECK(read_all(b) == Data{3});
    CHECK(refusal(a, [&] { irtd::exchange_paths(a, dir.path("none")); }) == ENOENT);
  } else {
    MESSAGE("skipped: this file system cannot exchange names");
  }
}

TEST_CASE("dropping a file from the cache keeps its content") {
  const TempDir dir;
  const Data data = noise(10000, 9);
  write_all(dir.path("f"), data);
  irtd::drop_from_cache(dir.path("f"));
  CHECK(read_all(dir.path("f")) == data);
  CHECK(refusal(dir.path("g"), [&] { irtd::drop_from_cache(dir.path("g")); }) == ENOENT);
}
