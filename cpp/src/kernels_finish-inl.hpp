// Floats to output pixels: affine, clip, cast; included once per SIMD target (Highway's -inl
// convention).
#if defined(IRTD_KERNELS_FINISH_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef IRTD_KERNELS_FINISH_INL_HPP_
#undef IRTD_KERNELS_FINISH_INL_HPP_
#else
#define IRTD_KERNELS_FINISH_INL_HPP_
#endif

#include <hwy/cache_control.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "kernels_floats-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace irtd::detail::HWY_NAMESPACE {

struct StoreFloat {
  using Item = float;
  static constexpr float kTop = 0;  // no whole number
  static HWY_INLINE void Store(VF value, float* out) { hn::StoreU(value, F32(), out); }
};

/// Around the caches, where the rows are aligned; whoever calls ends with FlushStream().
struct StreamFloat {
  using Item = float;
  static constexpr float kTop = 0;
  static HWY_INLINE void Store(VF value, float* out) { hn::Stream(value, F32(), out); }
};

/// The whole number of a value in [0, 2^16), half to even: 2^23 leaves no room for fractions.
HWY_INLINE hn::Vec<U32> WholeOf(VF value) {
  const U32 du;
  const auto moved = hn::Add(value, hn::Set(F32(), 0x1p23F));
  return hn::And(hn::BitCast(du, moved), hn::Set(du, 0xFFFFU));
}
HWY_INLINE void StoreWords(hn::Vec<U32> whole, std::uint8_t* out) {
  hn::StoreU(hn::U8FromU32(whole), Narrow8(), out);
}
HWY_INLINE void StoreWords(hn::Vec<U32> whole, std::uint16_t* out) {
  hn::StoreU(hn::DemoteTo(Narrow16(), hn::BitCast(I32(), whole)), Narrow16(), out);
}

/// Values are within the type already, and no NaN.
template <typename T>
struct StoreWhole {
  using Item = T;
  static constexpr auto kTop = static_cast<float>(std::numeric_limits<T>::max());
  static HWY_INLINE void Store(VF value, T* out) { StoreWords(WholeOf(value), out); }
};

/// Round half to even to the upper half; NaN becomes a quiet NaN (to_bf16 of half.hpp).
struct StoreBf16 {
  using Item = std::uint16_t;
  static constexpr float kTop = 0;
  static HWY_INLINE void Store(VF value, std::uint16_t* out) {
    const U32 d;
    const auto bits = hn::BitCast(d, value);
    const auto upper = hn::ShiftRight<16>(bits);
    const auto odd = hn::And(upper, hn::Set(d, 1U));
    const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, hn::Set(d, 0x7FFFU)), odd));
    const auto quiet = hn::Or(upper, hn::Set(d, 0x40U));
    const auto chosen = hn::IfThenElse(hn::RebindMask(d, hn::IsNaN(value)), quiet, rounded);
    // As signed, since that is what every target can narrow; it is below 2^16.
    hn::StoreU(hn::DemoteTo(Narrow16(), hn::BitCast(I32(), chosen)), Narrow16(), out);
  }
};

/// The steps of to_f16 in half.hpp, for all lanes.
struct StoreF16 {
  using Item = std::uint16_t;
  static constexpr float kTop = 0;
  static HWY_INLINE void Store(VF value, std::uint16_t* out) {
    const F32 df;
    const U32 d;
    const I32 di;  // magnitudes are below 2^31: signed comparisons are right
    const auto bits = hn::BitCast(d, value);
    const auto sign = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 0x8000U));
    const auto magnitude = hn::And(bits, hn::Set(d, 0x7FFFFFFFU));
    const auto odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(d, 1U));
    const auto rounded = hn::Add(hn::Add(magnitude, hn::Set(d, 0xFFFU)), odd);
    const auto normal = hn::ShiftRight<13>(hn::Sub(rounded, hn::Set(d, 0x38000000U)));
    // Adding ½ shifts a subnormal's bits to the bottom of the mantissa, rounded by the hardware.
    const auto shifted = hn::Add(hn::BitCast(df, magnitude), hn::Set(df, 0.5F));
    const auto subnormal = hn::Sub(hn::BitCast(d, shifted), hn::Set(d, 0x3F000000U));
    const auto compared = hn::BitCast(di, magnitude);
    const auto is_small = hn::Lt(compared, hn::Set(di, 0x38800000));
    const auto is_large = hn::Gt(compared, hn::Set(di, 0x477FFFFF));
    const auto is_nan = hn::Gt(compared, hn::Set(di, 0x7F800000));
    auto half = hn::IfThenElse(hn::RebindMask(d, is_small), subnormal, normal);
    half = hn::IfThenElse(hn::RebindMask(d, is_large), hn::Set(d, 0x7C00U), half);
    half = hn::IfThenElse(hn::RebindMask(d, is_nan), hn::Set(d, 0x7E00U), half);
    hn::StoreU(hn::DemoteTo(Narrow16(), hn::BitCast(di, hn::Or(half, sign))), Narrow16(), out);
  }
};

