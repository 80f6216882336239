#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "irtd/error.hpp"
#include "irtd/resample.hpp"
#include "kernels.hpp"

namespace {

using irtd::ImageView;
using irtd::Layout;
using irtd::PixelType;
using irtd::ResampleOptions;

template <typename T>
std::vector<T> noise(std::size_t n, int hi, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_int_distribution<int> value(0, hi);
  std::vector<T> pixels(n);
  for (T& pixel : pixels) pixel = static_cast<T>(value(generator));
  return pixels;
}

ResampleOptions window(double x0, double y0, double x1, double y1) {
  ResampleOptions options;
  options.x0 = x0;
  options.y0 = y0;
  options.x1 = x1;
  options.y1 = y1;
  return options;
}

struct Tap {
  int index;
  double weight;
};

Tap tap(double begin, double end, int size, int out, int i) {
  const double first = std::clamp(std::floor(begin), 0.0, size - 1.0);
  const double last = std::clamp(std::ceil(end) - 1, first, size - 1.0);
  const double at = std::clamp(begin + (i + 0.5) * (end - begin) / out - 0.5, first, last);
  return {static_cast<int>(std::floor(at)), at - std::floor(at)};
}

/// One value of the definition in double precision, before the affine.
template <typename T>
double expected(ImageView<const T> src, const ResampleOptions& o, int out_h, int out_w, int r,
                int c, int channel) {
  const Tap y = tap(o.y0, o.y1, src.rows(), out_h, r);
  const Tap x = tap(o.x0, o.x1, src.cols(), out_w, o.flip ? out_w - 1 - c : c);
  const auto at = [&](int row, int col) {
    return double{0} +
           src.row(std::min(
               row, src.rows() - 1))[std::min(col, src.cols() - 1) * src.channels() + channel];
  };
  const double top = at(y.index, x.index) * (1 - x.weight) + at(y.index, x.index + 1) * x.weight;
  const double low =
      at(y.index + 1, x.index) * (1 - x.weight) + at(y.index + 1, x.index + 1) * x.weight;
  return top * (1 - y.weight) + low * y.weight;
}

template <typename T>
void check_float(ImageView<const T> src, const ResampleOptions& o, int out_h, int out_w) {
  std::vector<float> out(static_cast<std::size_t>(out_h * out_w));
  irtd::resample_bilinear(src, o, out.data(), PixelType::f32, out_h, out_w, 1);
  double worst = 0;
  for (int r = 0; r < out_h; ++r) {
    for (int c = 0; c < out_w; ++c) {
      const double truth = expected(src, o, out_h, out_w, r, c, 0) * double{o.scale} + o.offset;
      worst = std::max(worst, std::abs(truth - out[static_cast<std::size_t>(r * out_w + c)]));
    }
  }
  CHECK(worst <= 1e-6 * std::numeric_limits<T>::max() * double{o.scale} + 1e-4);
}

template <typename T>
void check_windows() {
  const int rows = 61;
  const int cols = 83;
  const auto pixels = noise<T>(rows * 90, std::numeric_limits<T>::max(), 3);
  const ImageView<const T> src(pixels.data(), rows, cols, 1, 90);
  const ResampleOptions windows[] = {
      window(0, 0, cols, rows),       window(10, 5, 74, 37),  window(3.3, 7.7, 40.1, 22.9),
      window(-20.5, -3, 100, 90),     window(82, 60, 83, 61), window(80.5, 0, 140, 2.25),
      window(0.25, 0.25, 0.75, 0.75),
  };
  for (ResampleOptions o : windows) {
    for (const int side : {1, 3, 16, 47, 90}) {
      for (const bool flip : {false, true}) {
        CAPTURE(o.x0);
        CAPTURE(side);
        CAPTURE(flip);
        o.flip = flip;
        check_float(src, o, side, side + 5);
        o.scale = 0.25F;
        o.offset = -3.0F;
        check_float(src, o, side, side + 5);
        o.scale = 1;
        o.offset = 0;
      }
    }
  }
}

}  // namespace

