#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "irtd/jpeg.hpp"
#include "irtd/probe.hpp"

namespace {

namespace fs = std::filesystem;
using Data = std::vector<std::uint8_t>;

/// A folder that goes away with its content.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "irtd_probe_XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const Data& data) const {
    std::ofstream stream(path(name), std::ios::binary);
    for (const std::uint8_t byte : data) stream.put(static_cast<char>(byte));
    return path(name);
  }

 private:
  fs::path path_;
};

void put_big32(Data& data, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) {
    data[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
  }
}

void put_little32(Data& data, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) data[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

Data png_header(std::uint32_t height, std::uint32_t width, int bits, int color) {
  Data data{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
  data.resize(33);
  put_big32(data, 16, width);
  put_big32(data, 20, height);
  data[24] = static_cast<std::uint8_t>(bits);
  data[25] = static_cast<std::uint8_t>(color);
  return data;
}

Data bmp_header(std::int32_t height, std::int32_t width, int bits) {
  Data data(54);
  data[0] = 'B';
  data[1] = 'M';
  put_little32(data, 14, 40);
  put_little32(data, 18, static_cast<std::uint32_t>(width));
  put_little32(data, 22, static_cast<std::uint32_t>(height));
  data[28] = static_cast<std::uint8_t>(bits);
  return data;
}

Data jpeg_file(int rows, int cols, int channels) {
  const Data pixels(static_cast<std::size_t>(rows * cols * channels), 90);
  return irtd::encode_jpeg({pixels.data(), rows, cols, channels}, 90, 444, false);
}

/// The JPEG with `count` application segments of `size` bytes before everything else.
Data with_segments(const Data& jpeg, int count, std::size_t size) {
  Data data{0xFF, 0xD8};
  for (int i = 0; i < count; ++i) {
    data.insert(data.end(), {0xFF, 0xE1, static_cast<std::uint8_t>(size >> 8),
                             static_cast<std::uint8_t>(size & 0xFF)});
    data.insert(data.end(), size - 2, 0xFF);  // nothing inside may be taken for a marker
  }
  data.insert(data.end(), jpeg.begin() + 2, jpeg.end());
  return data;
}

void check_found(const irtd::ImageProbe& probe, const std::string& encoding, int height, int width,
                 int channels, int bits) {
  CHECK(probe.ok());
  CHECK(probe.message == "");
  CHECK(probe.encoding == encoding);
  CHECK(probe.height == height);
  CHECK(probe.width == width);
  CHECK(probe.channels == channels);
  CHECK(probe.bits == bits);
}

std::string code(const std::string& path) {
  const irtd::ImageProbe probe = irtd::probe_image(path);
  CHECK(probe.encoding == std::string());
  CHECK(probe.height == 0);
  CHECK(probe.message.empty() == probe.ok());
  return probe.code;
}

}  // namespace

TEST_CASE("every format is known by its content, whatever the name") {
  const Folder folder;
  check_found(irtd::probe_image(folder.write("a.png", jpeg_file(20, 30, 3))), "jpeg", 20, 30, 3, 8);
  check_found(irtd::probe_image(folder.write("b", jpeg_file(21, 31, 1))), "jpeg", 21, 31, 1, 8);
  check_found(irtd::probe_image(folder.write("c", png_header(7, 9, 16, 0))), "png", 7, 9, 1, 16);
  check_found(irtd::probe_image(folder.write("d", png_header(7, 9, 1, 0))), "png", 7, 9, 1, 8);
  check_found(irtd::probe_image(folder.write("e", png_header(7, 9, 8, 2))), "png", 7, 9, 3, 8);
  check_found(irtd::probe_image(folder.write("f", png_header(7, 9, 8, 3))), "png", 7, 9, 1, 8);
  check_found(irtd::probe_image(folder.write("g", png_header(7, 9, 8, 4))), "png", 7, 9, 2, 8);
  check_found(irtd::probe_image(folder.write("h", png_header(7, 9, 16, 6))), "png", 7, 9, 4, 16);
  check_found(irtd::probe_image(folder.write("i", bmp_header(5, 6, 8))), "bmp", 5, 6, 1, 8);
  check_found(irtd::probe_image(folder.write("j", bmp_header(-5, 6, 24))), "bmp", 5, 6, 3, 8);
  check_found(irtd::probe_image(folder.write("k", bmp_header(5, 6, 32))), "bmp", 5, 6, 4, 8);
  for (const Data& magic : {Data{'I', 'I', '*', 0}, Data{'M', 'M', 0, '*'}, Data{'I', 'I', 43, 0},
                            Data{'M', 'M', 0, 43}}) {
    check_found(irtd::probe_image(folder.write("l", magic)), "tiff", 0, 0, 0, 0);
  }
}

TEST_CASE("size and time come from the file system") {
  const Folder folder;
  const std::string path = folder.write("a", jpeg_file(8, 8, 1));
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  const irtd::ImageProbe probe = irtd::probe_image(path);
  CHECK(probe.size == info.st_size);
  CHECK(probe.mtime_ns / 1'000'000'000 == info.st_mtim.tv_sec);
  CHECK(probe.mtime_ns % 1'000'000'000 == info.st_mtim.tv_nsec);
}

TEST_CASE("a frame header beyond the first 64 KiB is found") {
  const Folder folder;
  const Data jpeg = jpeg_file(40, 50, 3);
  for (const std::size_t size : {65535UL, 65000UL, 1000UL}) {
    for (const int count : {1, 2, 70}) {
      CAPTURE(size);
      CAPTURE(count);
      const Data data = with_segments(jpeg, count, size);
      check_found(irtd::probe_image(folder.write("a", data)), "jpeg", 40, 50, 3, 8);
    }
  }
}

TEST_CASE("a JPEG cut anywhere before the end of its frame header is truncated") {
  const Folder folder;
  const Data jpeg = with_segments(jpeg_file(40, 50, 1), 1, 65535);
  const Data plain = jpeg_file(40, 50, 1);
  for (std::size_t keep : {3UL, 4UL, 20UL, 100UL}) {
    const Data cut(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(keep));
    CHECK(code(folder.write("a", cut)) == "truncated-image");
  }
  for (std::size_t keep : {4UL, 30000UL, 65536UL, 65539UL, 65540UL, 65600UL}) {
    CAPTURE(keep);
    const Data cut(jpeg.begin(), jpeg.begin() + static_cast<std::ptrdiff_t>(keep));
    CHECK(code(folder.write("b", cut)) == "truncated-image");
  }
}

TEST_CASE("failures carry their code") {
  const Folder folder;
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\n";
  CHECK(code(folder.write("a", {})) == "empty-file");
  CHECK(code(folder.write("b", Data(pointer.begin(), pointer.end()))) == "lfs-pointer");
  CHECK(code(folder.path("missing")) == "unreadable");
  CHECK(code(folder.path("")) == "unreadable");  // the folder itself
  CHECK(code(std::string("a\0b", 3)) == "unreadable");
  CHECK(code(folder.write("c", {'G', 'I', 'F', '8'})) == "not-an-image");
  CHECK(code(folder.write("d", {0xFF, 0xD8, 0xFF, 0xD9})) == "not-an-image");
  CHECK(code(folder.write("e", png_header(7, 9, 8, 1))) == "not-an-image");
  CHECK(code(folder.write("f", png_header(7, 9, 5, 0))) == "not-an-image");
  CHECK(code(folder.write("g", png_header(0, 9, 8, 0))) == "not-an-image");
  CHECK(code(folder.write("h", bmp_header(7, -9, 8))) == "not-an-image");
  CHECK(code(folder.write("i", bmp_header(7, 9, 13))) == "not-an-image");
  Data png = png_header(7, 9, 8, 0);
  png.resize(20);
  CHECK(code(folder.write("j", png)) == "truncated-image");
  CHECK(code(folder.write("k", {'B', 'M', 0, 0})) == "truncated-image");
}

TEST_CASE("a FIFO does not make the probe wait") {
  const Folder folder;
  const std::string path = folder.path("fifo");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(code(path) == "unreadable");
}

TEST_CASE("sizes nobody can mean are refused by the header") {
  const Folder folder;
  CHECK(code(folder.write("a", png_header(1U << 15, 1U << 14, 8, 0))) == "huge-image");
  CHECK(irtd::probe_image(folder.write("b", png_header(1U << 14, 1U << 14, 8, 0))).ok());
  CHECK(code(folder.write("c", png_header(1, (1U << 20) + 1, 8, 0))) == "huge-image");
  CHECK(code(folder.write("d", png_header(0xFFFFFFFF, 0xFFFFFFFF, 8, 0))) == "huge-image");
  CHECK(code(folder.write("e", bmp_header(INT32_MIN, INT32_MAX, 8))) == "huge-image");
  Data jpeg = jpeg_file(8, 8, 1);
  std::size_t at = 2;
  while (jpeg[at + 1] != 0xC0) {
    at += 2 + static_cast<std::size_t>((jpeg[at + 2] << 8) | jpeg[at + 3]);
  }
  jpeg[at + 5] = 0xFF;  // 65504 rows
  jpeg[at + 6] = 0xE0;
  CHECK(code(folder.write("f", jpeg)) == "huge-image");
}

TEST_CASE("many files over threads come back in order") {
  const Folder folder;
  std::vector<std::string> paths;
  for (int i = 1; i <= 60; ++i) {
    const auto side = static_cast<std::uint32_t>(i);
    paths.push_back(i % 7 == 0 ? folder.path("missing")
                               : folder.write(std::to_string(i), png_header(side, 3, 8, 0)));
  }
  for (const int threads : {0, 1, 4}) {
    const std::vector<irtd::ImageProbe> probes = irtd::probe_images(paths, threads);
    REQUIRE(probes.size() == 60);
    for (int i = 1; i <= 60; ++i) {
      const irtd::ImageProbe& probe = probes[static_cast<std::size_t>(i - 1)];
      CHECK(probe.ok() == (i % 7 != 0));
      if (probe.ok()) CHECK(probe.height == i);
    }
  }
  CHECK(irtd::probe_images({}, 2).empty());
}
