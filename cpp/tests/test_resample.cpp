#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "irtd/error.hpp"
#include "irtd/resample.hpp"
#include "resample_paths.hpp"

namespace {

using irtd::Border;
using irtd::Filter;
using irtd::ImageView;
using irtd::Layout;
using irtd::PixelType;
using irtd::ResampleOptions;
using irtd::detail::ResampleKernels;

template <typename T>
std::vector<T> noise(std::size_t n, int hi, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_int_distribution<int> value(0, hi);
  std::vector<T> pixels(n);
  for (T& pixel : pixels) pixel = static_cast<T>(value(generator));
  return pixels;
}

ResampleOptions with_matrix(const std::vector<double>& m) {
  ResampleOptions options;
  std::copy(m.begin(), m.end(), options.matrix);
  return options;
}

ResampleOptions window(double x0, double y0, double x1, double y1, int out_h, int out_w,
                       bool flip = false) {
  ResampleOptions options;
  const double edges[4] = {x0, y0, x1, y1};
  irtd::set_window(&options, edges, out_h, out_w, flip);
  return options;
}

/// The value of the continued picture, by walking from one mirror to the next.
template <typename T>
double continued(ImageView<const T> src, std::int64_t x, std::int64_t y, int channel,
                 const ResampleOptions& o) {
  const auto fold = [&](std::int64_t k, std::int64_t n) -> std::int64_t {
    if (k >= 0 && k < n) return k;
    if (o.border == Border::constant) return -1;
    if (o.border == Border::replicate || n == 1) return k < 0 ? 0 : n - 1;
    const std::int64_t edge = o.border == Border::reflect ? 1 : 0;
    while (k < 0 || k >= n) k = k < 0 ? -k - edge : 2 * n - 2 + edge - k;
    return k;
  };
  const std::int64_t col = fold(x, src.cols());
  const std::int64_t row = fold(y, src.rows());
  if (col < 0 || row < 0) return double{o.border_value};
  const T value = src.row(static_cast<int>(row))[col * src.channels() + channel];
  if constexpr (sizeof(T) <= 2) {
    if (o.tone != nullptr) return double{o.tone[value]};
  }
  return static_cast<double>(value);
}

struct Inverse {
  double a, b, c, d, e, f;
};

Inverse invert(const double m[6]) {
  const double det = m[0] * m[4] - m[1] * m[3];
  const Inverse i{m[4] / det, -m[1] / det, 0, -m[3] / det, m[0] / det, 0};
  return {i.a, i.b, -(i.a * m[2] + i.b * m[5]), i.d, i.e, -(i.d * m[2] + i.e * m[5])};
}

/// Bilinear value of the definition in double precision; straight matrices stay in their window.
template <typename T>
double expected(ImageView<const T> src, const ResampleOptions& o, int out_h, int out_w, int r,
                int c, int channel) {
  const Inverse m = invert(o.matrix);
  const auto u = [&](double x, double y) { return m.a * x + m.b * y + m.c; };
  const auto v = [&](double x, double y) { return m.d * x + m.e * y + m.f; };
  double x = u(c + 0.5, r + 0.5) - 0.5;
  double y = v(c + 0.5, r + 0.5) - 0.5;
  if ((m.a == 0 && m.e == 0) || (m.b == 0 && m.d == 0)) {
    const auto clamp_to = [](double at, double p, double q) {
      const double lo = std::floor(std::min(p, q) + 1e-6);
      const double hi = std::max(lo, std::ceil(std::max(p, q) - 1e-6) - 1);
      return std::clamp(at, lo, hi);
    };
    x = clamp_to(x, u(0, 0), u(out_w, out_h));
    y = clamp_to(y, v(0, 0), v(out_w, out_h));
  }
  const auto left = static_cast<std::int64_t>(std::floor(x));
  const auto top = static_cast<std::int64_t>(std::floor(y));
  const double wx = x - static_cast<double>(left);
  const double wy = y - static_cast<double>(top);
  const auto at = [&](int dx, int dy) { return continued(src, left + dx, top + dy, channel, o); };
  return (at(0, 0) * (1 - wx) + at(1, 0) * wx) * (1 - wy) +
         (at(0, 1) * (1 - wx) + at(1, 1) * wx) * wy;
}

template <typename T>
std::vector<float> run_f32(ImageView<const T> src, const ResampleOptions& o, int out_h, int out_w,
                           int channels = 1) {
  std::vector<float> out(static_cast<std::size_t>(out_h * out_w * channels), -77.0F);
  irtd::resample(src, o, out.data(), PixelType::f32, out_h, out_w, channels);
  return out;
}

template <typename T>
void check_bilinear(ImageView<const T> src, const ResampleOptions& o, int out_h, int out_w) {
  const std::vector<float> out = run_f32(src, o, out_h, out_w);
  double worst = 0;
  for (int r = 0; r < out_h; ++r) {
    for (int c = 0; c < out_w; ++c) {
      const double truth =
          expected(src, o, out_h, out_w, r, c, 0) * double{o.scale[0]} + double{o.offset[0]};
      const auto place = static_cast<std::size_t>(r * out_w + c);
      worst = std::max(worst, std::abs(truth - double{out[place]}));
    }
  }
  const double level = std::is_same_v<T, float> ? 255.0 : 1.0 * std::numeric_limits<T>::max();
  CHECK(worst <= 2e-6 * level + 1e-4);
}

const std::vector<std::vector<double>> kMatrices{
    {1, 0, 0, 0, 1, 0},           {-1.5, 0, 60, 0, 0.7, 3},     {0, 1, 0, -1, 0, 83},
    {0, -0.8, 70, 1.3, 0, -9},    {0.8, 0.3, -4, -0.2, 0.9, 7}, {0.05, 0.02, 3, -0.01, 0.04, 2},
    {-2.5, 0.4, 90, 0.3, 3, -40}, {1, 0, 500, 0, 1, -300},      {0.6, -0.6, 30, 0.6, 0.6, -20}};
const Border kBorders[] = {Border::replicate, Border::constant, Border::reflect,
                           Border::reflect101};

template <typename T>
void check_matrices() {
  const int rows = 37;
  const int cols = 53;
  const auto pixels = noise<T>(rows * 60, std::is_same_v<T, std::uint16_t> ? 65535 : 255, 3);
  const ImageView<const T> src(pixels.data(), rows, cols, 1, 60);
  const ImageView<const T> upside_down(pixels.data() + (rows - 1) * 60, rows, cols, 1, -60);
  for (const std::vector<double>& matrix : kMatrices) {
    for (const Border border : kBorders) {
      ResampleOptions o = with_matrix(matrix);
      o.border = border;
      o.border_value = 21.5F;
      CAPTURE(matrix[0]);
      CAPTURE(static_cast<int>(border));
      check_bilinear(src, o, 41, 29);
      irtd::set_affine(&o, 0.25F, -3.0F);
      check_bilinear(upside_down, o, 17, 70);
    }
  }
}

}  // namespace