TEST_CASE("float results follow the definition for any window") {
  check_windows<std::uint8_t>();
  check_windows<std::uint16_t>();
}

TEST_CASE("a window of the output's size is a copy, bit for bit") {
  const auto pixels = noise<std::uint16_t>(50 * 70, 65535, 4);
  const ImageView<const std::uint16_t> src(pixels.data(), 50, 70);
  std::vector<std::uint16_t> out(30 * 40);
  ResampleOptions o = window(11, 7, 51, 37);
  irtd::resample_bilinear(src, o, out.data(), PixelType::u16, 30, 40, 1);
  o.flip = true;
  std::vector<std::uint16_t> mirrored(30 * 40);
  irtd::resample_bilinear(src, o, mirrored.data(), PixelType::u16, 30, 40, 1);
  for (int r = 0; r < 30; ++r) {
    for (int c = 0; c < 40; ++c) {
      const std::uint16_t truth = src.row(r + 7)[c + 11];
      CHECK(out[static_cast<std::size_t>(r * 40 + c)] == truth);
      CHECK(mirrored[static_cast<std::size_t>(r * 40 + 39 - c)] == truth);
    }
  }
}

TEST_CASE("strong reductions gather far apart columns") {
  const auto pixels = noise<std::uint8_t>(40 * 3000, 255, 5);
  const ImageView<const std::uint8_t> src(pixels.data(), 40, 3000);
  check_float(src, window(0, 0, 3000, 40), 10, 33);
  check_float(src, window(100, 3, 1900.5, 33), 31, 600);
}

TEST_CASE("channels and layouts hold the same values") {
  const auto pixels = noise<std::uint8_t>(24 * 31 * 3, 255, 6);
  const ImageView<const std::uint8_t> color(pixels.data(), 24, 31, 3);
  const ImageView<const std::uint8_t> gray(pixels.data(), 24, 31);
  ResampleOptions o = window(1.5, 2, 29, 22.5);
  const int n = 17 * 19;
  std::vector<float> chw(3 * n);
  std::vector<float> hwc(3 * n);
  std::vector<std::uint8_t> bytes(3 * n);
  irtd::resample_bilinear(color, o, chw.data(), PixelType::f32, 17, 19, 3);
  o.layout = Layout::hwc;
  irtd::resample_bilinear(color, o, hwc.data(), PixelType::f32, 17, 19, 3);
  irtd::resample_bilinear(color, o, bytes.data(), PixelType::u8, 17, 19, 3);
  std::vector<float> luma(n);
  irtd::resample_bilinear(color, o, luma.data(), PixelType::f32, 17, 19, 1);
  for (int i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    for (int c = 0; c < 3; ++c) {
      const float value = chw[static_cast<std::size_t>(c * n + i)];
      const auto packed = static_cast<std::size_t>(3 * i + c);
      CHECK(hwc[packed] == value);
      CHECK(double{value} ==
            doctest::Approx(expected(color, o, 17, 19, i / 19, i % 19, c)).epsilon(1e-5));
      CHECK(std::abs(static_cast<float>(bytes[packed]) - value) <= 0.5F);
    }
    const float mixed = 0.299F * hwc[3 * at] + 0.587F * hwc[3 * at + 1] + 0.114F * hwc[3 * at + 2];
    CHECK(luma[at] == doctest::Approx(mixed).epsilon(1e-5));
  }
  std::vector<float> one(n);
  irtd::resample_bilinear(gray, o, one.data(), PixelType::f32, 17, 19, 1);
  irtd::resample_bilinear(gray, o, hwc.data(), PixelType::f32, 17, 19, 3);
  o.layout = Layout::chw;
  irtd::resample_bilinear(gray, o, chw.data(), PixelType::f32, 17, 19, 3);
  for (std::size_t i = 0; i < one.size(); ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      CHECK(chw[c * one.size() + i] == one[i]);
      CHECK(hwc[3 * i + c] == one[i]);
    }
  }
}

