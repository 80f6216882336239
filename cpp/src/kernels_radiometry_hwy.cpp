// The inner loops of radiometry in Google Highway, compiled once per SIMD target.
#ifdef IRTD_HAVE_HIGHWAY

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels_radiometry_hwy.cpp"
// clang-format off: the order of these two is part of Highway's interface
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/cache_control.h>
// clang-format on

#include <algorithm>
#include <limits>
#include <type_traits>

#include "all_targets.hpp"
#include "kernels_radiometry.hpp"

HWY_BEFORE_NAMESPACE();
namespace irtd::detail::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
using I32 = hn::RebindToSigned<F32>;
using U32 = hn::RebindToUnsigned<F32>;
using Narrow16 = hn::Rebind<std::uint16_t, F32>;

HWY_INLINE hn::Vec<F32> LoadFloats(const std::uint8_t* p) {
  const hn::Rebind<std::uint8_t, F32> narrow;
  return hn::ConvertTo(F32(), hn::PromoteTo(I32(), hn::LoadU(narrow, p)));
}
HWY_INLINE hn::Vec<F32> LoadFloats(const std::uint16_t* p) {
  return hn::ConvertTo(F32(), hn::PromoteTo(I32(), hn::LoadU(Narrow16(), p)));
}
HWY_INLINE hn::Vec<F32> LoadFloats(const float* p) { return hn::LoadU(F32(), p); }

/// A number of 0..65535 rounded half to even into the low 16 bits of its lane, others above: adding
/// 1.5 · 2^23 leaves no bits below the point (and costs one instruction where a conversion, which
/// must care for numbers that fit no integer, costs five).
HWY_INLINE hn::Vec<I32> LowBits(hn::Vec<F32> value) {
  const F32 d;
  return hn::BitCast(I32(), hn::Add(value, hn::Set(d, 12582912.0F)));
}

template <typename T>
HWY_INLINE void StoreWhole(hn::Vec<F32> value, T* out) {
  const F32 d;
  const I32 di;
  const auto top = hn::Set(d, static_cast<float>(std::numeric_limits<T>::max()));
  const auto bits = LowBits(hn::Min(hn::Max(value, hn::Zero(d)), top));
  const auto whole = hn::And(bits, hn::Set(di, 0xFFFF));
  const hn::Rebind<T, F32> narrow;
  hn::StoreU(hn::DemoteTo(narrow, whole), narrow, out);
}

/// Round half to even to the upper half; NaN becomes a quiet NaN.
HWY_INLINE void StoreBf16(hn::Vec<F32> value, std::uint16_t* out) {
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

/// The same steps as to_f16 in half.hpp, for all lanes.
HWY_INLINE void StoreF16(hn::Vec<F32> value, std::uint16_t* out) {
  const F32 df;
  const U32 d;
  const auto bits = hn::BitCast(d, value);
  const auto sign = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 0x8000U));
  const auto magnitude = hn::And(bits, hn::Set(d, 0x7FFFFFFFU));
  const auto odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(d, 1U));
  const auto rounded = hn::Add(hn::Add(magnitude, hn::Set(d, 0xFFFU)), odd);
  const auto normal = hn::ShiftRight<13>(hn::Sub(rounded, hn::Set(d, 0x38000000U)));
  // Adding ½ shifts a subnormal's bits to the bottom of the mantissa, rounded by the hardware.
  const auto shifted = hn::Add(hn::BitCast(df, magnitude), hn::Set(df, 0.5F));
  const auto subnormal = hn::Sub(hn::BitCast(d, shifted), hn::Set(d, 0x3F000000U));
  const I32 di;  // magnitudes are below 2^31: signed comparisons are right
  const auto signed_magnitude = hn::BitCast(di, magnitude);
  const auto is_small = hn::Lt(signed_magnitude, hn::Set(di, 0x38800000));
  const auto is_large = hn::Gt(signed_magnitude, hn::Set(di, 0x477FFFFF));
  const auto is_nan = hn::Gt(signed_magnitude, hn::Set(di, 0x7F800000));
  auto half = hn::IfThenElse(hn::RebindMask(d, is_small), subnormal, normal);
  half = hn::IfThenElse(hn::RebindMask(d, is_large), hn::Set(d, 0x7C00U), half);
  half = hn::IfThenElse(hn::RebindMask(d, is_nan), hn::Set(d, 0x7E00U), half);
  hn::StoreU(hn::DemoteTo(Narrow16(), hn::BitCast(di, hn::Or(half, sign))), Narrow16(), out);
}

template <ToneType kType>
HWY_INLINE void StoreAs(hn::Vec<F32> value, void* out, std::size_t i) {
  if constexpr (kType == ToneType::f32) {
    hn::StoreU(value, F32(), static_cast<float*>(out) + i);
  } else if constexpr (kType == ToneType::u8) {
    StoreWhole(value, static_cast<std::uint8_t*>(out) + i);
  } else if constexpr (kType == ToneType::u16) {
    StoreWhole(value, static_cast<std::uint16_t*>(out) + i);
  } else if constexpr (kType == ToneType::bf16) {
    StoreBf16(value, static_cast<std::uint16_t*>(out) + i);
  } else {
    StoreF16(value, static_cast<std::uint16_t*>(out) + i);
  }
}

