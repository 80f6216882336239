#include <algorithm>
#include <cmath>
#include <limits>

#include "half.hpp"
#include "kernels_radiometry.hpp"

namespace irtd::detail {
namespace {

template <ToneType kType>
struct Output;
template <>
struct Output<ToneType::u8> {
  using Item = std::uint8_t;
};
template <>
struct Output<ToneType::u16> {
  using Item = std::uint16_t;
};
template <>
struct Output<ToneType::f16> {
  using Item = std::uint16_t;
};
template <>
struct Output<ToneType::bf16> {
  using Item = std::uint16_t;
};
template <>
struct Output<ToneType::f32> {
  using Item = float;
};

template <ToneType kType>
typename Output<kType>::Item cast(float value) {
  using Item = typename Output<kType>::Item;
  if constexpr (kType == ToneType::f32) {
    return value;
  } else if constexpr (kType == ToneType::f16) {
    return to_f16(value);
  } else if constexpr (kType == ToneType::bf16) {
    return to_bf16(value);
  } else {
    // nearbyint: half to even in the default rounding mode, which nothing here changes.
    constexpr auto kMax = static_cast<float>(std::numeric_limits<Item>::max());
    return static_cast<Item>(std::nearbyint(std::clamp(value, 0.0F, kMax)));
  }
}

template <typename T, ToneType kType>
void line(const void* in, std::size_t n, const ToneLine& line, void* out) {
  const T* p = static_cast<const T*>(in);
  auto* target = static_cast<typename Output<kType>::Item*>(out);
  for (std::size_t i = 0; i < n; ++i) {
    const auto value = static_cast<float>(p[i]);
    const float mapped = std::fma(value - line.base, line.scale, line.offset);
    // NaN is the only value that is not itself; an infinity is clipped like any number.
    const bool number = value == value && mapped == mapped;
    target[i] = cast<kType>(number ? std::clamp(mapped, line.lo, line.hi) : line.fill);
  }
}

template <typename T>
void sums(const T* p, std::size_t n, RunSums* sums) {
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t v = p[i];
    sums->sum += v;
    sums->squares += v * v;
  }
}

float mapped(const ToneLine& line, double count) noexcept {
  return std::fma(static_cast<float>(count) - line.base, line.scale, line.offset);
}

}  // namespace

bool count_reach(const ToneLine& line, CountReach* reach) noexcept {
  if (line.lo != 0.0F || line.hi != 255.0F || !(line.scale > 0.0F)) return false;
  constexpr double kTop = 65535.0;
  const double base = double{line.base} - double{line.offset} / double{line.scale};
  // Rounding moves a result by less than a count's worth; two more make sure, and are looked at.
  const double lo = std::clamp(std::floor(base) - 2, 0.0, kTop);
  const double hi = std::clamp(std::ceil(base + 255.0 / double{line.scale}) + 2, 0.0, kTop);
  const float below = mapped(line, lo);
  const float above = mapped(line, hi);
  constexpr float kFits = 32767.0F;
  const bool reached = (lo == 0.0 || below <= 0.0F) && (hi == kTop || above >= 255.0F);
  if (!reached || !(below >= -kFits) || !(above <= kFits)) return false;
  *reach = {static_cast<std::uint16_t>(lo), static_cast<std::uint16_t>(hi)};
  return true;
}

const RadiometryKernels& scalar_radiometry_kernels() {
  using U8 = std::uint8_t;
  using U16 = std::uint16_t;
  static const RadiometryKernels table{
      "scalar",
      {line<U8, ToneType::u8>, line<U8, ToneType::u16>, line<U8, ToneType::f16>,
       line<U8, ToneType::bf16>, line<U8, ToneType::f32>},
      {line<U16, ToneType::u8>, line<U16, ToneType::u16>, line<U16, ToneType::f16>,
       line<U16, ToneType::bf16>, line<U16, ToneType::f32>},
      {line<float, ToneType::u8>, line<float, ToneType::u16>, line<float, ToneType::f16>,
       line<float, ToneType::bf16>, line<float, ToneType::f32>},
      line<U8, ToneType::f32>,
      line<U16, ToneType::f32>,
      sums<U8>,
      sums<U16>};
  return table;
}

#ifndef IRTD_HAVE_HIGHWAY
const RadiometryKernels& radiometry_kernels() { return scalar_radiometry_kernels(); }

std::vector<const RadiometryKernels*> all_radiometry_kernels() {
  return {&scalar_radiometry_kernels()};
}
#endif

}  // namespace irtd::detail
