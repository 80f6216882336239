// Positions along a line and the mixing of four neighbours; included once per SIMD target
// (Highway's -inl convention).
#if defined(IRTD_KERNELS_WARP_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef IRTD_KERNELS_WARP_INL_HPP_
#undef IRTD_KERNELS_WARP_INL_HPP_
#else
#define IRTD_KERNELS_WARP_INL_HPP_
#endif

#include <algorithm>

#include "kernels_floats-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace irtd::detail::HWY_NAMESPACE {

/// Lane k of 32.32 positions base + k · delta, as whole parts and fractions.
struct LaneSteps {
  HWY_ALIGN std::int32_t whole[hn::MaxLanes(F32())];
  HWY_ALIGN std::uint32_t part[hn::MaxLanes(F32())];

  LaneSteps(std::int64_t delta, std::size_t lanes) {
    for (std::size_t k = 0; k < lanes; ++k) {
      const auto moved =
          static_cast<std::uint64_t>(delta) * static_cast<std::uint64_t>(k);  // wraps as intended
      whole[k] = static_cast<std::int32_t>(static_cast<std::int64_t>(moved) >> 32);
      part[k] = static_cast<std::uint32_t>(moved);
    }
  }
};

/// Adds a base to the steps of the lanes, with carry.
HWY_INLINE void Advance(const LaneSteps& steps, std::int64_t base, hn::Vec<I32>& whole,
                        VF& weight) {
  const I32 di;
  const U32 du;
  const F32 d;
  const auto low = hn::Set(du, static_cast<std::uint32_t>(static_cast<std::uint64_t>(base)));
  const auto high = hn::Set(di, static_cast<std::int32_t>(base >> 32));
  const auto part = hn::Add(hn::Load(du, steps.part), low);
  // Unsigned part < low by signed comparison of the values moved by 2^31: then it wrapped.
  const auto flip = hn::Set(du, 0x80000000U);
  const auto carry =
      hn::Lt(hn::BitCast(di, hn::Xor(part, flip)), hn::BitCast(di, hn::Xor(low, flip)));
  const auto sum = hn::Add(hn::Load(di, steps.whole), high);
  whole = hn::Sub(sum, hn::VecFromMask(di, carry));  // a true lane is −1
  weight =
      hn::Mul(hn::ConvertTo(d, hn::BitCast(di, hn::ShiftRight<8>(part))), hn::Set(d, 0x1p-24F));
}

void Places(const LinePositions& line, std::size_t n, std::int32_t* HWY_RESTRICT place,
            float* HWY_RESTRICT wx, float* HWY_RESTRICT wy) {
  const F32 d;
  const I32 di;
  const std::size_t lanes = hn::Lanes(d);
  const LaneSteps x_steps(line.dx, lanes);
  const LaneSteps y_steps(line.dy, lanes);
  const auto stride = hn::Set(di, line.stride);
  const auto step = hn::Set(di, line.step);
  HWY_ALIGN std::int32_t place_rest[hn::MaxLanes(F32())];
  HWY_ALIGN float wx_rest[hn::MaxLanes(F32())];
  HWY_ALIGN float wy_rest[hn::MaxLanes(F32())];
  for (std::size_t i = 0; i < n; i += lanes) {
    hn::Vec<I32> x;
    hn::Vec<I32> y;
    VF weight_x;
    VF weight_y;
    const auto at = static_cast<std::int64_t>(i);
    Advance(x_steps, line.x + at * line.dx, x, weight_x);
    Advance(y_steps, line.y + at * line.dy, y, weight_y);
    const auto to = hn::Add(hn::Mul(y, stride), hn::Mul(x, step));
    if (i + lanes <= n) {
      hn::StoreU(to, di, place + i);
      hn::StoreU(weight_x, d, wx + i);
      hn::StoreU(weight_y, d, wy + i);
    } else {
      hn::Store(to, di, place_rest);
      hn::Store(weight_x, d, wx_rest);
      hn::Store(weight_y, d, wy_rest);
      std::copy_n(place_rest, n - i, place + i);
      std::copy_n(wx_rest, n - i, wx + i);
      std::copy_n(wy_rest, n - i, wy + i);
    }
  }
}

