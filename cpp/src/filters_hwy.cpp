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

#include "all_targets.hpp"
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

using F64 = hn::ScalableTag<double>;
using HalfF32 = hn::Rebind<float, F64>;

HWY_INLINE hn::Vec<F64> Load64(const float* p) {
  return hn::PromoteTo(F64(), hn::LoadU(HalfF32(), p));
}

HWY_INLINE void Add64(hn::Vec<F64> change, double* to) {
  hn::StoreU(hn::Add(hn::LoadU(F64(), to), change), F64(), to);
}

void ChangeMoments(const float* in, const float* out, std::size_t n, double* HWY_RESTRICT sum,
                   double* HWY_RESTRICT square) {
  const F64 d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const auto a = Load64(in + i);
    const auto b = Load64(out + i);
    Add64(hn::Sub(a, b), sum + i);
    Add64(hn::Sub(hn::Mul(a, a), hn::Mul(b, b)), square + i);
  }
  if (i < n) scalar_filter_kernels().change_moments(in + i, out + i, n - i, sum + i, square + i);
}

void ChangePair(const float* first_in, const float* first_out, const float* second_in,
                const float* second_out, std::size_t n, double* HWY_RESTRICT first,
                double* HWY_RESTRICT second) {
  const F64 d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    Add64(hn::Sub(Load64(first_in + i), Load64(first_out + i)), first + i);
    Add64(hn::Sub(Load64(second_in + i), Load64(second_out + i)), second + i);
  }
  if (i < n) {
    scalar_filter_kernels().change_pair(first_in + i, first_out + i, second_in + i, second_out + i,
                                        n - i, first + i, second + i);
  }
}

HWY_INLINE hn::Vec<F64> WindowMean(const double* prefix, const WindowPrefix& sums, std::size_t i) {
  const F64 d;
  const auto sum = hn::Sub(hn::LoadU(d, prefix + i + sums.width), hn::LoadU(d, prefix + i));
  return hn::Mul(sum, hn::LoadU(d, sums.inverse + i));
}

HWY_INLINE WindowPrefix From(const WindowPrefix& sums, std::size_t i) {
  return {sums.first + i, sums.second + i, sums.width, sums.inverse + i};
}

void FitLines(const WindowPrefix& sums, std::size_t n, double edge, float* HWY_RESTRICT a,
              float* HWY_RESTRICT b) {
  const F64 d;
  const HalfF32 df;
  const auto e = hn::Set(d, edge);
  const auto one = hn::Set(df, 1.0F);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const auto mean = WindowMean(sums.first, sums, i);
    const auto square = WindowMean(sums.second, sums, i);
    const auto variance = hn::Max(hn::Sub(square, hn::Mul(mean, mean)), hn::Zero(d));
    const auto slope = hn::Div(hn::DemoteTo(df, variance), hn::DemoteTo(df, hn::Add(variance, e)));
    hn::StoreU(slope, df, a + i);
    hn::StoreU(hn::Mul(hn::Sub(one, slope), hn::DemoteTo(df, mean)), df, b + i);
  }
  if (i < n) scalar_filter_kernels().fit_lines(From(sums, i), n - i, edge, a + i, b + i);
}

void Enhance(const WindowPrefix& sums, const DetailRow& row, const float* HWY_RESTRICT x,
             std::size_t n, float* HWY_RESTRICT out) {
  const F64 d;
  const HalfF32 df;
  const auto zero = hn::Zero(df);
  const auto one = hn::Set(df, 1.0F);
  const auto half = hn::Set(df, 0.5F);
  const auto scale = hn::Set(df, row.scale);
  const auto noise = hn::Set(df, row.noise);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const auto a = hn::DemoteTo(df, WindowMean(sums.first, sums, i));
    const auto b = hn::DemoteTo(df, WindowMean(sums.second, sums, i));
    const auto count = hn::LoadU(df, x + i);
    const auto smooth = hn::Add(hn::Mul(a, count), b);
    const auto base = hn::Mul(hn::Sub(smooth, hn::Set(df, row.low)), scale);
    const auto detail = hn::Mul(hn::Sub(count, smooth), scale);
    const auto gated = hn::Sub(hn::Max(hn::Sub(detail, noise), zero),
                               hn::Max(hn::Sub(hn::Neg(detail), noise), zero));
    const auto inside = hn::Sub(hn::Min(hn::Max(base, zero), one), half);
    const auto value = hn::Add(hn::Add(half, hn::Mul(hn::Set(df, row.base_share), inside)),
                               hn::Mul(hn::Set(df, row.gain), gated));
    const auto share = hn::Min(hn::Max(value, zero), one);
    hn::StoreU(hn::Mul(share, hn::Set(df, row.top)), df, out + i);
  }
  if (i < n) scalar_filter_kernels().enhance(From(sums, i), row, x + i, n - i, out + i);
}

