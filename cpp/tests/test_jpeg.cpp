#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "irtd/error.hpp"
#include "irtd/jpeg.hpp"
#include "jpeg_markers.hpp"

namespace {

using irtd::Bytes;
using irtd::Errc;
using irtd::ImageView;
using Pixels = std::vector<std::uint8_t>;

/// A smooth picture with an edge; channels differ by `colour` levels.
Pixels picture(int rows, int cols, int channels, int colour = 0) {
  Pixels pixels;
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < cols; ++c) {
      const double wave = 100 + 60 * std::sin(0.1 * r) + 40 * std::cos(0.07 * c);
      for (int k = 0; k < channels; ++k) {
        const double value = wave + (c > cols / 2 ? 20 : 0) + colour * (k - 1);
        pixels.push_back(static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0)));
      }
    }
  }
  return pixels;
}

std::vector<std::uint8_t> file(int rows, int cols, int channels, int colour = 0,
                               int subsampling = 420, bool progressive = false) {
  const Pixels pixels = picture(rows, cols, channels, colour);
  return irtd::encode_jpeg({pixels.data(), rows, cols, channels}, 95, subsampling, progressive);
}

Pixels decode(Bytes data, int rows, int cols, int channels, int num = 1, int den = 1) {
  Pixels out(static_cast<std::size_t>(rows * cols * channels));
  irtd::decode_jpeg(data, {out.data(), rows, cols, channels}, num, den);
  return out;
}

int largest_difference(const Pixels& a, const Pixels& b) {
  REQUIRE(a.size() == b.size());
  int largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

template <typename Body>
Errc thrown_code(const Body& body) {
  try {
    body();
  } catch (const irtd::Error& error) {
    return error.code();
  }
  return Errc::internal;  // nothing here expects this one
}

/// The file with its last scan repeated, so that it has `scans` of them in all but name.
std::vector<std::uint8_t> scan_bomb(const std::vector<std::uint8_t>& source, int scans) {
  std::size_t last = 0;
  for (std::size_t i = 0; i + 1 < source.size(); ++i) {
    if (source[i] == 0xFF && source[i + 1] == 0xDA) last = i;
  }
  REQUIRE(last > 0);
  std::vector<std::uint8_t> bomb(source.begin(), source.end() - 2);
  for (int i = 0; i < scans; ++i) {
    bomb.insert(bomb.end(), source.begin() + static_cast<std::ptrdiff_t>(last), source.end() - 2);
  }
  bomb.insert(bomb.end(), {0xFF, 0xD9});
  return bomb;
}

}  // namespace

TEST_CASE("a header says what was encoded") {
  for (const bool progressive : {false, true}) {
    for (const int channels : {1, 3}) {
      const auto data = file(37, 53, channels, 0, 420, progressive);
      const irtd::JpegHeader header = irtd::read_jpeg_header(data);
      CHECK(header.height == 37);
      CHECK(header.width == 53);
      CHECK(header.components == channels);
      CHECK(header.progressive == progressive);
    }
  }
}

TEST_CASE("decoding gives back the picture, into strided targets too") {
  const Pixels truth = picture(40, 56, 3);
  const auto data = file(40, 56, 3, 0, 444);
  CHECK(largest_difference(decode(data, 40, 56, 3), truth) <= 6);
  CHECK(largest_difference(decode(data, 40, 56, 1), picture(40, 56, 1)) <= 6);

  Pixels wide(40 * 100, 7);
  irtd::decode_jpeg(data, {wide.data(), 40, 56, 1, 100});
  const Pixels plain = decode(data, 40, 56, 1);
  for (std::size_t r = 0; r < 40; ++r) {
    CHECK(std::equal(wide.begin() + static_cast<std::ptrdiff_t>(r * 100),
                     wide.begin() + static_cast<std::ptrdiff_t>(r * 100 + 56),
                     plain.begin() + static_cast<std::ptrdiff_t>(r * 56)));
    CHECK(wide[r * 100 + 56] == 7);  // beyond the row nothing is written
  }
}