template <typename T>
HWY_INLINE hn::Vec<F32> Map(const T* p, const ToneLine& line) {
  const F32 d;
  const auto value = LoadFloats(p);
  const auto mapped = hn::MulAdd(hn::Sub(value, hn::Set(d, line.base)), hn::Set(d, line.scale),
                                 hn::Set(d, line.offset));
  const auto clipped = hn::Min(hn::Max(mapped, hn::Set(d, line.lo)), hn::Set(d, line.hi));
  if constexpr (sizeof(T) < sizeof(float)) {
    return clipped;  // integers and a finite line give no NaN
  } else {
    return hn::IfThenElse(hn::IsNaN(mapped), hn::Set(d, line.fill), clipped);
  }
}

#if HWY_TARGET != HWY_SCALAR
/// uint16 to uint8 without shuffles until the last step: a 32-bit lane holds two counts, and gets
/// two levels. Only for bounds within 0..255, which settled_line sees to.
///
/// With kInside the counts are first brought inside of `reach`, sixteen bits each: clipping the
/// results then costs nothing, since it happens on narrowing.
template <bool kInside>
HWY_INLINE std::size_t LineToBytes(const std::uint16_t* HWY_RESTRICT p, std::size_t n,
                                   const ToneLine& line, CountReach reach,
                                   std::uint8_t* HWY_RESTRICT out) {
  const F32 d;
  const U32 du;
  const hn::Repartition<std::uint16_t, F32> d16;
  const hn::Repartition<std::int16_t, F32> ds16;
  const hn::Rebind<std::uint8_t, decltype(d16)> d8;
  const auto scale = hn::Set(d, line.scale);
  const auto offset = hn::Set(d, line.offset);
  const auto base = hn::Set(d, line.base);
  const auto lo = hn::Set(d, line.lo);
  const auto hi = hn::Set(d, line.hi);
  const auto least = hn::Set(d16, reach.lo);
  const auto most = hn::Set(d16, reach.hi);
  const auto level = [&](hn::Vec<U32> count) {
    const auto value = hn::ConvertTo(d, hn::BitCast(I32(), count));
    const auto mapped = hn::MulAdd(hn::Sub(value, base), scale, offset);
    return hn::BitCast(d16, LowBits(kInside ? mapped : hn::Min(hn::Max(mapped, lo), hi)));
  };
  const std::size_t step = hn::Lanes(d16);
  std::size_t i = 0;
  for (; i + step <= n; i += step) {
    auto counts = hn::LoadU(d16, p + i);
    if constexpr (kInside) counts = hn::Min(hn::Max(counts, least), most);
    const auto pairs = hn::BitCast(du, counts);
    const auto even = level(hn::And(pairs, hn::Set(du, 0xFFFFU)));
    const auto odd = hn::BitCast(du, level(hn::ShiftRight<16>(pairs)));
    const auto both = hn::OddEven(hn::BitCast(d16, hn::ShiftLeft<16>(odd)), even);
    hn::StoreU(hn::DemoteTo(d8, hn::BitCast(ds16, both)), d8, out + i);
  }
  return i;
}
#endif

template <typename T, ToneType kType>
void Line(const void* in, std::size_t n, const ToneLine& line, void* out) {
  const T* HWY_RESTRICT p = static_cast<const T*>(in);
  const std::size_t lanes = hn::Lanes(F32());
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  if constexpr (kType == ToneType::u8 && std::is_same_v<T, std::uint16_t>) {
    CountReach reach;
    auto* bytes = static_cast<std::uint8_t*>(out);
    i = n >= kWorthReach && count_reach(line, &reach)
            ? LineToBytes<true>(p, n, line, reach, bytes)
            : LineToBytes<false>(p, n, line, reach, bytes);
  }
#endif
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const auto a = Map(p + i, line);
    const auto b = Map(p + i + lanes, line);
    StoreAs<kType>(a, out, i);
    StoreAs<kType>(b, out, i + lanes);
  }
  if (i + lanes <= n) {
    StoreAs<kType>(Map(p + i, line), out, i);
    i += lanes;
  }
  if (i == n) return;
  // The rest goes through a padded block, so that its arithmetic is the same.
  constexpr std::size_t kMost = HWY_MAX_BYTES / sizeof(float);
  HWY_ALIGN T from[kMost] = {};
  HWY_ALIGN float to[kMost];
  std::copy_n(p + i, n - i, from);
  StoreAs<kType>(Map(static_cast<const T*>(from), line), to, 0);
  constexpr std::size_t kItem = kType == ToneType::f32 ? 4 : (kType == ToneType::u8 ? 1 : 2);
  std::copy_n(reinterpret_cast<const std::uint8_t*>(to), (n - i) * kItem,
              static_cast<std::uint8_t*>(out) + i * kItem);
}