/// Affine and clip, the bounds within the output's type.
template <class To>
struct AffineVectors {
  static constexpr bool kWhole = To::kTop > 0;

  HWY_INLINE explicit AffineVectors(const AffineClip& affine)
      : base(hn::Set(F32(), affine.base)),
        scale(hn::Set(F32(), affine.scale)),
        offset(hn::Set(F32(), affine.offset)),
        lo(hn::Set(F32(), kWhole ? std::clamp(affine.lo, 0.0F, To::kTop) : affine.lo)),
        hi(hn::Set(F32(), kWhole ? std::clamp(affine.hi, 0.0F, To::kTop) : affine.hi)) {}

  HWY_INLINE VF Moved(VF value) const { return hn::MulAdd(hn::Sub(value, base), scale, offset); }
  HWY_INLINE VF Clipped(VF moved) const { return hn::Min(hn::Max(moved, lo), hi); }

  VF base;
  VF scale;
  VF offset;
  VF lo;
  VF hi;
};

template <class To>
void Finish(const float* HWY_RESTRICT in, std::size_t n, const AffineClip& affine, void* out) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  const AffineVectors<To> line(affine);
  auto* to = static_cast<typename To::Item*>(out);
  const auto value = [&](const float* p) {
    const auto moved = line.Moved(hn::LoadU(d, p));
    const auto clipped = line.Clipped(moved);
    const auto number = hn::Eq(moved, moved);
    return line.kWhole ? hn::IfThenElseZero(number, clipped)
                       : hn::IfThenElse(number, clipped, moved);
  };
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) To::Store(value(in + i), to + i);
  if (i < n) {
    HWY_ALIGN float rest[hn::MaxLanes(F32())] = {};
    HWY_ALIGN typename To::Item done[hn::MaxLanes(F32())];
    std::copy_n(in + i, n - i, rest);
    To::Store(value(rest), done);
    std::copy_n(done, n - i, to + i);
  }
}

bool CanStream(const void* out, std::size_t n) {
  const std::size_t vector = hn::Lanes(F32()) * sizeof(float);
  return reinterpret_cast<std::uintptr_t>(out) % vector == 0 && n * sizeof(float) % vector == 0;
}

void FinishStreamed(const float* HWY_RESTRICT in, std::size_t n, const AffineClip& affine,
                    void* out) {
  if (CanStream(out, n)) {
    Finish<StreamFloat>(in, n, affine, out);
  } else {
    Finish<StoreFloat>(in, n, affine, out);
  }
}

void Fence() { hwy::FlushStream(); }

/// Sums of two rows, which bilinear rows are, or of any number.
template <std::size_t kTaps>
HWY_INLINE VF SumAt(const MixedRow& row, const VF* weight, VF bias, std::size_t i) {
  const F32 d;
  if constexpr (kTaps == 2) {
    const auto sum = hn::MulAdd(hn::LoadU(d, row.rows[0] + i), weight[0], bias);
    return hn::MulAdd(hn::LoadU(d, row.rows[1] + i), weight[1], sum);
  } else {
    auto sum = bias;
    for (std::size_t k = 0; k < row.taps; ++k) {
      sum = hn::MulAdd(hn::LoadU(d, row.rows[k] + i), hn::Set(d, row.weight[k]), sum);
    }
    return sum;
  }
}

template <class To, std::size_t kTaps>
void BlendTo(const MixedRow& row, std::size_t n, const AffineClip& affine, void* out) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  const auto bias = hn::Set(d, row.bias);
  const AffineVectors<To> line(affine);
  const VF weight[2] = {hn::Set(d, kTaps == 2 ? row.weight[0] : 0.0F),
                        hn::Set(d, kTaps == 2 ? row.weight[1] : 0.0F)};
  const MixedRow from = row;  // a copy, which is none of what is written
  auto* to = static_cast<typename To::Item*>(out);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    To::Store(line.Clipped(line.Moved(SumAt<kTaps>(from, weight, bias, i))), to + i);
  }
  for (; i < n; ++i) {
    float sum = row.bias;
    for (std::size_t k = 0; k < row.taps; ++k) sum += row.rows[k][i] * row.weight[k];
    Finish<To>(&sum, 1, affine, to + i);
  }
}

template <class To>
void Blend(const MixedRow& row, std::size_t n, const AffineClip& affine, void* out) {
  if (row.taps == 2) {
    BlendTo<To, 2>(row, n, affine, out);
  } else {
    BlendTo<To, 0>(row, n, affine, out);
  }
}

void BlendStreamed(const MixedRow& row, std::size_t n, const AffineClip& affine, void* out) {
  if (CanStream(out, n)) {
    Blend<StreamFloat>(row, n, affine, out);
  } else {
    Blend<StoreFloat>(row, n, affine, out);
  }
}

void CopyStreamed(const float* HWY_RESTRICT row, std::size_t n, float* HWY_RESTRICT out) {
  if (!CanStream(out, n)) {
    std::copy_n(row, n, out);
    return;
  }
  const F32 d;
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) hn::Stream(hn::LoadU(d, row + i), d, out + i);
}

}  // namespace irtd::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
