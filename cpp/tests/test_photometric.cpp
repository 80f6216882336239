#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "irtd/photometric.hpp"
#include "photometric_kernels.hpp"
#include "support.hpp"

namespace {

using irtd::FrameEffects;
using irtd::FrameShape;
using irtd::Hole;
using irtd::Layout;
using irtd::Photometric;
using irtd::PixelType;
using irtd::detail::HashKey;
using irtd::detail::PhotometricKernels;

std::vector<float> shares(std::size_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> value(-0.2F, 1.2F);
  std::vector<float> result(n);
  for (float& share : result) share = value(generator);
  return result;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// All kernels of a table on rows of n values, one after another.
std::vector<float> through(const PhotometricKernels& table, std::size_t n) {
  const std::size_t radius = 5;
  const HashKey key(0x123456789ABCDEF0U);
  std::vector<float> in = shares(n + 2 * radius, 3);
  in[radius] = std::numeric_limits<float>::quiet_NaN();
  if (n > 3) in[radius + 1] = 0, in[radius + 2] = 1e-40F, in[radius + 3] = 1;
  const float taps[radius + 1] = {0.3F, 0.2F, 0.1F, 0.03F, 0.015F, 0.005F};
  std::vector<float> all;
  const auto keep = [&](const std::vector<float>& row) {
    all.insert(all.end(), row.begin(), row.begin() + static_cast<std::ptrdiff_t>(n));
  };
  std::vector<float> row(n);
  table.blur_across(in.data() + radius, taps, radius, n, row.data());
  keep(row);
  const std::vector<std::vector<float>> rows{shares(n, 5), shares(n, 6), shares(n, 7)};
  const float* window[3] = {rows[0].data(), rows[1].data(), rows[2].data()};
  table.blur_down(window, taps, 1, n, row.data());
  keep(row);
  std::vector<float> normal(n);
  std::vector<float> other(n);
  table.gaussians(key, 77U << 16, n, normal.data(), other.data());
  keep(normal);
  keep(other);
  row.assign(in.begin() + radius, in.begin() + static_cast<std::ptrdiff_t>(radius + n));
  table.add_noise(row.data(), normal.data(), n, {0.01F, 0.02F}, other.data(), 0.125F);
  keep(row);
  table.add_noise(row.data(), nullptr, n, {0, 0}, other.data(), 0.5F);
  keep(row);
  for (const float gamma : {1.0F, 0.4F, 2.2F, 300.0F}) {
    for (const bool clip : {false, true}) {
      row.assign(in.begin() + radius, in.begin() + static_cast<std::ptrdiff_t>(radius + n));
      table.tone(row.data(), n, {1.1F, -0.05F, gamma, -1, 1, clip});
      keep(row);
    }
  }
  return all;
}

struct Moments {
  double mean = 0;
  double variance = 0;
};

Moments moments(const std::vector<float>& values) {
  Moments m;
  for (const float v : values) m.mean += v;
  m.mean /= static_cast<double>(values.size());
  for (const float v : values) m.variance += (v - m.mean) * (v - m.mean);
  m.variance /= static_cast<double>(values.size());
  return m;
}

FrameEffects effects(const Photometric& one) {
  FrameEffects made;
  made.photometric = {one};
  made.clip = false;
  return made;
}

Photometric everything() {
  Photometric p;
  p.blur = 1.3F;
  p.noise = 0.02F;
  p.shot = 0.05F;
  p.column = 0.01F;
  p.row = 0.01F;
  p.dead = 0.01F;
  p.gain = 0.9F;
  p.offset = 0.03F;
  p.gamma = 1.4F;
  p.invert = true;
  p.key = 99;
  return p;
}

}  // namespace

TEST_CASE("every target gives the bits of the reference") {
  for (const PhotometricKernels* table : irtd::detail::all_photometric_kernels()) {
    INFO(std::string(table->target));
    for (const std::size_t n :
         {std::size_t{1}, std::size_t{7}, std::size_t{16}, std::size_t{67}, std::size_t{448}}) {
      CHECK(same_bits(through(*table, n), through(irtd::detail::scalar_photometric_kernels(), n)));
    }
  }
}

TEST_CASE("normal numbers are normal, and pairs are independent") {
  std::vector<float> one(1 << 15);
  std::vector<float> other(one.size());
  std::vector<float> all;
  double product = 0;
  for (std::uint32_t row = 0; row < 16; ++row) {
    irtd::detail::photometric_kernels().gaussians(HashKey(irtd::stream_key(5, 1)), row << 16,
                                                  one.size(), one.data(), other.data());
    for (std::size_t i = 0; i < one.size(); ++i) product += double{one[i]} * double{other[i]};
    all.insert(all.end(), one.begin(), one.end());
    all.insert(all.end(), other.begin(), other.end());
  }
  const auto n = static_cast<double>(all.size());
  const Moments m = moments(all);
  CHECK(std::fabs(m.mean) < 4.5 / std::sqrt(n));
  CHECK(std::fabs(m.variance - 1) < 4.5 * std::sqrt(2 / n));
  CHECK(std::fabs(product) < 4.5 * std::sqrt(n / 2));
  double fourth = 0;
  double beyond = 0;
  for (const float v : all) {
    fourth += std::pow(v - m.mean, 4) / n;
    beyond += std::fabs(v) > 3 ? 1 / n : 0;
  }
  CHECK(std::fabs(fourth - 3) < 4.5 * std::sqrt(96 / n));
  CHECK(std::fabs(beyond - 0.0026998) < 4.5 * std::sqrt(0.0027 / n));
  CHECK(*std::max_element(all.begin(), all.end()) > 4.2F);
}

TEST_CASE("powers are those of the library") {
  const auto table = irtd::detail::photometric_kernels();
  for (const float gamma : {0.1F, 0.5F, 2.0F, 5.0F}) {
    std::vector<float> x;
    for (int i = 0; i <= 1000; ++i) x.push_back(static_cast<float>(i) / 1000);
    std::vector<float> y = x;
    table.tone(y.data(), y.size(), {1, 0, gamma, 1, 0, true});
    for (std::size_t i = 0; i < x.size(); ++i) {
      CHECK(y[i] == doctest::Approx(std::pow(x[i], gamma)).epsilon(3e-6));
    }
    CHECK(y.front() == 0.0F);
    CHECK(y.back() == 1.0F);
  }
}

TEST_CASE("noise has the variance of its model") {
  const int side = 256;
  const FrameShape shape{side, side, 1, PixelType::f32, Layout::chw};
  for (const float level : {0.1F, 0.6F}) {
    Photometric p;
    p.noise = 0.03F;
    p.shot = 0.08F;
    p.key = 7;
    std::vector<float> frame(side * side, level);
    irtd::apply_effects(effects(p), 0, shape, false, frame.data());
    const Moments m = moments(frame);
    const double expected = 0.03 * 0.03 + 0.08 * 0.08 * level;
    CHECK(std::fabs(m.mean - level) < 4.5 * std::sqrt(expected) / side);
    CHECK(std::fabs(m.variance / expected - 1) < 4.5 * std::sqrt(2.0) / side);
  }
}

TEST_CASE("patterns are constant along columns and rows") {
  const int height = 300;
  const int width = 200;
  const FrameShape shape{height, width, 1, PixelType::f32, Layout::chw};
  Photometric p;
  p.column = 0.05F;
  p.key = 3;
  std::vector<float> frame(height * width, 0.5F);
  irtd::apply_effects(effects(p), 0, shape, false, frame.data());
  for (int y = 1; y < height; ++y) {
    REQUIRE(std::equal(frame.begin(), frame.begin() + width, frame.begin() + y * width));
  }
  const Moments m = moments({frame.begin(), frame.begin() + width});
  CHECK(std::fabs(m.variance / 0.0025 - 1) < 4.5 * std::sqrt(2.0 / width));
  p.column = 0;
  p.row = 0.05F;
  std::fill(frame.begin(), frame.end(), 0.5F);
  irtd::apply_effects(effects(p), 0, shape, false, frame.data());
  for (int x = 1; x < width; ++x) REQUIRE(frame[static_cast<std::size_t>(x)] == frame[0]);
  CHECK(frame[0] != frame[width]);
}

TEST_CASE("so many pixels are dead, at the ends of the range") {
  const FrameShape shape{100, 100, 1, PixelType::f32, Layout::chw};
  Photometric p;
  p.dead = 0.02F;
  p.key = 11;
  std::vector<float> frame(10000, 0.5F);
  irtd::apply_effects(effects(p), 0, shape, false, frame.data());
  const auto hot = std::count(frame.begin(), frame.end(), 1.0F);
  const auto cold = std::count(frame.begin(), frame.end(), 0.0F);
  CHECK(hot + cold > 180);  // 200 draws, some of the same place
  CHECK(hot + cold <= 200);
  CHECK(hot > 60);
  CHECK(cold > 60);
  CHECK(std::count(frame.begin(), frame.end(), 0.5F) == 10000 - hot - cold);
}

TEST_CASE("a frame without effects keeps its bits") {
  const FrameShape shape{5, 7, 1, PixelType::f32, Layout::chw};
  std::vector<float> frame = shares(35, 1);
  frame[3] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> before = frame;
  FrameEffects none = effects({});
  none.clip = true;
  none.hole_offsets = {0, 0};
  CHECK_FALSE(none.active(0));
  irtd::apply_effects(none, shape, false, frame.data(), 1, 1);
  CHECK(same_bits(frame, before));
}

TEST_CASE("layouts and repeated channels hold the same picture") {
  const int height = 31;
  const int width = 45;
  const int n = height * width;
  const FrameEffects all = effects(everything());
  for (const bool same : {false, true}) {
    std::vector<float> planes = shares(static_cast<std::size_t>(3 * n), 2);
    if (same) {
      std::copy_n(planes.begin(), n, planes.begin() + n);
      std::copy_n(planes.begin(), n, planes.begin() + 2 * n);
    }
    std::vector<float> pixels(planes.size());
    for (int i = 0; i < n; ++i) {
      for (int c = 0; c < 3; ++c) {
        pixels[static_cast<std::size_t>(3 * i + c)] = planes[static_cast<std::size_t>(c * n + i)];
      }
    }
    irtd::apply_effects(all, 0, {height, width, 3, PixelType::f32, Layout::chw}, same,
                        planes.data());
    irtd::apply_effects(all, 0, {height, width, 3, PixelType::f32, Layout::hwc}, same,
                        pixels.data());
    bool equal = true;
    for (int i = 0; i < n; ++i) {
      for (int c = 0; c < 3; ++c) {
        equal = equal && pixels[static_cast<std::size_t>(3 * i + c)] ==
                             planes[static_cast<std::size_t>(c * n + i)];
      }
    }
    CHECK(equal);
    CHECK(std::equal(planes.begin(), planes.begin() + n, planes.begin() + n) == same);
  }
}

TEST_CASE("eight bits are the rounded shares") {
  const FrameShape bytes{40, 33, 1, PixelType::u8, Layout::chw};
  const FrameShape floats{40, 33, 1, PixelType::f32, Layout::chw};
  std::vector<std::uint8_t> frame(40 * 33);
  for (std::size_t i = 0; i < frame.size(); ++i) frame[i] = static_cast<std::uint8_t>(37 * i);
  std::vector<float> same(frame.begin(), frame.end());
  FrameEffects all = effects(everything());
  all.high = 255;
  all.clip = true;
  irtd::apply_effects(all, 0, bytes, false, frame.data());
  irtd::apply_effects(all, 0, floats, false, same.data());
  for (std::size_t i = 0; i < frame.size(); ++i) {
    REQUIRE(static_cast<float>(frame[i]) == std::nearbyint(same[i]));
  }
}

TEST_CASE("bytes whose tone is looked up are what the formula gives") {
  const FrameShape bytes{16, 16, 3, PixelType::u8, Layout::hwc};
  const FrameShape floats{16, 16, 3, PixelType::f32, Layout::hwc};
  std::vector<std::uint8_t> frame(768);
  for (std::size_t i = 0; i < frame.size(); ++i) frame[i] = static_cast<std::uint8_t>(i);
  std::vector<float> same(frame.begin(), frame.end());
  Photometric p = everything();
  p.blur = p.noise = p.shot = p.column = p.row = 0;
  FrameEffects tone = effects(p);
  tone.high = 255;
  tone.clip = true;
  irtd::apply_effects(tone, 0, bytes, false, frame.data());
  irtd::apply_effects(tone, 0, floats, false, same.data());
  for (std::size_t i = 0; i < frame.size(); ++i) {
    REQUIRE(static_cast<float>(frame[i]) == std::nearbyint(same[i]));
  }
}

TEST_CASE("a blur keeps a constant and spreads a point by sigma squared") {
  for (const float sigma : {0.6F, 2.5F}) {
    const int side = 41;
    const FrameShape shape{side, side, 1, PixelType::f32, Layout::chw};
    Photometric p;
    p.blur = sigma;
    std::vector<float> flat(side * side, 0.25F);
    irtd::apply_effects(effects(p), 0, shape, false, flat.data());
    for (const float v : flat) REQUIRE(v == doctest::Approx(0.25).epsilon(1e-5));
    std::vector<float> frame(side * side);
    frame[20 * side + 20] = 1;
    irtd::apply_effects(effects(p), 0, shape, false, frame.data());
    double sum = 0;
    double spread = 0;
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        const double v = frame[static_cast<std::size_t>(y * side + x)];
        sum += v;
        spread += v * (x - 20) * (x - 20);
      }
    }
    CHECK(sum == doctest::Approx(1).epsilon(1e-5));
    CHECK(spread == doctest::Approx(sigma * sigma).epsilon(0.04));
  }
}

