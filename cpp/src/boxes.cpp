#include "irtd/boxes.hpp"

#include <algorithm>
#include <cmath>

#include "frame.hpp"
#include "irtd/error.hpp"

namespace irtd {
namespace {

using detail::fate_of;
using detail::kMaxFloat;
using detail::kTolerance;

struct Hull {
  double x0;
  double y0;
  double x1;
  double y1;
};

/// Bounds of a x + b y + c over a box; with b = 0 (or a = 0) two of the corners suffice.
template <bool Straight>
void map_axis(const double m[3], const float* box, double* low, double* high) noexcept {
  if constexpr (Straight) {
    const double u = m[0] * double{box[0]} + m[1] * double{box[1]} + m[2];
    const double v = m[0] * double{box[2]} + m[1] * double{box[3]} + m[2];
    *low = std::min(u, v);
    *high = std::max(u, v);
  } else {
    const double a = m[0] * double{box[0]} + m[1] * double{box[1]} + m[2];
    const double b = m[0] * double{box[2]} + m[1] * double{box[1]} + m[2];
    const double c = m[0] * double{box[0]} + m[1] * double{box[3]} + m[2];
    const double d = m[0] * double{box[2]} + m[1] * double{box[3]} + m[2];
    *low = std::min(std::min(a, b), std::min(c, d));
    *high = std::max(std::max(a, b), std::max(c, d));
  }
}

template <bool Straight>
Hull map_box(const float* box, const double m[6]) noexcept {
  Hull h;
  map_axis<Straight>(m, box, &h.x0, &h.x1);
  map_axis<Straight>(m + 3, box, &h.y0, &h.y1);
  return h;
}

/// Whether all four are finite.
bool is_finite(const float* v) noexcept {
  // x - x is 0 for a number and NaN for infinity and NaN.
  return ((v[0] - v[0]) + (v[1] - v[1])) + ((v[2] - v[2]) + (v[3] - v[3])) == 0.0F;
}

/// Whether the hull can be written as float32 edges; false for NaN.
bool fits_float(const Hull& h) noexcept {
  return h.x0 >= -kMaxFloat && h.y0 >= -kMaxFloat && h.x1 <= kMaxFloat && h.y1 <= kMaxFloat;
}

Hull clip(const Hull& h, double width, double height) noexcept {
  return {std::min(std::max(h.x0, 0.0), width), std::min(std::max(h.y0, 0.0), height),
          std::min(std::max(h.x1, 0.0), width), std::min(std::max(h.y1, 0.0), height)};
}

bool is_inside(const Hull& h, double width, double height) noexcept {
  // Not &&: four comparisons cost less than one branch that is guessed wrong.
  return (h.x0 >= -kTolerance) & (h.y0 >= -kTolerance) & (h.x1 <= width + kTolerance) &
         (h.y1 <= height + kTolerance);
}

/// Share of [begin, end] inside [0, size]; a point is wholly inside or not at all.
double share_inside(double begin, double end, double size) noexcept {
  if (end > begin) {
    return std::max(0.0, std::min(end, size) - std::max(begin, 0.0)) / (end - begin);
  }
  return begin >= 0 && begin <= size ? 1.0 : 0.0;
}

void store(const Hull& h, float* out) noexcept {
  out[0] = static_cast<float>(h.x0);
  out[1] = static_cast<float>(h.y0);
  out[2] = static_cast<float>(h.x1);
  out[3] = static_cast<float>(h.y1);
}

template <bool Straight>
std::size_t remap_all(Span<const float> boxes, const double m[6], const BoxOptions& options,
                      const Remapped& out) {
  const double width = options.width;
  const double height = options.height;
  const bool keep = options.policy == BoxPolicy::keep;
  std::size_t count = 0;
  for (std::size_t i = 0; i < boxes.size() / 4; ++i) {
    const float* box = boxes.data() + 4 * i;
    const Hull hull = map_box<Straight>(box, m);
    Fate fate = Fate::kept;
    if (!is_finite(box) || !fits_float(hull)) {
      fate = Fate::not_finite;
    } else if (box[2] < box[0] || box[3] < box[1]) {
      fate = Fate::malformed;
    } else {
      const Hull cut = clip(hull, width, height);
      const bool inside = is_inside(hull, width, height);
      const double share =
          inside ? 1.0
                 : share_inside(hull.x0, hull.x1, width) * share_inside(hull.y0, hull.y1, height);
      fate = fate_of({share, inside, cut.x1 - cut.x0, cut.y1 - cut.y0}, options);
      if (detail::stays(fate)) {
        store(keep ? hull : cut, out.values + 4 * count);
        out.kept[count] = static_cast<std::int64_t>(i);
        out.visible[count] = static_cast<float>(share);
        ++count;
      }
    }
    out.fates[i] = static_cast<std::uint8_t>(fate);
  }
  return count;
}

/// Moves a coordinate that misses [0, size) by the tolerance into it; false if it misses by more.
bool settle(double* v, int size) noexcept {
  const auto last = static_cast<double>(std::nextafter(static_cast<float>(size), 0.0F));
  if (!(*v >= -kTolerance && *v <= size + kTolerance)) return false;
  *v = std::min(std::max(*v, 0.0), last);
  return true;
}

Fate map_point(const float* point, const double m[6], const BoxOptions& options, double at[2],
               bool* inside) noexcept {
  const double px = double{point[0]};
  const double py = double{point[1]};
  at[0] = m[0] * px + m[1] * py + m[2];
  at[1] = m[3] * px + m[4] * py + m[5];
  const bool finite = std::isfinite(point[0]) && std::isfinite(point[1]) &&
                      std::fabs(at[0]) <= kMaxFloat && std::fabs(at[1]) <= kMaxFloat;
  if (!finite) return Fate::not_finite;
  double moved[2] = {at[0], at[1]};
  *inside = settle(moved, options.width) && settle(moved + 1, options.height);
  if (options.policy == BoxPolicy::keep) return Fate::kept;
  at[0] = moved[0];
  at[1] = moved[1];
  return *inside ? Fate::kept : Fate::outside;
}

}  // namespace

void require_box_options(const BoxOptions& options) {
  IRTD_REQUIRE(options.height > 0 && options.width > 0, "the output frame has positive sides");
  IRTD_REQUIRE(options.min_visible >= 0 && options.min_visible <= 1,
               "min_visible is a fraction from 0 to 1");
  IRTD_REQUIRE(options.min_size >= 0 && std::isfinite(options.min_size),
               "min_size is a number of pixels, not negative");
}

std::size_t remap_boxes(Span<const float> boxes, const double matrix[6], const BoxOptions& options,
                        const Remapped& out) {
  const double* m = matrix;
  const bool straight = (m[1] == 0 && m[3] == 0) || (m[0] == 0 && m[4] == 0);
  return straight ? remap_all<true>(boxes, m, options, out)
                  : remap_all<false>(boxes, m, options, out);
}

std::size_t remap_points(Span<const float> points, const double matrix[6],
                         const BoxOptions& options, const Remapped& out) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < points.size() / 2; ++i) {
    double at[2];
    bool inside = false;
    const Fate fate = map_point(points.data() + 2 * i, matrix, options, at, &inside);
    out.fates[i] = static_cast<std::uint8_t>(fate);
    if (!detail::stays(fate)) continue;
    out.values[2 * count] = static_cast<float>(at[0]);
    out.values[2 * count + 1] = static_cast<float>(at[1]);
    out.kept[count] = static_cast<std::int64_t>(i);
    out.visible[count] = inside ? 1.0F : 0.0F;
    ++count;
  }
  return count;
}

}  // namespace irtd