TEST_CASE("bilinear results follow the definition for any matrix and border") {
  check_matrices<std::uint8_t>();
  check_matrices<std::uint16_t>();
  check_matrices<float>();
}

TEST_CASE("bilinear results follow the definition for any window") {
  const auto pixels = noise<std::uint8_t>(61 * 90, 255, 3);
  const ImageView<const std::uint8_t> src(pixels.data(), 61, 83, 1, 90);
  const double windows[][4] = {{0, 0, 83, 61},          {10, 5, 74, 37},  {3.3, 7.7, 40.1, 22.9},
                               {-20.5, -3, 100, 90},    {82, 60, 83, 61}, {80.5, 0, 140, 2.25},
                               {0.25, 0.25, 0.75, 0.75}};
  for (const auto& w : windows) {
    for (const int side : {1, 3, 16, 47, 90}) {
      CAPTURE(w[0]);
      CAPTURE(side);
      check_bilinear(src, window(w[0], w[1], w[2], w[3], side, side + 5), side, side + 5);
      check_bilinear(src, window(w[0], w[1], w[2], w[3], side, side + 5, true), side, side + 5);
    }
  }
}

TEST_CASE("the separable path equals the general one") {
  const auto pixels = noise<std::uint16_t>(40 * 56 * 3, 4000, 9);
  for (const int channels : {1, 3}) {
    const ImageView<const std::uint16_t> src(pixels.data(), 40, 56, channels);
    for (const std::vector<double>& matrix : kMatrices) {
      for (const Border border : kBorders) {
        for (const Filter filter : {Filter::bilinear, Filter::nearest}) {
          ResampleOptions o = with_matrix(matrix);
          o.filter = filter;
          o.border = border;
          o.border_value = 9;
          o.layout = channels == 3 ? Layout::hwc : Layout::chw;
          o.scale[1] = 2;
          for (double& v : o.matrix) v = std::nearbyint(v * 64) / 64;  // no ties by rounding
          o.matrix[2] += 1.0 / 1024;
          o.matrix[5] += 1.0 / 1024;
          const std::vector<float> ours = run_f32(src, o, 21, 34, channels);
          std::vector<float> general(ours.size());
          irtd::detail::resample_by_warp(irtd::detail::Request<std::uint16_t>{
              src, o, general.data(), PixelType::f32, 21, 34, channels});
          double worst = 0;
          for (std::size_t i = 0; i < ours.size(); ++i) {
            worst = std::max(worst, double{std::abs(ours[i] - general[i])});
          }
          CAPTURE(matrix[0]);
          CAPTURE(matrix[1]);
          CAPTURE(static_cast<int>(filter));
          CHECK(worst <= 0.02);
        }
      }
    }
  }
}

