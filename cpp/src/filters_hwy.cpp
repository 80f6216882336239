// The inner loops of the filters in Google Highway, compiled once per SIMD target. Multiplications
// and additions stay apart (and the compiler is told so): results are those of the reference.
#ifdef IRTD_HAVE_HIGHWAY

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "filters_hwy.cpp"
// clang-format off: the order of these two is part of Highway's interface
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

#include <algorithm>
#include <limits>

#include "filters.hpp"

HWY_BEFORE_NAMESPACE();
namespace irtd::detail::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Counts = hn::CappedTag<std::uint32_t, kTileLanes>;
using SignedCounts = hn::RebindToSigned<Counts>;
using CountsF32 = hn::RebindToFloat<SignedCounts>;

void ClipCounts(std::uint32_t* HWY_RESTRICT counts, std::size_t values, std::size_t lanes,
                const std::uint32_t* HWY_RESTRICT limit, std::uint32_t* HWY_RESTRICT clipped) {
  const Counts d;
  for (std::size_t t = 0; t < lanes; t += hn::Lanes(d)) {
    const auto most = hn::LoadU(d, limit + t);
    auto cut = hn::LoadU(d, clipped + t);
    for (std::size_t v = 0; v < values; ++v) {
      std::uint32_t* at = counts + v * lanes + t;
      const auto count = hn::LoadU(d, at);
      const auto kept = hn::Min(count, most);
      cut = hn::Add(cut, hn::Sub(count, kept));
      hn::StoreU(kept, d, at);
    }
    hn::StoreU(cut, d, clipped + t);
  }
}

template <typename T>
void Curves(const std::uint32_t* HWY_RESTRICT counts, std::size_t values, std::size_t lanes,
            const std::uint32_t* HWY_RESTRICT batch, const float* HWY_RESTRICT scale,
            std::uint32_t* HWY_RESTRICT sum, T* HWY_RESTRICT curve, std::size_t curve_stride) {
  const Counts d;
  const SignedCounts di;
  const CountsF32 df;
  const hn::Rebind<T, SignedCounts> narrow;
  const auto level = [&](auto total, auto factor) HWY_ATTR {
    const auto value = hn::Mul(hn::ConvertTo(df, hn::BitCast(di, total)), factor);
    return hn::DemoteTo(narrow, hn::NearestInt(value));
  };
  if (lanes == hn::Lanes(d)) {  // the usual 8 × 8 grid: sums stay in a register
    const auto more = hn::LoadU(d, batch);
    const auto factor = hn::LoadU(df, scale);
    auto total = hn::LoadU(d, sum);
    for (std::size_t v = 0; v < values; ++v) {
      total = hn::Add(total, hn::Add(hn::LoadU(d, counts + v * lanes), more));
      hn::StoreU(level(total, factor), narrow, curve + v * curve_stride);
    }
    hn::StoreU(total, d, sum);
    return;
  }
  for (std::size_t v = 0; v < values; ++v) {
    for (std::size_t t = 0; t < lanes; t += hn::Lanes(d)) {
      const auto more = hn::Add(hn::LoadU(d, counts + v * lanes + t), hn::LoadU(d, batch + t));
      const auto total = hn::Add(hn::LoadU(d, sum + t), more);
      hn::StoreU(total, d, sum + t);
      hn::StoreU(level(total, hn::LoadU(df, scale + t)), narrow, curve + v * curve_stride + t);
    }
  }
}

using F32 = hn::ScalableTag<float>;
using I32 = hn::RebindToSigned<F32>;
using U32 = hn::RebindToUnsigned<F32>;
using VF = hn::Vec<F32>;
using VU = hn::Vec<U32>;

HWY_INLINE VF AsFloat(VU bits) { return hn::ConvertTo(F32(), hn::BitCast(I32(), bits)); }

struct Corners {
  VF upper_left, upper_right, lower_left, lower_right;
};

template <typename T>
HWY_INLINE void StoreBlend(const Corners& c, const ClaheWeights& weights, std::size_t i, T* out) {
  const F32 d;
  const hn::Rebind<T, F32> narrow;
  const VF left = hn::LoadU(d, weights.left + i);
  const VF right = hn::LoadU(d, weights.right + i);
  const VF upper = hn::Add(hn::Mul(c.upper_left, left), hn::Mul(c.upper_right, right));
  const VF lower = hn::Add(hn::Mul(c.lower_left, left), hn::Mul(c.lower_right, right));
  const VF value =
      hn::Add(hn::Mul(upper, hn::Set(d, weights.upper)), hn::Mul(lower, hn::Set(d, weights.lower)));
  hn::StoreU(hn::DemoteTo(narrow, hn::NearestInt(value)), narrow, out + i);
}

HWY_INLINE ClaheWeights From(const ClaheWeights& weights, std::size_t i) {
  return {weights.right + i, weights.left + i, weights.lower, weights.upper};
}

void BlendCurvesU8(const std::uint32_t* HWY_RESTRICT packed, const ClaheWeights& weights,
                   std::size_t n, std::uint8_t* HWY_RESTRICT out) {
  const U32 d;
  const auto low = hn::Set(d, 0xFFU);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const VU p = hn::LoadU(d, packed + i);
    const Corners corners{AsFloat(hn::And(p, low)), AsFloat(hn::And(hn::ShiftRight<8>(p), low)),
                          AsFloat(hn::And(hn::ShiftRight<16>(p), low)),
                          AsFloat(hn::ShiftRight<24>(p))};
    StoreBlend(corners, weights, i, out);
  }
  if (i < n) scalar_filter_kernels().blend_curves_u8(packed + i, From(weights, i), n - i, out + i);
}

void BlendCurvesU16(const std::uint32_t* HWY_RESTRICT upper,
                    const std::uint32_t* HWY_RESTRICT lower, const ClaheWeights& weights,
                    std::size_t n, std::uint16_t* HWY_RESTRICT out) {
  const U32 d;
  const auto low = hn::Set(d, 0xFFFFU);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const VU a = hn::LoadU(d, upper + i);
    const VU b = hn::LoadU(d, lower + i);
    const Corners corners{AsFloat(hn::And(a, low)), AsFloat(hn::ShiftRight<16>(a)),
                          AsFloat(hn::And(b, low)), AsFloat(hn::ShiftRight<16>(b))};
    StoreBlend(corners, weights, i, out);
  }
  if (i < n) {
    scalar_filter_kernels().blend_curves_u16(upper + i, lower + i, From(weights, i), n - i,
                                             out + i);
  }
}

const FilterKernels* FilterTable() {
  static const FilterKernels table{hwy::TargetName(HWY_TARGET), ClipCounts,    Curves<std::uint8_t>,
                                   Curves<std::uint16_t>,       BlendCurvesU8, BlendCurvesU16};
  return &table;
}

}  // namespace irtd::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace irtd::detail {

HWY_EXPORT(FilterTable);

const FilterKernels& filter_kernels() {
  static const FilterKernels* const best = HWY_DYNAMIC_DISPATCH(FilterTable)();
  return *best;
}

std::vector<const FilterKernels*> all_filter_kernels() {
  filter_kernels();  // fixed before the targets are narrowed down below
  std::vector<const FilterKernels*> tables{&scalar_filter_kernels()};
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    tables.push_back(HWY_DYNAMIC_DISPATCH(FilterTable)());
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return tables;
}

}  // namespace irtd::detail
#endif  // HWY_ONCE

#endif  // IRTD_HAVE_HIGHWAY
