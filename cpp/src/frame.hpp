// What axis-aligned boxes, corners, polygons and points have in common when a frame cuts them.
#pragma once

#include <limits>

#include "irtd/boxes.hpp"

namespace irtd::detail {

// Rounding of float32 coordinates in a frame of some thousand pixels is of this order.
constexpr double kTolerance = 1e-3;
constexpr double kMaxFloat = std::numeric_limits<float>::max();

/// How a shape lies in the frame.
struct Sight {
  double visible;  ///< share of it inside
  bool inside;     ///< wholly, up to the tolerance
  double width;    ///< sides of the visible part
  double height;
};

/// The one place that decides: stays (kept, clipped), or goes and why.
inline Fate fate_of(const Sight& sight, const BoxOptions& options) noexcept {
  // As float32, the form in which it is reported: a clipped box must not claim to be invisible.
  const bool gone = !(static_cast<float>(sight.visible) > 0);
  if (sight.visible < options.min_visible) return gone ? Fate::outside : Fate::hidden;
  if (sight.width < options.min_size || sight.height < options.min_size) {
    return gone ? Fate::outside : Fate::small;
  }
  if (sight.inside || options.policy == BoxPolicy::keep) return Fate::kept;
  if (gone) return Fate::outside;
  return options.policy == BoxPolicy::drop ? Fate::cut : Fate::clipped;
}

/// Whether a fate means that the shape stays.
inline bool stays(Fate fate) noexcept { return fate <= Fate::clipped; }

}  // namespace irtd::detail
