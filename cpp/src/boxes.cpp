#include "irtd/boxes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "irtd/error.hpp"

namespace irtd {
namespace {

// Rounding of float32 coordinates in a frame of some thousand pixels is of this order.
constexpr double kTolerance = 1e-3;

struct Hull {
  double x0;
  double y0;
  double x1;
  double y1;
};

bool is_box(const float* box) noexcept {
  return std::isfinite(box[0]) && std::isfinite(box[1]) && std::isfinite(box[2]) &&
         std::isfinite(box[3]) && box[2] >= box[0] && box[3] >= box[1];
}

Hull map_box(const float* box, const double m[6]) noexcept {
  std::array<double, 4> x{};
  std::array<double, 4> y{};
  for (std::size_t corner = 0; corner < 4; ++corner) {
    const double px = box[corner % 2 == 0 ? 0 : 2];
    const double py = box[corner < 2 ? 1 : 3];
    x[corner] = m[0] * px + m[1] * py + m[2];
    y[corner] = m[3] * px + m[4] * py + m[5];
  }
  return {*std::min_element(x.begin(), x.end()), *std::min_element(y.begin(), y.end()),
          *std::max_element(x.begin(), x.end()), *std::max_element(y.begin(), y.end())};
}

/// Whether the hull can be written as float32 edges; false for NaN.
bool fits_float(const Hull& h) noexcept {
  constexpr double kMax = std::numeric_limits<float>::max();
  return h.x0 >= -kMax && h.y0 >= -kMax && h.x1 <= kMax && h.y1 <= kMax;
}

Hull clip(const Hull& h, double width, double height) noexcept {
  return {std::clamp(h.x0, 0.0, width), std::clamp(h.y0, 0.0, height), std::clamp(h.x1, 0.0, width),
          std::clamp(h.y1, 0.0, height)};
}

bool is_inside(const Hull& h, double width, double height) noexcept {
  return h.x0 >= -kTolerance && h.y0 >= -kTolerance && h.x1 <= width + kTolerance &&
         h.y1 <= height + kTolerance;
}

/// Share of [begin, end] inside [0, size]; a point is wholly inside or not at all.
double share_inside(double begin, double end, double size) noexcept {
  if (end > begin) {
    return std::max(0.0, std::min(end, size) - std::max(begin, 0.0)) / (end - begin);
  }
  return begin >= 0 && begin <= size ? 1.0 : 0.0;
}

bool stays(const Hull& cut, double visible, bool inside, const BoxOptions& options) noexcept {
  if (visible < options.min_visible) return false;
  if (cut.x1 - cut.x0 < options.min_size || cut.y1 - cut.y0 < options.min_size) return false;
  if (options.policy == BoxPolicy::drop) return inside;
  // As float32, the form in which it is reported: a clipped box must not claim to be invisible.
  return options.policy == BoxPolicy::keep || static_cast<float>(visible) > 0;
}

void store(const Hull& h, float* out) noexcept {
  out[0] = static_cast<float>(h.x0);
  out[1] = static_cast<float>(h.y0);
  out[2] = static_cast<float>(h.x1);
  out[3] = static_cast<float>(h.y1);
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
                        float* out, std::int64_t* kept, float* visible) {
  const double width = options.width;
  const double height = options.height;
  std::size_t count = 0;
  for (std::size_t i = 0; i < boxes.size() / 4; ++i) {
    const float* box = boxes.data() + 4 * i;
    if (!is_box(box)) continue;
    const Hull hull = map_box(box, matrix);
    if (!fits_float(hull)) continue;
    const Hull cut = clip(hull, width, height);
    const bool inside = is_inside(hull, width, height);
    const double share =
        inside ? 1.0
               : share_inside(hull.x0, hull.x1, width) * share_inside(hull.y0, hull.y1, height);
    if (!stays(cut, share, inside, options)) continue;
    store(options.policy == BoxPolicy::keep ? hull : cut, out + 4 * count);
    kept[count] = static_cast<std::int64_t>(i);
    visible[count] = static_cast<float>(share);
    ++count;
  }
  return count;
}

}  // namespace irtd
