#include <doctest/doctest.h>
#include <fcntl.h>

#include <memory>
#include <vector>

#include "irtd/file.hpp"
#include "irtd/read_ahead.hpp"
#include "support.hpp"

using irtd::File;
using irtd::FileExtent;
using namespace irtd::testing;

namespace {

std::shared_ptr<const File> cold_file(const std::string& path, std::size_t bytes) {
  {
    const File file = File::create(path);
    file.write_exact(irtd::Bytes(std::vector<std::uint8_t>(bytes, 7)), 0);
    file.sync();
  }
  auto file = std::make_shared<File>(File::open_read(path));
  ::posix_fadvise(file->fd(), 0, 0, POSIX_FADV_RANDOM);
  ::posix_fadvise(file->fd(), 0, 0, POSIX_FADV_DONTNEED);
  return file;
}

}  // namespace

TEST_CASE("what is cached is not asked for, and neighbours are asked for together") {
  const TempDir dir;
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  const auto file = cold_file(dir.path("cold"), 4 * kMiB);
  std::vector<std::uint8_t> bytes(4 * kMiB);
  file->read_exact(irtd::MutableBytes(bytes), 0);  // now all of it is cached
  CHECK(irtd::read_ahead({{file, 0, kMiB}, {file, 3 * kMiB, kMiB}}) == 0);
  CHECK(irtd::read_ahead({}) == 0);
  CHECK(irtd::read_ahead({{file, 10, 0}}) == 0);
  // Beyond the end nothing is cached; a damaged index may ask for that, and it must not fail.
  const std::uint64_t far = std::uint64_t{1} << 40;
  CHECK(irtd::read_ahead({{file, far + 100, 50}, {file, far, 60}}) == 150);
  CHECK(irtd::read_ahead({{file, far, 60}, {file, far + 1'000'000, 50}}) == 110);
}
