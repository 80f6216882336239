#include <algorithm>
#include <cmath>
#include <limits>

#include "filters.hpp"

namespace irtd::detail {
namespace {

void clip_counts(std::uint32_t* counts, std::size_t values, std::size_t lanes,
                 const std::uint32_t* limit, std::uint32_t* clipped) {
  for (std::size_t v = 0; v < values; ++v) {
    std::uint32_t* row = counts + v * lanes;
    for (std::size_t t = 0; t < lanes; ++t) {
      const std::uint32_t kept = std::min(row[t], limit[t]);
      clipped[t] += row[t] - kept;
      row[t] = kept;
    }
  }
}

/// Half to even in the default rounding mode, which nothing here changes; saturated.
template <typename T>
T round_level(float value) {
  constexpr auto kMax = static_cast<float>(std::numeric_limits<T>::max());
  return static_cast<T>(std::nearbyint(std::clamp(value, 0.0F, kMax)));
}

template <typename T>
void curves(const std::uint32_t* counts, std::size_t values, std::size_t lanes,
            const std::uint32_t* batch, const float* scale, std::uint32_t* sum, T* curve,
            std::size_t curve_stride) {
  for (std::size_t v = 0; v < values; ++v) {
    for (std::size_t t = 0; t < lanes; ++t) {
      sum[t] += counts[v * lanes + t] + batch[t];
      const auto total = static_cast<float>(static_cast<std::int32_t>(sum[t]));
      curve[v * curve_stride + t] = round_level<T>(total * scale[t]);
    }
  }
}

float blend(float upper_left, float upper_right, float lower_left, float lower_right,
            const ClaheWeights& weights, std::size_t i) {
  const float upper = upper_left * weights.left[i] + upper_right * weights.right[i];
  const float lower = lower_left * weights.left[i] + lower_right * weights.right[i];
  return upper * weights.upper + lower * weights.lower;
}

void blend_curves_u8(const std::uint32_t* packed, const ClaheWeights& weights, std::size_t n,
                     std::uint8_t* out) {
  const auto level = [](std::uint32_t bits, unsigned shift) {
    return static_cast<float>(bits >> shift & 0xFFU);
  };
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t p = packed[i];
    out[i] = round_level<std::uint8_t>(
        blend(level(p, 0), level(p, 8), level(p, 16), level(p, 24), weights, i));
  }
}

void blend_curves_u16(const std::uint32_t* upper, const std::uint32_t* lower,
                      const ClaheWeights& weights, std::size_t n, std::uint16_t* out) {
  const auto left = [](std::uint32_t bits) { return static_cast<float>(bits & 0xFFFFU); };
  const auto right = [](std::uint32_t bits) { return static_cast<float>(bits >> 16); };
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = round_level<std::uint16_t>(
        blend(left(upper[i]), right(upper[i]), left(lower[i]), right(lower[i]), weights, i));
  }
}

}  // namespace

const FilterKernels& scalar_filter_kernels() {
  static const FilterKernels table{
      "scalar",        clip_counts,     curves<std::uint8_t>, curves<std::uint16_t>,
      blend_curves_u8, blend_curves_u16};
  return table;
}

#ifndef IRTD_HAVE_HIGHWAY
const FilterKernels& filter_kernels() { return scalar_filter_kernels(); }

std::vector<const FilterKernels*> all_filter_kernels() { return {&scalar_filter_kernels()}; }
#endif

}  // namespace irtd::detail
