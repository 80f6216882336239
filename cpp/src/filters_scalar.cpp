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

void change_moments(const float* in, const float* out, std::size_t n, double* sum, double* square) {
  for (std::size_t i = 0; i < n; ++i) {
    const auto a = static_cast<double>(in[i]);
    const auto b = static_cast<double>(out[i]);
    sum[i] += a - b;
    square[i] += a * a - b * b;
  }
}

void change_pair(const float* first_in, const float* first_out, const float* second_in,
                 const float* second_out, std::size_t n, double* first, double* second) {
  for (std::size_t i = 0; i < n; ++i) {
    first[i] += static_cast<double>(first_in[i]) - static_cast<double>(first_out[i]);
    second[i] += static_cast<double>(second_in[i]) - static_cast<double>(second_out[i]);
  }
}

void fit_lines(const WindowPrefix& sums, std::size_t n, double edge, float* a, float* b) {
  for (std::size_t i = 0; i < n; ++i) {
    const double mean = (sums.first[i + sums.width] - sums.first[i]) * sums.inverse[i];
    const double square = (sums.second[i + sums.width] - sums.second[i]) * sums.inverse[i];
    const double variance = std::max(square - mean * mean, 0.0);
    a[i] = static_cast<float>(variance) / static_cast<float>(variance + edge);
    b[i] = (1.0F - a[i]) * static_cast<float>(mean);
  }
}

void enhance(const WindowPrefix& sums, const DetailRow& row, const float* x, std::size_t n,
             float* out) {
  for (std::size_t i = 0; i < n; ++i) {
    const auto a =
        static_cast<float>((sums.first[i + sums.width] - sums.first[i]) * sums.inverse[i]);
    const auto b =
        static_cast<float>((sums.second[i + sums.width] - sums.second[i]) * sums.inverse[i]);
    const float smooth = a * x[i] + b;
    const float base = (smooth - row.low) * row.scale;
    const float detail = (x[i] - smooth) * row.scale;
    const float gated = std::max(detail - row.noise, 0.0F) - std::max(-detail - row.noise, 0.0F);
    const float inside = std::min(std::max(base, 0.0F), 1.0F) - 0.5F;
    const float value = (0.5F + row.base_share * inside) + row.gain * gated;
    out[i] = std::min(std::max(value, 0.0F), 1.0F) * row.top;
  }
}

/// Values at ranks k and k + 1 by bisection: counting needs no branches and no exchange.
void middle_pair(const std::int32_t* values, std::size_t rows, std::size_t k, std::int32_t low,
                 std::int32_t high, std::int32_t* at_k, std::int32_t* after_k) {
  for (std::size_t column = 0; column < kMedianLanes; ++column) {
    const auto not_above = [&](std::int32_t bound) {
      std::size_t count = 0;
      for (std::size_t r = 0; r < rows; ++r) {
        count += values[r * kMedianLanes + column] <= bound ? 1U : 0U;
      }
      return count;
    };
    std::int32_t lo = low;
    std::int32_t hi = high;
    while (lo < hi) {
      const std::int32_t middle = lo + (hi - lo) / 2;
      if (not_above(middle) > k) {
        hi = middle;
      } else {
        lo = middle + 1;
      }
    }
    at_k[column] = lo;
    after_k[column] = lo;
    if (not_above(lo) > k + 1 || k + 1 >= rows) continue;
    std::int32_t next = high;
    for (std::size_t r = 0; r < rows; ++r) {
      const std::int32_t value = values[r * kMedianLanes + column];
      if (value > lo) next = std::min(next, value);
    }
    after_k[column] = next;
  }
}

}  // namespace

const FilterKernels& scalar_filter_kernels() {
  static const FilterKernels table{
      "scalar",        clip_counts,      curves<std::uint8_t>, curves<std::uint16_t>,
      blend_curves_u8, blend_curves_u16, change_moments,       change_pair,
      fit_lines,       enhance,          middle_pair};
  return table;
}

#ifndef IRTD_HAVE_HIGHWAY
const FilterKernels& filter_kernels() { return scalar_filter_kernels(); }

std::vector<const FilterKernels*> all_filter_kernels() { return {&scalar_filter_kernels()}; }
#endif

}  // namespace irtd::detail