TEST_CASE("every instruction set gives the same picture") {
  const auto pixels = noise<std::uint8_t>(45 * 64 * 3, 255, 12);
  struct Restore {
    ~Restore() { irtd::detail::use_resample_kernels(nullptr); }
  } restore;
  std::vector<std::vector<float>> first;
  std::vector<std::vector<std::uint8_t>> first_bytes;
  for (const ResampleKernels* table : irtd::detail::all_resample_kernels()) {
    CAPTURE(table->target);
    irtd::detail::use_resample_kernels(table);
    std::size_t number = 0;
    for (const int channels : {1, 3}) {
      const ImageView<const std::uint8_t> src(pixels.data(), 45, 64, channels);
      for (const std::vector<double>& matrix : kMatrices) {
        for (const Filter filter :
             {Filter::nearest, Filter::bilinear, Filter::area, Filter::antialias}) {
          for (const int out_channels : {1, 3}) {
            ResampleOptions o = with_matrix(matrix);
            o.filter = filter;
            o.border = kBorders[number % 4];
            o.border_value = 100;
            o.layout = number % 3 == 0 ? Layout::hwc : Layout::chw;
            const std::vector<float> out = run_f32(src, o, 33, 27, out_channels);
            std::vector<std::uint8_t> bytes(out.size());
            irtd::resample(src, o, bytes.data(), PixelType::u8, 33, 27, out_channels);
            if (number == first.size()) {
              first.push_back(out);
              first_bytes.push_back(bytes);
            }
            float worst = 0;
            int levels = 0;
            for (std::size_t i = 0; i < out.size(); ++i) {
              worst = std::max(worst, std::abs(out[i] - first[number][i]));
              levels = std::max(levels, std::abs(int{bytes[i]} - first_bytes[number][i]));
            }
            CAPTURE(number);
            CHECK(worst <= (filter == Filter::nearest && channels == out_channels ? 0 : 1e-3F));
            CHECK(levels <= 1);
            ++number;
          }
        }
      }
    }
  }
}