HWY_INLINE VF Between(VF a, VF b, VF weight) { return hn::MulAdd(hn::Sub(b, a), weight, a); }

/// Four neighbours of every lane.
struct Corners {
  VF top_left, top_right, bottom_left, bottom_right;
};

/// The values in the two halves of each word (little-endian).
template <int kBits>
HWY_INLINE VF LowerHalf(hn::Vec<U32> word) {
  const U32 du;
  const auto mask = hn::Set(du, (1U << kBits) - 1U);
  return hn::ConvertTo(F32(), hn::BitCast(I32(), hn::And(word, mask)));
}
template <int kShift>
HWY_INLINE VF Upper(hn::Vec<U32> word) {
  return hn::ConvertTo(F32(), hn::BitCast(I32(), hn::ShiftRight<kShift>(word)));
}

HWY_INLINE Corners Unpack(const std::uint32_t* quads) {
  const auto word = hn::LoadU(U32(), quads);
  return {LowerHalf<8>(word), LowerHalf<8>(hn::ShiftRight<8>(word)),
          LowerHalf<8>(hn::ShiftRight<16>(word)), Upper<24>(word)};
}
HWY_INLINE Corners Unpack(const std::uint64_t* quads) {
  const U32 du;
  hn::Vec<U32> top;
  hn::Vec<U32> bottom;
  hn::LoadInterleaved2(du, reinterpret_cast<const std::uint32_t*>(quads), top, bottom);
  return {LowerHalf<16>(top), Upper<16>(top), LowerHalf<16>(bottom), Upper<16>(bottom)};
}

HWY_INLINE VF MixCorners(const Corners& four, VF wx, VF wy) {
  const auto above = Between(four.top_left, four.top_right, wx);
  return Between(above, Between(four.bottom_left, four.bottom_right, wx), wy);
}

template <typename Word>
void Quads(const Word* HWY_RESTRICT quads, const float* HWY_RESTRICT wx,
           const float* HWY_RESTRICT wy, std::size_t n, float* HWY_RESTRICT out) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Corners four = Unpack(quads + i);
    hn::StoreU(MixCorners(four, hn::LoadU(d, wx + i), hn::LoadU(d, wy + i)), d, out + i);
  }
  if (i == n) return;
  HWY_ALIGN Word rest[hn::MaxLanes(F32())] = {};
  HWY_ALIGN float weights[2][hn::MaxLanes(F32())] = {};
  HWY_ALIGN float values[hn::MaxLanes(F32())];
  std::copy_n(quads + i, n - i, rest);
  std::copy_n(wx + i, n - i, weights[0]);
  std::copy_n(wy + i, n - i, weights[1]);
  const Corners four = Unpack(rest);
  hn::Store(MixCorners(four, hn::Load(d, weights[0]), hn::Load(d, weights[1])), d, values);
  std::copy_n(values, n - i, out + i);
}

void Pairs(const float* HWY_RESTRICT top, const float* HWY_RESTRICT bottom,
           const float* HWY_RESTRICT wx, const float* HWY_RESTRICT wy, std::size_t n,
           float* HWY_RESTRICT out) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    Corners four;
    hn::LoadInterleaved2(d, top + 2 * i, four.top_left, four.top_right);
    hn::LoadInterleaved2(d, bottom + 2 * i, four.bottom_left, four.bottom_right);
    hn::StoreU(MixCorners(four, hn::LoadU(d, wx + i), hn::LoadU(d, wy + i)), d, out + i);
  }
  const auto between = [](float a, float b, float weight) { return a + (b - a) * weight; };
  for (; i < n; ++i) {
    const float above = between(top[2 * i], top[2 * i + 1], wx[i]);
    const float below = between(bottom[2 * i], bottom[2 * i + 1], wx[i]);
    out[i] = between(above, below, wy[i]);
  }
}

}  // namespace irtd::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