TEST_CASE("integer results round half to even and saturate") {
  const std::vector<std::uint8_t> pixels{1, 2, 3, 4, 100, 200};
  const ImageView<const std::uint8_t> src(pixels.data(), 1, 6);
  ResampleOptions o = window(0, 0, 6, 1);
  o.scale = 2.5F;
  std::vector<std::uint8_t> out(6);
  irtd::resample_bilinear(src, o, out.data(), PixelType::u8, 1, 6, 1);
  CHECK(out == std::vector<std::uint8_t>{2, 5, 8, 10, 250, 255});  // 2.5, 5, 7.5, 10, 250, 500
  o.scale = -1.0F;
  o.offset = 3.0F;
  irtd::resample_bilinear(src, o, out.data(), PixelType::u8, 1, 6, 1);
  CHECK(out == std::vector<std::uint8_t>{2, 1, 0, 0, 0, 0});
}

TEST_CASE("the clip bounds hold after the affine") {
  const std::vector<std::uint8_t> pixels{0, 50, 100, 250};
  const ImageView<const std::uint8_t> src(pixels.data(), 1, 4);
  ResampleOptions o = window(0, 0, 4, 1);
  o.scale = 0.01F;
  o.offset = -0.25F;
  o.lo_clip = 0.0F;
  o.hi_clip = 1.0F;
  std::vector<float> out(4);
  irtd::resample_bilinear(src, o, out.data(), PixelType::f32, 1, 4, 1);
  CHECK(out[0] == 0.0F);
  CHECK(out[1] == doctest::Approx(0.25));
  CHECK(out[2] == doctest::Approx(0.75));
  CHECK(out[3] == 1.0F);
}

TEST_CASE("every instruction set agrees with the scalar reference") {
  using irtd::detail::Kernels;
  const Kernels& scalar = irtd::detail::scalar_kernels();
  const auto a8 = noise<std::uint8_t>(301, 255, 8);
  const auto b8 = noise<std::uint8_t>(301, 255, 9);
  const auto a16 = noise<std::uint16_t>(301, 65535, 10);
  const auto b16 = noise<std::uint16_t>(301, 65535, 11);
  for (const Kernels* table : irtd::detail::all_kernels()) {
    CAPTURE(table->target);
    for (const std::size_t n : {0UL, 1UL, 5UL, 16UL, 63UL, 301UL}) {
      std::vector<float> want(n);
      std::vector<float> got(n);
      scalar.blend_u8(a8.data(), b8.data(), 0.3F, n, want.data());
      table->blend_u8(a8.data(), b8.data(), 0.3F, n, got.data());
      for (std::size_t i = 0; i < n; ++i) CHECK(got[i] == doctest::Approx(want[i]).epsilon(1e-5));
      scalar.blend_u16(a16.data(), b16.data(), 0.7F, n, want.data());
      table->blend_u16(a16.data(), b16.data(), 0.7F, n, got.data());
      for (std::size_t i = 0; i < n; ++i) CHECK(got[i] == doctest::Approx(want[i]).epsilon(1e-5));
      std::vector<float> halves(n);
      for (std::size_t i = 0; i < n; ++i) halves[i] = static_cast<float>(i) - 20.5F;
      std::vector<std::uint8_t> want8(n);
      std::vector<std::uint8_t> got8(n);
      scalar.to_u8(halves.data(), n, want8.data());
      table->to_u8(halves.data(), n, got8.data());
      CHECK(got8 == want8);
      std::vector<std::uint16_t> want16(n);
      std::vector<std::uint16_t> got16(n);
      for (float& v : halves) v *= 250;
      scalar.to_u16(halves.data(), n, want16.data());
      table->to_u16(halves.data(), n, got16.data());
      CHECK(got16 == want16);
      std::vector<float> planes(3 * n);
      std::vector<float> packed(3 * n);
      std::vector<float> back(3 * n);
      for (std::size_t i = 0; i < 3 * n; ++i) planes[i] = static_cast<float>(i);
      table->merge3(planes.data(), planes.data() + n, planes.data() + 2 * n, n, packed.data());
      for (std::size_t i = 0; i < n; ++i) CHECK(packed[3 * i + 1] == planes[n + i]);
      table->split3(packed.data(), n, back.data(), back.data() + n, back.data() + 2 * n);
      CHECK(back == planes);
    }
  }
}