TEST_CASE("a blur wider than the frame mirrors it again and again") {
  const FrameShape shape{3, 2, 1, PixelType::f32, Layout::chw};
  Photometric p;
  p.blur = 8;
  std::vector<float> frame{0, 1, 0, 1, 0, 1};
  irtd::apply_effects(effects(p), 0, shape, false, frame.data());
  for (const float v : frame) CHECK(v == doctest::Approx(0.5).epsilon(0.02));
}

TEST_CASE("holes are painted in all channels") {
  for (const Layout layout : {Layout::chw, Layout::hwc}) {
    const FrameShape shape{6, 5, 3, PixelType::u8, layout};
    std::vector<std::uint8_t> frame(90, 7);
    FrameEffects cut;
    cut.high = 255;
    cut.holes = {{1, 2, 4, 5, 0.2F}, {5, 0, 6, 1, 1.0F}};
    cut.hole_offsets = {0, 2};
    CHECK(cut.active(0));
    irtd::apply_effects(cut, shape, false, frame.data(), 1, 1);
    CHECK(std::count(frame.begin(), frame.end(), 51) == 27);
    CHECK(std::count(frame.begin(), frame.end(), 255) == 3);
    CHECK(std::count(frame.begin(), frame.end(), 7) == 60);
    const std::size_t at = layout == Layout::chw ? 30 + 5 + 2 : (5 + 2) * 3 + 1;
    CHECK(frame[at] == 51);
  }
}

