// float32 to the two 16-bit floats, rounded half to even, in integer arithmetic.
#pragma once

#include <cstdint>
#include <cstring>

namespace irtd::detail {

inline std::uint32_t float_bits(float value) noexcept {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// bfloat16: the upper half. A NaN stays a quiet NaN.
inline std::uint16_t to_bf16(float value) noexcept {
  const std::uint32_t bits = float_bits(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) {
    return static_cast<std::uint16_t>((bits >> 16U) | 0x40U);
  }
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U);
}

/// IEEE 754 binary16; too large values become infinity, subnormals are kept.
inline std::uint16_t to_f16(float value) noexcept {
  const std::uint32_t bits = float_bits(value);
  const std::uint32_t sign = (bits >> 16U) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return static_cast<std::uint16_t>(sign | 0x7E00U);
  if (magnitude >= 0x47800000U) return static_cast<std::uint16_t>(sign | 0x7C00U);  // 2^16
  if (magnitude < 0x38800000U) {                                                    // 2^-14
    if (magnitude < 0x33000000U) return static_cast<std::uint16_t>(sign);           // below 2^-25
    const std::uint32_t shift = 126U - (magnitude >> 23U);
    const std::uint32_t mantissa = (magnitude & 0x7FFFFFU) | 0x800000U;
    const std::uint32_t half = 1U << (shift - 1U);
    const std::uint32_t odd = (mantissa >> shift) & 1U;
    return static_cast<std::uint16_t>(sign | ((mantissa + half - 1U + odd) >> shift));
  }
  const std::uint32_t rounded = magnitude + 0xFFFU + ((magnitude >> 13U) & 1U);
  return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000U) >> 13U));
}

}  // namespace irtd::detail
