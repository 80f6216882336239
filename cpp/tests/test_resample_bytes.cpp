#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "irtd/resample.hpp"
#include "resample_paths.hpp"

using irtd::Border;
using irtd::Filter;
using irtd::ImageView;
using irtd::Layout;
using irtd::PixelType;
using irtd::ResampleOptions;

namespace {

struct Restore {
  ~Restore() { irtd::detail::use_resample_kernels(nullptr); }
};

/// A window of a picture of bytes; some larger than the picture, some mirrored.
struct Case {
  int height, width, channels, out_h, out_w, out_channels;
  ResampleOptions options;
};

Case draw(std::mt19937& random) {
  const auto between = [&](int lo, int hi) {
    return std::uniform_int_distribution<int>(lo, hi)(random);
  };
  Case c{between(1, 40),
         between(1, 70),
         between(0, 1) * 2 + 1,
         between(1, 30),
         between(1, 40),
         between(0, 1) * 2 + 1,
         {}};
  const double left = between(-9, c.width - 1) + 0.5 * between(0, 1);
  const double top = between(-5, c.height - 1);
  const double window[4] = {left, top, left + between(1, 60), top + between(1, 50)};
  irtd::set_window(&c.options, window, c.out_h, c.out_w, between(0, 1) == 1);
  constexpr Filter kFilters[] = {Filter::bilinear, Filter::antialias, Filter::area};
  constexpr Border kBorders[] = {Border::replicate, Border::reflect, Border::reflect101,
                                 Border::constant};
  c.options.filter = kFilters[between(0, 2)];
  c.options.border = kBorders[between(0, 3)];
  c.options.border_value = 77;
  c.options.layout = between(0, 1) == 1 ? Layout::hwc : Layout::chw;
  c.options.stream = between(0, 1) == 1;
  for (int k = 0; k < 3; ++k) {
    c.options.scale[k] = 0.5F + 0.25F * static_cast<float>(between(0, 1) * k);
    c.options.offset[k] = static_cast<float>(between(0, 1) * k);
  }
  c.options.base = static_cast<float>(between(0, 1)) * 3.0F;
  return c;
}

}  // namespace

TEST_CASE("bytes are filtered as the same values in floats are") {
  const Restore restore;
  for (const irtd::detail::ResampleKernels* table : irtd::detail::all_resample_kernels()) {
    CAPTURE(table->target);
    irtd::detail::use_resample_kernels(table);
    std::mt19937 random(7);
    int taken = 0;
    for (int round = 0; round < 1500; ++round) {
      CAPTURE(round);
      const Case c = draw(random);
      const auto count = static_cast<std::size_t>(c.height * c.width * c.channels);
      std::vector<std::uint8_t> bytes(count);
      for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random() >> 24U);
      const std::vector<float> floats(bytes.begin(), bytes.end());
      const auto out = static_cast<std::size_t>(c.out_h * c.out_w * c.out_channels);
      std::vector<float> found(out);
      std::vector<float> expected(out);
      const ImageView<const std::uint8_t> of_bytes(bytes.data(), c.height, c.width, c.channels);
      const ImageView<const float> of_floats(floats.data(), c.height, c.width, c.channels);
      irtd::resample(of_bytes, c.options, found.data(), PixelType::f32, c.out_h, c.out_w,
                     c.out_channels);
      irtd::resample(of_floats, c.options, expected.data(), PixelType::f32, c.out_h, c.out_w,
                     c.out_channels);
      float worst = 0;
      for (std::size_t i = 0; i < out; ++i) {
        worst = std::max(worst, std::abs(found[i] - expected[i]));
      }
      CHECK(worst <= 2e-4F);
      std::vector<std::uint8_t> levels(out);
      irtd::resample(of_bytes, c.options, levels.data(), PixelType::u8, c.out_h, c.out_w,
                     c.out_channels);
      for (std::size_t i = 0; i < out; ++i) {
        const float level = std::clamp(expected[i], 0.0F, 255.0F);
        REQUIRE(std::abs(static_cast<float>(levels[i]) - level) <= 0.501F);
      }
      const irtd::detail::Request<std::uint8_t> request{
          of_bytes, c.options, found.data(), PixelType::f32, c.out_h, c.out_w, c.out_channels};
      const irtd::detail::Geometry geometry =
          irtd::detail::make_geometry(c.options.matrix, c.out_h, c.out_w);
      taken += irtd::detail::filter_bytes(request, geometry) ? 1 : 0;
    }
    CHECK(taken > 400);  // both ways have been compared
  }
}