TEST_CASE("what effects do not take is refused") {
  const FrameShape shape{4, 4, 1, PixelType::f32, Layout::chw};
  const auto refuses = [&](const FrameEffects& bad, const FrameShape& of, std::size_t frames) {
    CHECK_THROWS_AS(irtd::require_effects(bad, of, frames), irtd::Error);
  };
  CHECK_NOTHROW(irtd::require_effects(effects(everything()), shape, 1));
  refuses(effects(everything()), shape, 2);
  FrameShape halves = shape;
  halves.type = PixelType::f16;
  refuses(effects(everything()), halves, 1);
  for (float Photometric::* field :
       {&Photometric::blur, &Photometric::noise, &Photometric::shot, &Photometric::column,
        &Photometric::row, &Photometric::dead, &Photometric::gamma}) {
    for (const float value : {-1.0F, std::numeric_limits<float>::quiet_NaN()}) {
      Photometric p;
      p.*field = value;
      refuses(effects(p), shape, 1);
    }
  }
  FrameEffects cut;
  cut.holes = {{0, 0, 5, 1, 0}};
  cut.hole_offsets = {0, 1};
  refuses(cut, shape, 1);
  cut.holes[0].bottom = 2;
  CHECK_NOTHROW(irtd::require_effects(cut, shape, 1));
  cut.hole_offsets = {0, 2};
  refuses(cut, shape, 1);
  FrameEffects flat;
  flat.high = 0;
  refuses(flat, shape, 1);
}
