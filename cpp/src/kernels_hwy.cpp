// The inner loops in Google Highway. This file is compiled once per SIMD target: the include of
// foreach_target.h includes it again for each.
#ifdef IRTD_HAVE_HIGHWAY

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels_hwy.cpp"
// clang-format off: the order of these two is part of Highway's interface
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace irtd::detail::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
using I32 = hn::RebindToSigned<F32>;

template <typename T>
void MinMax(const T* HWY_RESTRICT p, std::size_t n, T* lo, T* hi) {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  T low = *lo;
  T high = *hi;
  std::size_t i = 0;
  if (n >= 2 * lanes) {
    // Two accumulators each, so that the loop is bound by loads and not by latency.
    auto low0 = hn::Set(d, low);
    auto high0 = hn::Set(d, high);
    auto low1 = low0;
    auto high1 = high0;
    for (; i + 2 * lanes <= n; i += 2 * lanes) {
      const auto a = hn::LoadU(d, p + i);
      const auto b = hn::LoadU(d, p + i + lanes);
      low0 = hn::Min(low0, a);
      high0 = hn::Max(high0, a);
      low1 = hn::Min(low1, b);
      high1 = hn::Max(high1, b);
    }
    HWY_ALIGN T lows[HWY_MAX_BYTES / sizeof(T)];
    HWY_ALIGN T highs[HWY_MAX_BYTES / sizeof(T)];
    hn::Store(hn::Min(low0, low1), d, lows);
    hn::Store(hn::Max(high0, high1), d, highs);
    for (std::size_t k = 0; k < lanes; ++k) {
      low = std::min(low, lows[k]);
      high = std::max(high, highs[k]);
    }
  }
  for (; i < n; ++i) {
    low = std::min(low, p[i]);
    high = std::max(high, p[i]);
  }
  *lo = low;
  *hi = high;
}

template <typename T>
HWY_INLINE hn::Vec<F32> LoadAsFloat(F32 d, const T* p) {
  const I32 di;
  const hn::Rebind<T, F32> narrow;
  return hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(narrow, p)));
}

template <typename T>
void Blend(const T* HWY_RESTRICT top, const T* HWY_RESTRICT bottom, float weight, std::size_t n,
           float* HWY_RESTRICT out) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  const auto w = hn::Set(d, weight);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto a = LoadAsFloat(d, top + i);
    const auto b = LoadAsFloat(d, bottom + i);
    hn::StoreU(hn::MulAdd(hn::Sub(b, a), w, a), d, out + i);
  }
  for (; i < n; ++i) {
    const auto a = static_cast<float>(top[i]);
    const auto b = static_cast<float>(bottom[i]);
    out[i] = a + (b - a) * weight;
  }
}

/// The values at[index[k]] for one block of columns.
HWY_INLINE hn::Vec<F32> LookUp(ColumnBlock::Kind kind, hn::Vec<I32> index, const float* at) {
  const F32 d;
  const I32 di;
  if (kind == ColumnBlock::gather) return hn::GatherIndex(d, at, index);
  if (kind == ColumnBlock::one_table) {
    return hn::TableLookupLanes(hn::LoadU(d, at), hn::IndicesFromVec(d, index));
  }
  const std::size_t lanes = hn::Lanes(d);
  const auto width = hn::Set(di, static_cast<std::int32_t>(lanes));
  const auto in_first = hn::Lt(index, width);
  const auto table = hn::IndicesFromVec(d, hn::IfThenElse(in_first, index, hn::Sub(index, width)));
  return hn::IfThenElse(hn::RebindMask(d, in_first), hn::TableLookupLanes(hn::LoadU(d, at), table),
                        hn::TableLookupLanes(hn::LoadU(d, at + lanes), table));
}

