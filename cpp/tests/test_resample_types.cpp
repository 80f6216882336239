#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "half.hpp"
#include "irtd/error.hpp"
#include "irtd/resample.hpp"
#include "kernels_resample.hpp"

namespace {

using irtd::Filter;
using irtd::ImageView;
using irtd::PixelType;
using irtd::ResampleOptions;
using irtd::detail::ResampleKernels;

ResampleOptions with_matrix(const std::vector<double>& m) {
  ResampleOptions options;
  std::copy(m.begin(), m.end(), options.matrix);
  return options;
}

}  // namespace

TEST_CASE("output types round, saturate and keep NaN as every instruction set should") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  std::vector<float> values{0.5F,  1.5F, 2.5F, -3,   254.5F, 255.5F,
                            70000, nan,  inf,  -inf, 1e-6F,  6e-8F};
  while (values.size() < 67) values.push_back(static_cast<float>(values.size()) * 1001.37F - 9000);
  const irtd::detail::AffineClip all{1.0F, 0.0F, -inf, inf};
  for (const ResampleKernels* table : irtd::detail::all_resample_kernels()) {
    CAPTURE(table->target);
    std::vector<std::uint8_t> bytes(values.size());
    std::vector<std::uint16_t> words(values.size());
    std::vector<std::uint16_t> halves(values.size());
    std::vector<std::uint16_t> brains(values.size());
    std::vector<float> floats(values.size());
    void* out[] = {bytes.data(), words.data(), halves.data(), brains.data(), floats.data()};
    for (std::size_t t = 0; t < 5; ++t) table->finish[t](values.data(), values.size(), all, out[t]);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double v = double{values[i]};
      CAPTURE(v);
      const auto whole = [&](double top) {
        return std::isnan(v) ? 0.0 : std::nearbyint(std::clamp(v, 0.0, top));
      };
      CHECK(double{0} + bytes[i] == whole(255));
      CHECK(double{0} + words[i] == whole(65535));
      CHECK(halves[i] == irtd::detail::to_f16(values[i]));
      CHECK(brains[i] == irtd::detail::to_bf16(values[i]));
      CHECK((std::isnan(v) ? std::isnan(floats[i]) : double{floats[i]} == v));
    }
    const irtd::detail::AffineClip clip{2.0F, 1.0F, 3.0F, 9.0F};
    table->finish[0](values.data(), values.size(), clip, bytes.data());
    CHECK(bytes[0] == 3);  // 2 is below the clip
    CHECK(bytes[1] == 4);
    CHECK(bytes[6] == 9);
  }
}

TEST_CASE("label pictures keep every value, whatever its size") {
  std::vector<std::int32_t> labels(20 * 30);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels[i] = static_cast<std::int32_t>(i * 3000017) - 700000000;
  }
  const ImageView<const std::int32_t> src(labels.data(), 20, 30);
  const std::vector<std::vector<double>> matrices{{1, 0, 0, 0, 1, 0},
                                                  {-1.5, 0, 60, 0, 0.7, 3},
                                                  {0, 1, 0, -1, 0, 30},
                                                  {0.8, 0.3, 1, -0.2, 0.9, 2}};
  for (const std::vector<double>& matrix : matrices) {
    ResampleOptions o = with_matrix(matrix);
    o.filter = Filter::nearest;
    std::vector<std::int32_t> out(25 * 15);
    irtd::resample(src, o, out.data(), PixelType::i32, 25, 15, 1);
    for (const std::int32_t value : out) {
      CHECK(std::find(labels.begin(), labels.end(), value) != labels.end());
    }
  }
  ResampleOptions o;
  std::vector<std::int32_t> out(600);
  CHECK_THROWS_AS(irtd::resample(src, o, out.data(), PixelType::i32, 20, 30, 1), irtd::Error);
  o.filter = Filter::nearest;
  CHECK_THROWS_AS(irtd::resample(src, o, out.data(), PixelType::u8, 20, 30, 1), irtd::Error);
  o.scale[0] = 2;
  CHECK_THROWS_AS(irtd::resample(src, o, out.data(), PixelType::i32, 20, 30, 1), irtd::Error);
}

TEST_CASE("wrong requests are refused") {
  const std::vector<std::uint8_t> pixels(16 * 2);
  const ImageView<const std::uint8_t> src(pixels.data(), 4, 4);
  const ImageView<const std::uint8_t> two(pixels.data(), 4, 4, 2);
  const ImageView<const std::uint8_t> none(pixels.data(), 0, 4);
  std::vector<float> out(64);
  const auto run = [&](ImageView<const std::uint8_t> from, const ResampleOptions& o, int h, int w,
                       int channels) {
    irtd::resample(from, o, out.data(), PixelType::f32, h, w, channels);
  };
  const double nan = std::nan("");
  const ResampleOptions good;
  CHECK_NOTHROW(run(src, good, 2, 2, 1));
  CHECK_THROWS_AS(run(two, good, 2, 2, 1), irtd::Error);
  CHECK_THROWS_AS(run(none, good, 2, 2, 1), irtd::Error);
  CHECK_THROWS_AS(run(src, good, 2, 2, 2), irtd::Error);
  CHECK_THROWS_AS(run(src, good, 0, 2, 1), irtd::Error);
  CHECK_THROWS_AS(run(src, with_matrix({nan, 0, 0, 0, 1, 0}), 2, 2, 1), irtd::Error);
  CHECK_THROWS_AS(run(src, with_matrix({1, 2, 0, 2, 4, 0}), 2, 2, 1), irtd::Error);
  CHECK_THROWS_AS(run(src, with_matrix({0, 0, 0, 0, 1, 0}), 2, 2, 1), irtd::Error);
  CHECK_THROWS_AS(run(src, with_matrix({1e-300, 0, 0, 0, 1e-300, 0}), 2, 2, 1), irtd::Error);
  CHECK_THROWS_AS(run(src, with_matrix({1e-6, 0, 0, 0, 1, 0}), 2, 2, 1), irtd::Error);
  CHECK_THROWS_AS(run(src, with_matrix({1, 0, 1e10, 0, 1, 0}), 2, 2, 1), irtd::Error);
  ResampleOptions o;
  o.scale[2] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(run(src, o, 2, 2, 1), irtd::Error);
  o = ResampleOptions{};
  o.lo_clip = 2;
  o.hi_clip = 1;
  CHECK_THROWS_AS(run(src, o, 2, 2, 1), irtd::Error);
}

TEST_CASE("a steep line that begins far from zero loses no digits") {
  const std::vector<float> values{1.0F, 1.0F, 0.99999F, 1.0001F};
  const ImageView<const float> src(values.data(), 2, 2);
  ResampleOptions o;
  irtd::set_affine(&o, 1e4F, 0.25F);
  o.base = 1.0F;
  std::vector<float> out(4);
  irtd::resample(src, o, out.data(), PixelType::f32, 2, 2, 1);
  CHECK(out[0] == 0.25F);
  CHECK(out[1] == 0.25F);
  CHECK(double{out[3]} == doctest::Approx(1.25).epsilon(2e-3));
}