using MedianTag = hn::CappedTag<std::int32_t, kMedianLanes>;
using MedianVec = hn::Vec<MedianTag>;

/// How many values of each column are not above the bound.
HWY_INLINE MedianVec CountNotAbove(const std::int32_t* values, std::size_t rows, MedianVec bound) {
  const MedianTag d;
  auto above = hn::Zero(d);
  for (std::size_t r = 0; r < rows; ++r) {
    const auto value = hn::LoadU(d, values + r * kMedianLanes);
    above = hn::Add(above, hn::VecFromMask(d, hn::Gt(value, bound)));  // true is −1
  }
  return hn::Add(hn::Set(d, static_cast<std::int32_t>(rows)), above);
}

void MiddlePair(const std::int32_t* HWY_RESTRICT values, std::size_t rows, std::size_t k,
                std::int32_t low, std::int32_t high, std::int32_t* HWY_RESTRICT at_k,
                std::int32_t* HWY_RESTRICT after_k) {
  const MedianTag d;
  const auto rank = hn::Set(d, static_cast<std::int32_t>(k));
  const auto one = hn::Set(d, 1);
  for (std::size_t c = 0; c < kMedianLanes; c += hn::Lanes(d)) {
    auto lo = hn::Set(d, low);
    auto hi = hn::Set(d, high);
    while (!hn::AllFalse(d, hn::Lt(lo, hi))) {
      const auto middle = hn::Add(lo, hn::ShiftRight<1>(hn::Sub(hi, lo)));
      const auto enough = hn::Gt(CountNotAbove(values + c, rows, middle), rank);
      const auto open = hn::Lt(lo, hi);
      hi = hn::IfThenElse(hn::And(open, enough), middle, hi);
      lo = hn::IfThenElse(hn::AndNot(enough, open), hn::Add(middle, one), lo);
    }
    auto next = hn::Set(d, high);
    for (std::size_t r = 0; r < rows; ++r) {
      const auto value = hn::LoadU(d, values + r * kMedianLanes + c);
      next = hn::IfThenElse(hn::Gt(value, lo), hn::Min(next, value), next);
    }
    const auto same = hn::Gt(CountNotAbove(values + c, rows, lo), hn::Add(rank, one));
    hn::StoreU(lo, d, at_k + c);
    hn::StoreU(k + 1 < rows ? hn::IfThenElse(same, lo, next) : lo, d, after_k + c);
  }
}

const FilterKernels* FilterTable() {
  static const FilterKernels table{hwy::TargetName(HWY_TARGET),
                                   ClipCounts,
                                   Curves<std::uint8_t>,
                                   Curves<std::uint16_t>,
                                   BlendCurvesU8,
                                   BlendCurvesU16,
                                   ChangeMoments,
                                   ChangePair,
                                   FitLines,
                                   Enhance,
                                   MiddlePair};
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
  filter_kernels();  // fixed before the targets are narrowed down
  return tables_of_all_targets(scalar_filter_kernels(),
                               [] { return HWY_DYNAMIC_DISPATCH(FilterTable)(); });
}

}  // namespace irtd::detail
#endif  // HWY_ONCE

#endif  // IRTD_HAVE_HIGHWAY
