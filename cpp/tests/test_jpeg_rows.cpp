#include <doctest/doctest.h>

#include <vector>

#include "irtd/jpeg_rows.hpp"
#include "support.hpp"

using irtd::Bytes;
using irtd::Errc;
using irtd::ImageView;
using namespace irtd::testing;

namespace {

Data noisy(int height, int width, int channels) {
  Data pixels(static_cast<std::size_t>(height * width * channels));
  std::uint32_t state = 12345;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    state = state * 1664525U + 1013904223U;
    pixels[i] = static_cast<std::uint8_t>((i / 7) % 200 + (state >> 27));
  }
  return pixels;
}

Data file_of(int height, int width, int channels, int subsampling, bool progressive = false) {
  const Data pixels = noisy(height, width, channels);
  return irtd::encode_jpeg({pixels.data(), height, width, channels}, 90, subsampling, progressive);
}

}  // namespace

TEST_CASE("rows of a JPEG are those of the whole picture, at every scale and subsampling") {
  constexpr int kHeight = 117;  // no multiple of a block, of an MCU row, of a scale
  constexpr int kWidth = 83;
  for (const int channels : {1, 3}) {
    for (const int subsampling : {444, 422, 420}) {
      const Data file = file_of(kHeight, kWidth, channels, subsampling);
      for (const int target : {1, 3}) {
        for (const int den : {1, 2, 4, 8}) {
          int height = 0;
          int width = 0;
          irtd::scaled_size({kHeight, kWidth, channels, false}, 1, den, &height, &width);
          const auto row = static_cast<std::size_t>(width * target);
          Data whole(row * static_cast<std::size_t>(height));
          irtd::decode_jpeg(Bytes(file), {whole.data(), height, width, target}, 1, den);
          for (int first = 0; first < height; first += den == 1 ? 5 : 3) {
            for (const int rows : {1, 9, height - first}) {
              if (first + rows > height) continue;
              Data part(row * static_cast<std::size_t>(rows));
              irtd::decode_jpeg_rows(Bytes(file), {part.data(), rows, width, target}, first, den);
              const auto* begin = whole.data() + row * static_cast<std::size_t>(first);
              CAPTURE(subsampling);
              CAPTURE(den);
              CAPTURE(first);
              REQUIRE(part == Data(begin, begin + part.size()));
            }
          }
        }
      }
    }
  }
}

TEST_CASE("progressive files and damage") {
  const Data progressive = file_of(64, 48, 1, 444, true);
  Data whole(64 * 48);
  irtd::decode_jpeg(Bytes(progressive), {whole.data(), 64, 48, 1});
  Data part(10 * 48);
  irtd::decode_jpeg_rows(Bytes(progressive), {part.data(), 10, 48, 1}, 20, 1);
  CHECK(part == Data(whole.begin() + 20 * 48, whole.begin() + 30 * 48));

  const Data file = file_of(64, 48, 1, 444);
  const Bytes cut(file.data(), file.size() / 2);  // rows of the second half are not there
  const auto head = [&] { irtd::decode_jpeg_rows(cut, {part.data(), 10, 48, 1}, 0, 1); };
  if (irtd::leaves_jpeg_rows_out()) {
    CHECK_NOTHROW(head());
  } else {
    CHECK(throws(Errc::decode, head));  // the whole picture is decoded, so its damage is seen
  }
  CHECK(
      throws(Errc::decode, [&] { irtd::decode_jpeg_rows(cut, {part.data(), 10, 48, 1}, 54, 1); }));
  for (const std::size_t size : {std::size_t{0}, std::size_t{2}, std::size_t{100}}) {
    CHECK(throws(Errc::decode, [&] {
      irtd::decode_jpeg_rows(Bytes(file.data(), size), {part.data(), 10, 48, 1}, 0, 1);
    }));
  }
  const auto refused = [&](ImageView<std::uint8_t> dst, int first, int den) {
    return throws(Errc::invalid_argument,
                  [&] { irtd::decode_jpeg_rows(Bytes(file), dst, first, den); });
  };
  CHECK(refused({part.data(), 10, 48, 1}, 55, 1));
  CHECK(refused({part.data(), 10, 48, 1}, -1, 1));
  CHECK(refused({part.data(), 10, 47, 1}, 0, 1));
  CHECK(refused({part.data(), 10, 48, 1}, 0, 3));
}