TEST_CASE("scaled decoding has the size it announces") {
  const auto data = file(37, 53, 1);
  const irtd::JpegHeader header = irtd::read_jpeg_header(data);
  int height = 0;
  int width = 0;
  irtd::scaled_size(header, 1, 2, &height, &width);
  CHECK(height == 19);
  CHECK(width == 27);
  const Pixels half = decode(data, 19, 27, 1, 1, 2);
  CHECK(std::abs(half[0] - picture(37, 53, 1)[0]) <= 4);
  irtd::scaled_size(header, 8, 8, &height, &width);
  CHECK(height == 37);
  CHECK(thrown_code([&] { irtd::scaled_size(header, 1, 3, &height, &width); }) ==
        Errc::invalid_argument);
  CHECK(thrown_code([&] { decode(data, 37, 53, 1, 1, 2); }) == Errc::invalid_argument);
  CHECK(thrown_code([&] { irtd::scaled_size(header, 0, 0, &height, &width); }) ==
        Errc::invalid_argument);
}

TEST_CASE("luma with a look at the chroma equals the plain luma decode") {
  for (const int subsampling : {444, 422, 420}) {
    for (const int cols : {56, 53, 1}) {  // 53 and 1: the stored planes are wider than the picture
      for (const int colour : {0, 40}) {
        CAPTURE(subsampling);
        CAPTURE(cols);
        const auto data = file(39, cols, 3, colour, subsampling);
        Pixels luma(static_cast<std::size_t>(39 * cols));
        const int deviation = irtd::decode_jpeg_gray_checked(data, {luma.data(), 39, cols});
        CHECK(luma == decode(data, 39, cols, 1));
        if (colour == 0) {
          CHECK(deviation <= 1);
        } else {
          CHECK(deviation >= 10);
        }
      }
    }
  }
  const auto gray = file(16, 16, 1);
  Pixels luma(256);
  CHECK(irtd::decode_jpeg_gray_checked(gray, {luma.data(), 16, 16}) == 0);
  CHECK(luma == decode(gray, 16, 16, 1));
}

TEST_CASE("luma with a look at the chroma respects the stride of its target") {
  const auto data = file(20, 30, 3, 0, 444);
  Pixels wide(20 * 64, 9);
  irtd::decode_jpeg_gray_checked(data, {wide.data(), 20, 30, 1, 64});
  const Pixels plain = decode(data, 20, 30, 1);
  for (std::size_t r = 0; r < 20; ++r) {
    CHECK(std::equal(plain.begin() + static_cast<std::ptrdiff_t>(r * 30),
                     plain.begin() + static_cast<std::ptrdiff_t>(r * 30 + 30),
                     wide.begin() + static_cast<std::ptrdiff_t>(r * 64)));
    CHECK(wide[r * 64 + 30] == 9);
  }
}

TEST_CASE("a truncated file is an error wherever it is cut") {
  const auto data = file(64, 64, 3, 40);
  for (std::size_t keep = 0; keep < data.size() - 2; keep += 37) {
    CAPTURE(keep);
    const Bytes cut(data.data(), keep);
    CHECK(thrown_code([&] { decode(cut, 64, 64, 1); }) == Errc::decode);
    Pixels luma(64 * 64);
    CHECK(thrown_code([&] { irtd::decode_jpeg_gray_checked(cut, {luma.data(), 64, 64}); }) ==
          Errc::decode);
  }
  // The thread's decoder is still good after all of that.
  CHECK(decode(data, 64, 64, 3).size() == 64 * 64 * 3);
}

TEST_CASE("nothing of one file is left over for the next") {
  const auto data = file(32, 32, 1);
  std::vector<std::uint8_t> stripped(data.begin(), data.begin() + 2);
  std::size_t at = 2;
  while (data[at + 1] != 0xDA) {
    const std::size_t size = 2 + static_cast<std::size_t>((data[at + 2] << 8) | data[at + 3]);
    const auto begin = data.begin() + static_cast<std::ptrdiff_t>(at);
    if (data[at + 1] != 0xDB) {  // everything but the quantisation tables
      stripped.insert(stripped.end(), begin, begin + static_cast<std::ptrdiff_t>(size));
    }
    at += size;
  }
  stripped.insert(stripped.end(), data.begin() + static_cast<std::ptrdiff_t>(at), data.end());
  CHECK(decode(data, 32, 32, 1).size() == 32 * 32);
  CHECK(thrown_code([&] { decode(stripped, 32, 32, 1); }) == Errc::decode);

  const auto baseline = file(32, 32, 3, 40, 420, false);
  file(32, 32, 3, 0, 420, true);
  CHECK(file(32, 32, 3, 40, 420, false) == baseline);
}

