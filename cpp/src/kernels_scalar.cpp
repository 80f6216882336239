#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels.hpp"

namespace irtd::detail {
namespace {

// One column per block keeps the reference simple: base is the left tap itself.
constexpr std::size_t kLanes = 1;

template <typename T>
void min_max(const T* p, std::size_t n, T* lo, T* hi) {
  T low = *lo;
  T high = *hi;
  for (std::size_t i = 0; i < n; ++i) {
    low = std::min(low, p[i]);
    high = std::max(high, p[i]);
  }
  *lo = low;
  *hi = high;
}

template <typename T>
void blend(const T* top, const T* bottom, float weight, std::size_t n, float* out) {
  for (std::size_t i = 0; i < n; ++i) {
    const auto a = static_cast<float>(top[i]);
    const auto b = static_cast<float>(bottom[i]);
    out[i] = a + (b - a) * weight;
  }
}

void columns(const ColumnTaps& taps, const float* row, const AffineClip& affine, float* out) {
  for (std::size_t i = 0; i < taps.count; ++i) {
    const float* at = row + taps.blocks[i].base + taps.left[i];
    const float value = at[0] + (at[1] - at[0]) * taps.weight[i];
    out[i] = std::clamp(value * affine.scale + affine.offset, affine.lo, affine.hi);
  }
}

void split3(const float* rgb, std::size_t n, float* r, float* g, float* b) {
  for (std::size_t i = 0; i < n; ++i) {
    r[i] = rgb[3 * i];
    g[i] = rgb[3 * i + 1];
    b[i] = rgb[3 * i + 2];
  }
}

void merge3(const float* r, const float* g, const float* b, std::size_t n, float* rgb) {
  for (std::size_t i = 0; i < n; ++i) {
    rgb[3 * i] = r[i];
    rgb[3 * i + 1] = g[i];
    rgb[3 * i + 2] = b[i];
  }
}

template <typename T>
void round_to(const float* p, std::size_t n, T* out) {
  constexpr auto kMax = static_cast<float>(std::numeric_limits<T>::max());
  for (std::size_t i = 0; i < n; ++i) {
    // nearbyint: half to even in the default rounding mode, which nothing here changes.
    out[i] = static_cast<T>(std::nearbyint(std::clamp(p[i], 0.0F, kMax)));
  }
}

}  // namespace

const Kernels& scalar_kernels() {
  static const Kernels table{"scalar",
                             kLanes,
                             min_max<std::uint8_t>,
                             min_max<std::uint16_t>,
                             blend<std::uint8_t>,
                             blend<std::uint16_t>,
                             columns,
                             split3,
                             merge3,
                             round_to<std::uint8_t>,
                             round_to<std::uint16_t>};
  return table;
}

#ifndef IRTD_HAVE_HIGHWAY
const Kernels& kernels() { return scalar_kernels(); }

std::vector<const Kernels*> all_kernels() { return {&scalar_kernels()}; }
#endif

}  // namespace irtd::detail
