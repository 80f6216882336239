// The inner loops of frame effects in plain C++. Each statement is one operation of the vector
// code, in its order: the results are the same bits.
#include <cmath>
#include <cstring>

#include "photometric_kernels.hpp"

namespace irtd::detail {
namespace {

float float_of(std::uint32_t bits) noexcept {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

std::uint32_t bits_of(float value) noexcept {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

std::uint32_t mix(std::uint32_t x) noexcept {
  x = (x ^ (x >> 16)) * 0x21F0AAADU;
  x = (x ^ (x >> 15)) * 0xD35A2D97U;
  return x ^ (x >> 15);
}

/// Natural logarithm of a positive normal number: the series of the inverse hyperbolic tangent on
/// the mantissa in [√½, √2), relative error below 1e-6.
float log_of(float x) noexcept {
  // Moves the break of the exponent to √½, so that the mantissa is around 1.
  const std::uint32_t moved = bits_of(x) - 0x3F3504F3U;
  const auto exponent = static_cast<float>(static_cast<std::int32_t>(moved) >> 23);
  const float mantissa = float_of((moved & 0x007FFFFFU) + 0x3F3504F3U);
  const float s = (mantissa - 1.0F) / (mantissa + 1.0F);
  const float q = s * s;
  float series = q * 0.22222222F;
  series = (series + 0.28571429F) * q;
  series = (series + 0.4F) * q;
  series = (series + 0.66666667F) * q;
  series = series + 2.0F;
  return series * s + exponent * 0.69314718F;
}

/// 2 to the power of x in [−126, 0], relative error below 1e-6.
float exp2_of(float x) noexcept {
  const float rounded = (x + 0x1.8p23F) - 0x1.8p23F;
  const float f = x - rounded;
  float series = f * 1.5403530e-4F;
  series = (series + 1.3333558e-3F) * f;
  series = (series + 9.6181291e-3F) * f;
  series = (series + 5.5504109e-2F) * f;
  series = (series + 0.24022651F) * f;
  series = (series + 0.69314718F) * f;
  series = series + 1.0F;
  const auto whole = static_cast<std::int32_t>(rounded);
  return series * float_of(static_cast<std::uint32_t>(whole + 127) << 23);
}

float clamp_share(float x) noexcept {
  x = x < 0.0F ? 0.0F : x;
  return x > 1.0F ? 1.0F : x;
}

float power(float x, float gamma) noexcept {
  const float share = clamp_share(x);
  float y = (log_of(share) * 1.4426950F) * gamma;
  y = y < -126.0F ? -126.0F : y;
  y = y > 0.0F ? 0.0F : y;
  const float result = share < 1e-37F ? 0.0F : exp2_of(y);
  return x == x ? result : x;
}

void gaussians(HashKey key, std::uint32_t first, std::size_t n, float* one, float* other) {
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t counter = first + static_cast<std::uint32_t>(i);
    const std::uint32_t a = hash_bits(key, counter);
    const std::uint32_t b = hash_bits(key, counter | kSecondCounter);
    const float u = (static_cast<float>(a >> 9) + 0.5F) * 0x1p-23F;
    const float length = std::sqrt(log_of(u) * -2.0F);
    // An angle within an eighth of the circle, and three bits that say which one.
    const float angle = (static_cast<float>(b >> 9) + 0.5F) * (0.78539816F * 0x1p-23F);
    const float q = angle * angle;
    float sine = q * -1.9841270e-4F;
    sine = (sine + 8.3333333e-3F) * q;
    sine = (sine + -0.16666667F) * q;
    sine = (sine + 1.0F) * angle;
    float cosine = q * 2.4801587e-5F;
    cosine = (cosine + -1.3888889e-3F) * q;
    cosine = (cosine + 4.1666667e-2F) * q;
    cosine = (cosine + -0.5F) * q;
    cosine = cosine + 1.0F;
    const bool swapped = (b & 1U) != 0;
    const float x = length * (swapped ? sine : cosine);
    const float y = length * (swapped ? cosine : sine);
    one[i] = float_of(bits_of(x) ^ ((b << 30) & 0x80000000U));
    other[i] = float_of(bits_of(y) ^ ((b << 29) & 0x80000000U));
  }
}

void add_noise(float* x, const float* z, std::size_t n, NoiseModel model, const float* columns,
               float row) {
  for (std::size_t i = 0; i < n; ++i) {
    float value = x[i];
    if (z != nullptr) {
      const float positive = value > 0.0F ? value : 0.0F;
      value = value + z[i] * std::sqrt(positive * model.per_value + model.constant);
    }
    if (columns != nullptr) value = value + (columns[i] + row);
    x[i] = value;
  }
}

void tone(float* x, std::size_t n, const ToneModel& model) {
  for (std::size_t i = 0; i < n; ++i) {
    float value = x[i] * model.gain + model.offset;
    if (model.gamma != 1.0F) value = power(value, model.gamma);
    value = value * model.scale + model.shift;
    x[i] = model.clip ? clamp_share(value) : value;
  }
}

void blur_across(const float* in, const float* taps, std::size_t radius, std::size_t n,
                 float* out) {
  for (std::size_t i = 0; i < n; ++i) {
    const float* centre = in + i;
    float sum = centre[0] * taps[0];
    for (std::size_t k = 1; k <= radius; ++k) {
      sum = sum + (*(centre - k) + centre[k]) * taps[k];
    }
    out[i] = sum;
  }
}

void blur_down(const float* const* rows, const float* taps, std::size_t radius, std::size_t n,
               float* out) {
  for (std::size_t i = 0; i < n; ++i) {
    float sum = rows[radius][i] * taps[0];
    for (std::size_t k = 1; k <= radius; ++k) {
      sum = sum + (rows[radius - k][i] + rows[radius + k][i]) * taps[k];
    }
    out[i] = sum;
  }
}

}  // namespace

std::uint32_t hash_bits(HashKey key, std::uint32_t counter) noexcept {
  const std::uint32_t x = mix(counter * 0x9E3779B9U + key.first);
  return mix(x + key.second);
}

const PhotometricKernels& scalar_photometric_kernels() {
  static const PhotometricKernels table{"scalar", gaussians,   add_noise,
                                        tone,     blur_across, blur_down};
  return table;
}

#ifndef IRTD_HAVE_HIGHWAY
const PhotometricKernels& photometric_kernels() { return scalar_photometric_kernels(); }

std::vector<const PhotometricKernels*> all_photometric_kernels() {
  return {&scalar_photometric_kernels()};
}
#endif

}  // namespace irtd::detail
