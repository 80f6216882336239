// The inner loops of frame effects in Google Highway, compiled once per SIMD target (see
// kernels_hwy.cpp). What is left of a row goes through the reference, which gives the same bits.
#ifdef IRTD_HAVE_HIGHWAY

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "photometric_hwy.cpp"
// clang-format off: the order of these two is part of Highway's interface
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

#include "all_targets.hpp"
#include "photometric_kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace irtd::detail::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
using I32 = hn::RebindToSigned<F32>;
using U32 = hn::RebindToUnsigned<F32>;
using VF = hn::Vec<F32>;
using VU = hn::Vec<U32>;

HWY_INLINE VF F(float value) { return hn::Set(F32(), value); }
HWY_INLINE VU U(std::uint32_t value) { return hn::Set(U32(), value); }

HWY_INLINE VU Mix(VU x) {
  x = hn::Mul(hn::Xor(x, hn::ShiftRight<16>(x)), U(0x21F0AAADU));
  x = hn::Mul(hn::Xor(x, hn::ShiftRight<15>(x)), U(0xD35A2D97U));
  return hn::Xor(x, hn::ShiftRight<15>(x));
}

HWY_INLINE VU HashBits(HashKey key, VU counter) {
  const VU x = Mix(hn::Add(hn::Mul(counter, U(0x9E3779B9U)), U(key.first)));
  return Mix(hn::Add(x, U(key.second)));
}

/// (a + b) · c, two operations.
HWY_INLINE VF AddMul(VF a, float b, VF c) { return hn::Mul(hn::Add(a, F(b)), c); }

HWY_INLINE VF Log(VF x) {
  const VU moved = hn::Sub(hn::BitCast(U32(), x), U(0x3F3504F3U));
  const VF exponent = hn::ConvertTo(F32(), hn::ShiftRight<23>(hn::BitCast(I32(), moved)));
  const VU bits = hn::Add(hn::And(moved, U(0x007FFFFFU)), U(0x3F3504F3U));
  const VF mantissa = hn::BitCast(F32(), bits);
  const VF s = hn::Div(hn::Sub(mantissa, F(1.0F)), hn::Add(mantissa, F(1.0F)));
  const VF q = hn::Mul(s, s);
  VF series = hn::Mul(q, F(0.22222222F));
  series = AddMul(series, 0.28571429F, q);
  series = AddMul(series, 0.4F, q);
  series = AddMul(series, 0.66666667F, q);
  series = hn::Add(series, F(2.0F));
  return hn::Add(hn::Mul(series, s), hn::Mul(exponent, F(0.69314718F)));
}

HWY_INLINE VF Exp2(VF x) {
  const VF rounded = hn::Sub(hn::Add(x, F(0x1.8p23F)), F(0x1.8p23F));
  const VF f = hn::Sub(x, rounded);
  VF series = hn::Mul(f, F(1.5403530e-4F));
  series = AddMul(series, 1.3333558e-3F, f);
  series = AddMul(series, 9.6181291e-3F, f);
  series = AddMul(series, 5.5504109e-2F, f);
  series = AddMul(series, 0.24022651F, f);
  series = AddMul(series, 0.69314718F, f);
  series = hn::Add(series, F(1.0F));
  const auto biased = hn::Add(hn::ConvertTo(I32(), rounded), hn::Set(I32(), 127));
  return hn::Mul(series, hn::BitCast(F32(), hn::ShiftLeft<23>(biased)));
}

/// By comparisons, not Min and Max: of those every target has its own idea of NaN.
HWY_INLINE VF ClampShare(VF x) {
  x = hn::IfThenElse(hn::Lt(x, F(0.0F)), F(0.0F), x);
  return hn::IfThenElse(hn::Gt(x, F(1.0F)), F(1.0F), x);
}

HWY_INLINE VF Power(VF x, float gamma) {
  const VF share = ClampShare(x);
  VF y = hn::Mul(hn::Mul(Log(share), F(1.4426950F)), F(gamma));
  y = hn::IfThenElse(hn::Lt(y, F(-126.0F)), F(-126.0F), y);
  y = hn::IfThenElse(hn::Gt(y, F(0.0F)), F(0.0F), y);
  const VF result = hn::IfThenElse(hn::Lt(share, F(1e-37F)), F(0.0F), Exp2(y));
  return hn::IfThenElse(hn::Eq(x, x), result, x);
}

/// The whole number behind the upper 23 bits, plus a half, times a factor.
HWY_INLINE VF Centred(VU bits, float factor) {
  const VF whole = hn::ConvertTo(F32(), hn::BitCast(I32(), hn::ShiftRight<9>(bits)));
  return hn::Mul(hn::Add(whole, F(0.5F)), F(factor));
}

HWY_INLINE VF Signed(VF x, VU sign) {
  return hn::BitCast(F32(), hn::Xor(hn::BitCast(U32(), x), hn::And(sign, U(0x80000000U))));
}