void Columns(const ColumnTaps& taps, const float* HWY_RESTRICT row, const AffineClip& affine,
             float* HWY_RESTRICT out) {
  const F32 d;
  const I32 di;
  const std::size_t lanes = hn::Lanes(d);
  const auto scale = hn::Set(d, affine.scale);
  const auto offset = hn::Set(d, affine.offset);
  const auto lo = hn::Set(d, affine.lo);
  const auto hi = hn::Set(d, affine.hi);
  for (std::size_t i = 0; i < taps.count; i += lanes) {
    const ColumnBlock block = taps.blocks[i / lanes];
    const auto index = hn::LoadU(di, taps.left + i);
    const auto left = LookUp(block.kind, index, row + block.base);
    const auto right = LookUp(block.kind, index, row + block.base + 1);
    const auto weight = hn::LoadU(d, taps.weight + i);
    const auto value = hn::MulAdd(hn::Sub(right, left), weight, left);
    const auto result = hn::Min(hn::Max(hn::MulAdd(value, scale, offset), lo), hi);
    if (i + lanes <= taps.count) {
      hn::StoreU(result, d, out + i);
    } else {  // the last block is padded, the output is not
      HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)];
      hn::Store(result, d, rest);
      std::copy_n(rest, taps.count - i, out + i);
    }
  }
}

void Split3(const float* HWY_RESTRICT rgb, std::size_t n, float* HWY_RESTRICT r,
            float* HWY_RESTRICT g, float* HWY_RESTRICT b) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::Vec<F32> v0;
    hn::Vec<F32> v1;
    hn::Vec<F32> v2;
    hn::LoadInterleaved3(d, rgb + 3 * i, v0, v1, v2);
    hn::StoreU(v0, d, r + i);
    hn::StoreU(v1, d, g + i);
    hn::StoreU(v2, d, b + i);
  }
  for (; i < n; ++i) {
    r[i] = rgb[3 * i];
    g[i] = rgb[3 * i + 1];
    b[i] = rgb[3 * i + 2];
  }
}

// Not HWY_RESTRICT: a gray row is merged with itself.
void Merge3(const float* r, const float* g, const float* b, std::size_t n,
            float* HWY_RESTRICT rgb) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreInterleaved3(hn::LoadU(d, r + i), hn::LoadU(d, g + i), hn::LoadU(d, b + i), d,
                          rgb + 3 * i);
  }
  for (; i < n; ++i) {
    rgb[3 * i] = r[i];
    rgb[3 * i + 1] = g[i];
    rgb[3 * i + 2] = b[i];
  }
}

template <typename T>
void RoundTo(const float* HWY_RESTRICT p, std::size_t n, T* HWY_RESTRICT out) {
  const F32 d;
  const hn::Rebind<T, F32> narrow;
  const std::size_t lanes = hn::Lanes(d);
  constexpr auto kMax = static_cast<float>(std::numeric_limits<T>::max());
  const auto lo = hn::Zero(d);
  const auto hi = hn::Set(d, kMax);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto clipped = hn::Min(hn::Max(hn::LoadU(d, p + i), lo), hi);
    hn::StoreU(hn::DemoteTo(narrow, hn::NearestInt(clipped)), narrow, out + i);
  }
  for (; i < n; ++i) {
    out[i] = static_cast<T>(std::nearbyint(std::clamp(p[i], 0.0F, kMax)));
  }
}

const Kernels* Table() {
  static const Kernels table{hwy::TargetName(HWY_TARGET),
                             hn::Lanes(F32()),
                             MinMax<std::uint8_t>,
                             MinMax<std::uint16_t>,
                             Blend<std::uint8_t>,
                             Blend<std::uint16_t>,
                             Columns,
                             Split3,
                             Merge3,
                             RoundTo<std::uint8_t>,
                             RoundTo<std::uint16_t>};
  return &table;
}

}  // namespace irtd::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace irtd::detail {

HWY_EXPORT(Table);

const Kernels& kernels() {
  static const Kernels* const best = HWY_DYNAMIC_DISPATCH(Table)();
  return *best;
}

std::vector<const Kernels*> all_kernels() {
  kernels();  // fixed before the targets are narrowed down below
  std::vector<const Kernels*> tables{&scalar_kernels()};
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    tables.push_back(HWY_DYNAMIC_DISPATCH(Table)());
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return tables;
}

}  // namespace irtd::detail
#endif  // HWY_ONCE

#endif  // IRTD_HAVE_HIGHWAY