/// Line to float32 past the caches: a stored line of the cache is neither read first nor kept.
template <typename T>
void StreamLine(const void* in, std::size_t n, const ToneLine& line, void* out) {
  const T* HWY_RESTRICT p = static_cast<const T*>(in);
  auto* to = static_cast<float*>(out);
  const std::size_t lanes = hn::Lanes(F32());
  // Vectors are stored where the output is aligned for them; the ends go the usual way.
  const std::size_t past = reinterpret_cast<std::uintptr_t>(to) / sizeof(float) % lanes;
  std::size_t i = std::min(n, past == 0 ? 0 : lanes - past);
  Line<T, ToneType::f32>(p, i, line, to);
  for (; i + lanes <= n; i += lanes) hn::Stream(Map(p + i, line), F32(), to + i);
  hwy::FlushStream();
  Line<T, ToneType::f32>(p + i, n - i, line, to + i);
}

#if HWY_TARGET != HWY_SCALAR
HWY_INLINE std::uint64_t SumLanes(hn::Vec<hn::ScalableTag<std::uint64_t>> v) {
  const hn::ScalableTag<std::uint64_t> d;
  HWY_ALIGN std::uint64_t lanes[HWY_MAX_BYTES / sizeof(std::uint64_t)];
  hn::Store(v, d, lanes);
  std::uint64_t total = 0;
  for (std::size_t k = 0; k < hn::Lanes(d); ++k) total += lanes[k];
  return total;
}

/// Even and odd 32-bit lanes of `v`, added as 64-bit numbers.
HWY_INLINE hn::Vec<hn::ScalableTag<std::uint64_t>> Widen(hn::Vec<U32> v) {
  const hn::ScalableTag<std::uint64_t> d;
  const auto wide = hn::BitCast(d, v);
  return hn::Add(hn::And(wide, hn::Set(d, 0xFFFFFFFFULL)), hn::ShiftRight<32>(wide));
}

#endif

template <typename T>
void Sums(const T* HWY_RESTRICT p, std::size_t n, RunSums* sums) {
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR  // which has no pairs of lanes
  const U32 d;
  const hn::ScalableTag<std::uint64_t> d64;
  const hn::Rebind<T, U32> narrow;
  const std::size_t lanes = hn::Lanes(d);
  // A lane's plain sum stays in 32 bits for this many blocks; squares are widened at once.
  const std::size_t most = std::size_t{1} << (32 - 8 * sizeof(T));
  auto total = hn::Zero(d64);
  auto squares = hn::Zero(d64);
  while (i + lanes <= n) {
    const std::size_t blocks = std::min(most, (n - i) / lanes);
    auto part = hn::Zero(d);
    for (std::size_t k = 0; k < blocks; ++k, i += lanes) {
      const auto v = hn::PromoteTo(d, hn::LoadU(narrow, p + i));
      part = hn::Add(part, v);
      squares = hn::Add(squares, Widen(hn::Mul(v, v)));
    }
    total = hn::Add(total, Widen(part));
  }
  sums->sum += SumLanes(total);
  sums->squares += SumLanes(squares);
#endif
  for (; i < n; ++i) {
    const std::uint64_t v = p[i];
    sums->sum += v;
    sums->squares += v * v;
  }
}

const RadiometryKernels* RadiometryTable() {
  using U8 = std::uint8_t;
  using U16 = std::uint16_t;
  static const RadiometryKernels table{
      hwy::TargetName(HWY_TARGET),
      {Line<U8, ToneType::u8>, Line<U8, ToneType::u16>, Line<U8, ToneType::f16>,
       Line<U8, ToneType::bf16>, Line<U8, ToneType::f32>},
      {Line<U16, ToneType::u8>, Line<U16, ToneType::u16>, Line<U16, ToneType::f16>,
       Line<U16, ToneType::bf16>, Line<U16, ToneType::f32>},
      {Line<float, ToneType::u8>, Line<float, ToneType::u16>, Line<float, ToneType::f16>,
       Line<float, ToneType::bf16>, Line<float, ToneType::f32>},
      StreamLine<U8>,
      StreamLine<U16>,
      Sums<U8>,
      Sums<U16>};
  return &table;
}

}  // namespace irtd::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace irtd::detail {

HWY_EXPORT(RadiometryTable);

const RadiometryKernels& radiometry_kernels() {
  static const RadiometryKernels* const best = HWY_DYNAMIC_DISPATCH(RadiometryTable)();
  return *best;
}

std::vector<const RadiometryKernels*> all_radiometry_kernels() {
  radiometry_kernels();  // fixed before the targets are narrowed down
  return tables_of_all_targets(scalar_radiometry_kernels(),
                               [] { return HWY_DYNAMIC_DISPATCH(RadiometryTable)(); });
}

}  // namespace irtd::detail
#endif  // HWY_ONCE

#endif  // IRTD_HAVE_HIGHWAY
