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

#include "all_targets.hpp"
#include "kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace irtd::detail::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

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

#if HWY_TARGET != HWY_SCALAR
using Words = hn::CappedTag<std::uint16_t, 32>;  // two bits for each value fit 64

/// Appends the values at `p` whose lane in `inside` is all ones.
HWY_INLINE std::uint16_t* Keep(hn::Vec<Words> inside, const std::uint16_t* p, std::uint16_t* out) {
  const hn::Repartition<std::uint8_t, Words> bytes;
  std::uint64_t bits = 0;
  hn::StoreMaskBits(bytes, hn::MaskFromVec(hn::BitCast(bytes, inside)),
                    reinterpret_cast<std::uint8_t*>(&bits));
  while (bits != 0) {
    const auto at = static_cast<unsigned>(hwy::Num0BitsBelowLS1Bit_Nonzero64(bits));
    *out++ = p[at / 2];
    bits &= ~(std::uint64_t{3} << at);
  }
  return out;
}
#endif

/// Few values are expected between, so pairs of vectors without one are only counted.
std::size_t Between(const std::uint16_t* HWY_RESTRICT p, std::size_t n, std::uint16_t lo,
                    std::uint16_t width, std::uint64_t* below, std::uint16_t* HWY_RESTRICT out) {
  std::uint16_t* to = out;
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const Words d;
  const std::size_t lanes = hn::Lanes(d);
  const auto first = hn::Set(d, lo);
  const auto most = hn::Set(d, width);
  const auto zero = hn::Zero(d);
  // A lane counts at most kBetweenMost values, which 16 bits hold. All ones is minus one.
  auto not_below = zero;
  const auto inside_of = [&](hn::Vec<Words> v) {
    not_below = hn::Sub(not_below, hn::VecFromMask(d, hn::Eq(hn::SaturatedSub(first, v), zero)));
    return hn::VecFromMask(d, hn::Eq(hn::SaturatedSub(hn::Sub(v, first), most), zero));
  };
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const auto a = inside_of(hn::LoadU(d, p + i));
    const auto b = inside_of(hn::LoadU(d, p + i + lanes));
    if (hn::AllFalse(d, hn::MaskFromVec(hn::Or(a, b)))) continue;
    to = Keep(a, p + i, to);
    to = Keep(b, p + i + lanes, to);
  }
  HWY_ALIGN std::uint16_t counts[HWY_MAX_BYTES / sizeof(std::uint16_t)];
  hn::Store(not_below, d, counts);
  std::size_t above = 0;
  for (std::size_t k = 0; k < lanes; ++k) above += counts[k];
  *below += i - above;
#endif
  for (; i < n; ++i) {
    *below += p[i] < lo ? 1 : 0;
    *to = p[i];
    to += static_cast<std::uint16_t>(p[i] - lo) <= width ? 1 : 0;
  }
  return static_cast<std::size_t>(to - out);
}

const Kernels* Table() {
  static const Kernels table{hwy::TargetName(HWY_TARGET), MinMax<std::uint8_t>,
                             MinMax<std::uint16_t>, Between};
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
  kernels();  // fixed before the targets are narrowed down
  return tables_of_all_targets(scalar_kernels(), [] { return HWY_DYNAMIC_DISPATCH(Table)(); });
}

}  // namespace irtd::detail
#endif  // HWY_ONCE

#endif  // IRTD_HAVE_HIGHWAY