TEST_CASE("column taps of every instruction set pick what the scalar loop picks") {
  using namespace irtd::detail;
  const AffineClip affine{2.0F, 1.0F, 5.0F, 900.0F};
  for (const Kernels* table : all_kernels()) {
    CAPTURE(table->target);
    for (const int step : {0, 1, 2, 9}) {  // one table, two tables, gather
      const std::size_t count = 37;
      const std::size_t blocks = (count + table->lanes - 1) / table->lanes;
      std::vector<float> row(blocks + 9 * table->lanes + table->row_padding());
      for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>((i * 37) % 500);
      std::vector<std::int32_t> left(blocks * table->lanes);
      std::vector<float> weight(left.size());
      std::vector<ColumnBlock> block(blocks);
      for (std::size_t i = 0; i < left.size(); ++i) {
        const std::size_t in_block = i % table->lanes;
        left[i] = static_cast<std::int32_t>(in_block) * step;
        weight[i] = static_cast<float>(i % 5) * 0.2F;
      }
      const auto span = static_cast<std::size_t>(step) * (table->lanes - 1);
      for (std::size_t b = 0; b < blocks; ++b) {
        const auto base = static_cast<std::int32_t>(b);
        block[b] = {base, span < table->lanes       ? ColumnBlock::one_table
                          : span < 2 * table->lanes ? ColumnBlock::two_tables
                                                    : ColumnBlock::gather};
      }
      std::vector<float> out(count + 1, -1.0F);
      table->columns({count, block.data(), left.data(), weight.data()}, row.data(), affine,
                     out.data());
      for (std::size_t i = 0; i < count; ++i) {
        const float* at = row.data() + block[i / table->lanes].base + left[i];
        const float value = at[0] + (at[1] - at[0]) * weight[i];
        CHECK(out[i] == doctest::Approx(std::clamp(value * 2 + 1, 5.0F, 900.0F)).epsilon(1e-5));
      }
      CHECK(out[count] == -1.0F);  // nothing is written behind the row
    }
  }
}

TEST_CASE("wrong requests are refused") {
  const std::vector<std::uint8_t> pixels(16 * 2);
  const ImageView<const std::uint8_t> src(pixels.data(), 4, 4);
  const ImageView<const std::uint8_t> two(pixels.data(), 4, 4, 2);
  std::vector<float> out(64);
  const auto run = [&](ImageView<const std::uint8_t> from, const ResampleOptions& o, int h, int w,
                       int channels) {
    irtd::resample_bilinear(from, o, out.data(), PixelType::f32, h, w, channels);
  };
  const double nan = std::nan("");
  CHECK_NOTHROW(run(src, window(0, 0, 4, 4), 2, 2, 1));
  CHECK_THROWS_AS(run(two, window(0, 0, 4, 4), 2, 2, 1), irtd::Error);
  CHECK_THROWS_AS(run(src, window(0, 0, 4, 4), 2, 2, 2), irtd::Error);
  CHECK_THROWS_AS(run(src, window(0, 0, 4, 4), 0, 2, 1), irtd::Error);
  CHECK_THROWS_AS(run(src, window(2, 0, 2, 4), 2, 2, 1), irtd::Error);
  CHECK_THROWS_AS(run(src, window(4, 0, 6, 4), 2, 2, 1), irtd::Error);
  CHECK_THROWS_AS(run(src, window(-3, -3, 0, 4), 2, 2, 1), irtd::Error);
  CHECK_THROWS_AS(run(src, window(nan, 0, 4, 4), 2, 2, 1), irtd::Error);
  ResampleOptions o = window(0, 0, 4, 4);
  o.scale = std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(run(src, o, 2, 2, 1), irtd::Error);
}