void Gaussians(HashKey key, std::uint32_t first, std::size_t n, float* HWY_RESTRICT one,
               float* HWY_RESTRICT other) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  VU counter = hn::Iota(U32(), first);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const VU a = HashBits(key, counter);
    const VU b = HashBits(key, hn::Or(counter, U(kSecondCounter)));
    counter = hn::Add(counter, U(static_cast<std::uint32_t>(lanes)));
    const VF length = hn::Sqrt(hn::Mul(Log(Centred(a, 0x1p-23F)), F(-2.0F)));
    const VF angle = Centred(b, 0.78539816F * 0x1p-23F);
    const VF q = hn::Mul(angle, angle);
    VF sine = hn::Mul(q, F(-1.9841270e-4F));
    sine = AddMul(sine, 8.3333333e-3F, q);
    sine = AddMul(sine, -0.16666667F, q);
    sine = AddMul(sine, 1.0F, angle);
    VF cosine = hn::Mul(q, F(2.4801587e-5F));
    cosine = AddMul(cosine, -1.3888889e-3F, q);
    cosine = AddMul(cosine, 4.1666667e-2F, q);
    cosine = AddMul(cosine, -0.5F, q);
    cosine = hn::Add(cosine, F(1.0F));
    const auto swapped = hn::RebindMask(d, hn::Eq(hn::And(b, U(1)), U(1)));
    const VF x = hn::Mul(length, hn::IfThenElse(swapped, sine, cosine));
    const VF y = hn::Mul(length, hn::IfThenElse(swapped, cosine, sine));
    hn::StoreU(Signed(x, hn::ShiftLeft<30>(b)), d, one + i);
    hn::StoreU(Signed(y, hn::ShiftLeft<29>(b)), d, other + i);
  }
  scalar_photometric_kernels().gaussians(key, first + static_cast<std::uint32_t>(i), n - i, one + i,
                                         other + i);
}

void AddNoise(float* HWY_RESTRICT x, const float* HWY_RESTRICT z, std::size_t n, NoiseModel model,
              const float* HWY_RESTRICT columns, float row) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  const VF constant = F(model.constant);
  const VF per_value = F(model.per_value);
  const VF across = F(row);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    VF value = hn::LoadU(d, x + i);
    if (z != nullptr) {
      const VF positive = hn::IfThenElseZero(hn::Gt(value, F(0.0F)), value);
      const VF deviation = hn::Sqrt(hn::Add(hn::Mul(positive, per_value), constant));
      value = hn::Add(value, hn::Mul(hn::LoadU(d, z + i), deviation));
    }
    if (columns != nullptr) value = hn::Add(value, hn::Add(hn::LoadU(d, columns + i), across));
    hn::StoreU(value, d, x + i);
  }
  scalar_photometric_kernels().add_noise(x + i, z == nullptr ? nullptr : z + i, n - i, model,
                                         columns == nullptr ? nullptr : columns + i, row);
}

void Tone(float* HWY_RESTRICT x, std::size_t n, const ToneModel& model) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  const VF gain = F(model.gain);
  const VF offset = F(model.offset);
  const VF scale = F(model.scale);
  const VF shift = F(model.shift);
  const float gamma = model.gamma;
  const bool clip = model.clip;
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    VF value = hn::Add(hn::Mul(hn::LoadU(d, x + i), gain), offset);
    if (gamma != 1.0F) value = Power(value, gamma);
    value = hn::Add(hn::Mul(value, scale), shift);
    hn::StoreU(clip ? ClampShare(value) : value, d, x + i);
  }
  scalar_photometric_kernels().tone(x + i, n - i, model);
}

void BlurAcross(const float* HWY_RESTRICT in, const float* HWY_RESTRICT taps, std::size_t radius,
                std::size_t n, float* HWY_RESTRICT out) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const float* centre = in + i;
    VF sum = hn::Mul(hn::LoadU(d, centre), F(taps[0]));
    for (std::size_t k = 1; k <= radius; ++k) {
      const VF both = hn::Add(hn::LoadU(d, centre - k), hn::LoadU(d, centre + k));
      sum = hn::Add(sum, hn::Mul(both, F(taps[k])));
    }
    hn::StoreU(sum, d, out + i);
  }
  scalar_photometric_kernels().blur_across(in + i, taps, radius, n - i, out + i);
}

void BlurDown(const float* const* HWY_RESTRICT rows, const float* HWY_RESTRICT taps,
              std::size_t radius, std::size_t n, float* HWY_RESTRICT out) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    VF sum = hn::Mul(hn::LoadU(d, rows[radius] + i), F(taps[0]));
    for (std::size_t k = 1; k <= radius; ++k) {
      const VF both =
          hn::Add(hn::LoadU(d, rows[radius - k] + i), hn::LoadU(d, rows[radius + k] + i));
      sum = hn::Add(sum, hn::Mul(both, F(taps[k])));
    }
    hn::StoreU(sum, d, out + i);
  }
  if (i == n) return;
  const float* rest[2 * kMaxBlurRadius + 1];
  for (std::size_t k = 0; k <= 2 * radius; ++k) rest[k] = rows[k] + i;
  scalar_photometric_kernels().blur_down(rest, taps, radius, n - i, out + i);
}

const PhotometricKernels* PhotometricTable() {
  static const PhotometricKernels table{
      hwy::TargetName(HWY_TARGET), Gaussians, AddNoise, Tone, BlurAcross, BlurDown};
  return &table;
}

}  // namespace irtd::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace irtd::detail {

HWY_EXPORT(PhotometricTable);

const PhotometricKernels& photometric_kernels() {
  static const PhotometricKernels* const best = HWY_DYNAMIC_DISPATCH(PhotometricTable)();
  return *best;
}

std::vector<const PhotometricKernels*> all_photometric_kernels() {
  photometric_kernels();  // fixed before the targets are narrowed down
  return tables_of_all_targets(scalar_photometric_kernels(),
                               [] { return HWY_DYNAMIC_DISPATCH(PhotometricTable)(); });
}

}  // namespace irtd::detail
#endif  // HWY_ONCE

#endif  // IRTD_HAVE_HIGHWAY