TEST_CASE("whole-pixel moves at scale one are copies, bit for bit") {
  const auto pixels = noise<std::uint16_t>(50 * 70, 65535, 4);
  const ImageView<const std::uint16_t> src(pixels.data(), 50, 70);
  for (const Filter filter : {Filter::nearest, Filter::bilinear, Filter::area, Filter::antialias}) {
    std::vector<std::uint16_t> out(30 * 40);
    std::vector<std::uint16_t> mirrored(30 * 40);
    std::vector<std::uint16_t> turned(40 * 30);
    ResampleOptions o = window(11, 7, 51, 37, 30, 40);
    o.filter = filter;
    irtd::resample(src, o, out.data(), PixelType::u16, 30, 40, 1);
    o = window(11, 7, 51, 37, 30, 40, true);
    o.filter = filter;
    irtd::resample(src, o, mirrored.data(), PixelType::u16, 30, 40, 1);
    o = with_matrix({0, 1, -7, -1, 0, 51});  // a quarter counter-clockwise
    o.filter = filter;
    irtd::resample(src, o, turned.data(), PixelType::u16, 40, 30, 1);
    for (int r = 0; r < 30; ++r) {
      for (int c = 0; c < 40; ++c) {
        const std::uint16_t truth = src.row(r + 7)[c + 11];
        CHECK(out[static_cast<std::size_t>(r * 40 + c)] == truth);
        CHECK(mirrored[static_cast<std::size_t>(r * 40 + 39 - c)] == truth);
        CHECK(turned[static_cast<std::size_t>((39 - c) * 30 + r)] == truth);
      }
    }
  }
}

TEST_CASE("a tone table works as if the picture had gone through it first") {
  const auto pixels = noise<std::uint8_t>(33 * 41 * 3, 255, 21);
  std::vector<float> tone(256);
  for (std::size_t v = 0; v < 256; ++v) tone[v] = std::sqrt(static_cast<float>(v)) * 3 - 7;
  std::vector<float> toned(pixels.size());
  std::transform(pixels.begin(), pixels.end(), toned.begin(),
                 [&](std::uint8_t v) { return tone[v]; });
  for (const int channels : {1, 3}) {
    const ImageView<const std::uint8_t> src(pixels.data(), 33, 41, channels);
    const ImageView<const float> through(toned.data(), 33, 41, channels);
    for (const std::vector<double>& matrix : kMatrices) {
      for (const Filter filter :
           {Filter::nearest, Filter::bilinear, Filter::area, Filter::antialias}) {
        ResampleOptions o = with_matrix(matrix);
        o.filter = filter;
        o.border = Border::reflect;
        o.scale[0] = 0.5F;
        const std::vector<float> truth = run_f32(through, o, 19, 24, channels);
        o.tone = tone.data();
        const std::vector<float> ours = run_f32(src, o, 19, 24, channels);
        float worst = 0;
        for (std::size_t i = 0; i < ours.size(); ++i) {
          worst = std::max(worst, std::abs(ours[i] - truth[i]));
        }
        CHECK(worst <= 1e-5F);
      }
    }
  }
}

TEST_CASE("wide pictures go through in pieces") {
  const auto pixels = noise<std::uint8_t>(40 * 9000, 255, 5);
  const ImageView<const std::uint8_t> src(pixels.data(), 40, 9000);
  check_bilinear(src, window(0, 0, 9000, 40, 10, 8000), 10, 8000);
  check_bilinear(src, window(-50, 3, 9100.5, 33, 9, 7777, true), 9, 7777);
  ResampleOptions o = window(0, 0, 9000, 40, 1, 1);
  o.filter = Filter::area;
  double mean = 0;
  for (const std::uint8_t v : pixels) mean += v;
  CHECK(double{run_f32(src, o, 1, 1)[0]} ==
        doctest::Approx(mean / static_cast<double>(pixels.size())).epsilon(1e-5));
}

TEST_CASE("constant pictures stay constant and one pixel is enough") {
  const std::vector<std::uint8_t> pixels(9 * 9, 201);
  for (const int side : {1, 9}) {
    const ImageView<const std::uint8_t> src(pixels.data(), side, side);
    for (const std::vector<double>& matrix : kMatrices) {
      for (const Filter filter :
           {Filter::nearest, Filter::bilinear, Filter::area, Filter::antialias}) {
        for (const Border border : kBorders) {
          ResampleOptions o = with_matrix(matrix);
          o.filter = filter;
          o.border = border;
          o.border_value = 201;
          std::vector<std::uint8_t> out(13 * 8);
          irtd::resample(src, o, out.data(), PixelType::u8, 13, 8, 1);
          CHECK(std::count(out.begin(), out.end(), 201) == 13 * 8);
        }
      }
    }
  }
}
