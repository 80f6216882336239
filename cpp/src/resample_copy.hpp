// When a value can be taken as it is, and what stands beyond the picture then.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "resample_paths.hpp"

namespace irtd::detail {

/// A place that no picture has.
inline constexpr std::ptrdiff_t kBeyond = std::numeric_limits<std::ptrdiff_t>::min();

template <typename T>
constexpr PixelType type_of() noexcept {
  if (std::is_same_v<T, std::uint8_t>) return PixelType::u8;
  if (std::is_same_v<T, std::uint16_t>) return PixelType::u16;
  return std::is_same_v<T, float> ? PixelType::f32 : PixelType::i32;
}

/// Whether every value goes through unchanged, its channels in their places.
template <typename T>
bool keeps_values(const Request<T>& request) noexcept {
  const ResampleOptions& o = request.options;
  const bool type = request.type == type_of<T>() && o.tone == nullptr;
  const bool channels = request.src.channels() == request.out_channels &&
                        (request.out_channels == 1 || o.layout == Layout::hwc);
  bool affine = o.base == 0;
  for (std::size_t c = 0; c < static_cast<std::size_t>(request.out_channels); ++c) {
    affine = affine && o.scale[c] == 1 && o.offset[c] == 0;
  }
  const auto lo = static_cast<double>(o.lo_clip);
  const auto hi = static_cast<double>(o.hi_clip);
  const bool clip = lo <= static_cast<double>(std::numeric_limits<T>::lowest()) &&
                    hi >= static_cast<double>(std::numeric_limits<T>::max());
  const bool infinite = !std::is_same_v<T, float> || (std::isinf(lo) && std::isinf(hi));
  return type && channels && affine && clip && infinite;
}

/// The constant of the border as a value of the type: rounded and saturated.
template <typename T>
T border_pixel(const ResampleOptions& options) noexcept {
  if constexpr (std::is_same_v<T, float>) {
    return options.border_value;
  } else {
    const double value = std::nearbyint(double{options.border_value});
    return static_cast<T>(std::clamp(value, double{std::numeric_limits<T>::lowest()},
                                     double{std::numeric_limits<T>::max()}));
  }
}

template <typename T>
float toned(const float* tone, T value) noexcept {
  if constexpr (sizeof(T) <= 2) {
    return tone == nullptr ? static_cast<float>(value) : tone[value];
  } else {
    return static_cast<float>(value);
  }
}

}  // namespace irtd::detail