TEST_CASE("the limits hold before anything is decoded") {
  const auto data = file(64, 64, 1);
  irtd::JpegLimits limits;
  limits.max_pixels = 64 * 64 - 1;
  CHECK(thrown_code([&] { irtd::read_jpeg_header(data, limits); }) == Errc::decode);
  limits.max_pixels = 64 * 64;
  CHECK(irtd::read_jpeg_header(data, limits).height == 64);
}

TEST_CASE("a progressive file with thousands of scans is refused") {
  const auto source = file(64, 64, 3, 40, 420, true);
  const auto bomb = scan_bomb(source, 10000);
  CHECK(thrown_code([&] { irtd::read_jpeg_header(bomb); }) == Errc::decode);
  CHECK(thrown_code([&] { decode(bomb, 64, 64, 1); }) == Errc::decode);
  irtd::JpegLimits limits;
  limits.max_scans = 1;
  CHECK(thrown_code([&] { irtd::read_jpeg_header(source, limits); }) == Errc::decode);
  const auto baseline = file(64, 64, 3, 40, 420, false);
  CHECK(irtd::read_jpeg_header(baseline, limits).components == 3);
}

TEST_CASE("what is no JPEG says so") {
  const auto data = file(16, 16, 1);
  const std::vector<std::uint8_t> empty;
  const std::vector<std::uint8_t> png{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  const std::vector<std::uint8_t> only_ends{0xFF, 0xD8, 0xFF, 0xD9};
  CHECK(thrown_code([&] { irtd::read_jpeg_header(empty); }) == Errc::decode);
  CHECK(thrown_code([&] { irtd::read_jpeg_header(png); }) == Errc::decode);
  CHECK(thrown_code([&] { irtd::read_jpeg_header(only_ends); }) == Errc::decode);
}

TEST_CASE("a damaged frame header says so") {
  const auto data = file(16, 16, 1);
  std::size_t at = 2;
  while (data[at + 1] != 0xC0) {
    at += 2 + static_cast<std::size_t>((data[at + 2] << 8) | data[at + 3]);
  }
  const auto broken = [&](std::size_t offset, int value) {
    std::vector<std::uint8_t> copy = data;
    copy[at + offset] = static_cast<std::uint8_t>(value);
    return thrown_code([&] { irtd::read_jpeg_header(copy); });
  };
  CHECK(broken(1, 0xC3) == Errc::decode);  // lossless
  CHECK(broken(4, 12) == Errc::decode);    // 12 bits per sample
  CHECK(broken(6, 0) == Errc::decode);     // no rows
  CHECK(broken(8, 0) == Errc::decode);     // no columns
  CHECK(broken(9, 4) == Errc::decode);     // more components than the segment has room for
  CHECK(broken(3, 1) == Errc::decode);     // a length below the minimum
  CHECK(broken(0, 0) == Errc::decode);     // no marker
}

TEST_CASE("the marker walk goes on over windows of any size") {
  const auto data = file(24, 32, 3);
  using Walk = irtd::detail::JpegWalk;
  Walk walk(Walk::Until::frame);
  Walk::Status status = Walk::Status::more;
  int windows = 0;
  while (status == Walk::Status::more && windows < 1000) {
    const auto base = static_cast<std::size_t>(walk.position());
    REQUIRE(base < data.size());
    const std::size_t size = std::min<std::size_t>(64, data.size() - base);
    status = walk.feed({data.data() + base, size}, base);
    ++windows;
  }
  CHECK(status == Walk::Status::done);
  CHECK(windows > 1);
  CHECK(walk.header().height == 24);
  CHECK(walk.header().width == 32);
  CHECK(walk.color() == irtd::detail::JpegColor::ycc);
}

TEST_CASE("the encoder refuses what it cannot write") {
  const Pixels pixels(16 * 16 * 3);
  const ImageView<const std::uint8_t> gray(pixels.data(), 16, 16);
  const ImageView<const std::uint8_t> two(pixels.data(), 16, 16, 2);
  CHECK(thrown_code([&] { irtd::encode_jpeg(gray, 0, 444, false); }) == Errc::invalid_argument);
  CHECK(thrown_code([&] { irtd::encode_jpeg(gray, 95, 411, false); }) == Errc::invalid_argument);
  CHECK(thrown_code([&] { irtd::encode_jpeg(two, 95, 444, false); }) == Errc::invalid_argument);
  CHECK(irtd::encode_jpeg(gray, 95, 444, false).size() > 100);
}
