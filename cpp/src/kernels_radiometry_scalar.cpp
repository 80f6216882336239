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

}  // namespace

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
