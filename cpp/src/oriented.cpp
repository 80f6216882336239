#include "irtd/oriented.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "frame.hpp"
#include "hull.hpp"
#include "irtd/polygon.hpp"

namespace irtd {
namespace {

using detail::kMaxFloat;
using detail::kTolerance;
using Quad = std::array<Vertex, 4>;

Vertex minus(const Vertex& a, const Vertex& b) noexcept { return {a.x - b.x, a.y - b.y}; }

double cross(const Vertex& a, const Vertex& b) noexcept { return a.x * b.y - a.y * b.x; }

/// The two edges at corner 0, as a basis of the plane. A box without area gets the normal of its
/// longer edge in place of the other; one that is a point gets the axes.
struct Basis {
  Vertex origin;
  Vertex u;
  Vertex v;

  explicit Basis(const Quad& quad) noexcept
      : origin(quad[0]), u(minus(quad[1], quad[0])), v(minus(quad[3], quad[0])) {
    const double lu = std::hypot(u.x, u.y);
    const double lv = std::hypot(v.x, v.y);
    if (std::fabs(cross(u, v)) > 1e-13 * lu * lv) return;
    if (lu == 0 && lv == 0) {
      u = {1, 0};
      v = {0, 1};
    } else if (lu >= lv) {
      v = {-u.y, u.x};
    } else {
      u = {v.y, -v.x};
    }
  }

  Vertex coordinates(const Vertex& p) const noexcept {
    const Vertex d = minus(p, origin);
    const double det = cross(u, v);
    return {cross(d, v) / det, cross(u, d) / det};
  }
  Vertex point(double s, double t) const noexcept {
    return {origin.x + s * u.x + t * v.x, origin.y + s * u.y + t * v.y};
  }
};

/// Bounds of a set of points along a basis.
struct Extent {
  double s0 = 0;
  double s1 = 0;
  double t0 = 0;
  double t1 = 0;

  Extent(const Basis& basis, Span<const Vertex> points) noexcept {
    for (std::size_t i = 0; i < points.size(); ++i) {
      const Vertex c = basis.coordinates(points[i]);
      s0 = i == 0 ? c.x : std::min(s0, c.x);
      s1 = i == 0 ? c.x : std::max(s1, c.x);
      t0 = i == 0 ? c.y : std::min(t0, c.y);
      t1 = i == 0 ? c.y : std::max(t1, c.y);
    }
  }
};

bool map_corners(const float* from, const double m[6], Quad& out) noexcept {
  for (std::size_t i = 0; i < 4; ++i) {
    const double px = double{from[2 * i]};
    const double py = double{from[2 * i + 1]};
    const Vertex v{m[0] * px + m[1] * py + m[2], m[3] * px + m[4] * py + m[5]};
    const bool finite = std::isfinite(px) && std::isfinite(py);
    if (!finite || !(std::fabs(v.x) <= kMaxFloat && std::fabs(v.y) <= kMaxFloat)) return false;
    out[i] = v;
  }
  return true;
}

bool all_inside(const Quad& quad, const BoxOptions& options) noexcept {
  return std::all_of(quad.begin(), quad.end(), [&](const Vertex& v) {
    return v.x >= -kTolerance && v.y >= -kTolerance && v.x <= options.width + kTolerance &&
           v.y <= options.height + kTolerance;
  });
}

/// What one box may become, and scratch to find it out.
class Cutter {
 public:
  explicit Cutter(const BoxOptions& options) noexcept : options_(options) {}

  /// Decides about a mapped box and, by the policy, cuts it in place.
  Fate decide(Quad& quad, double* visible) {
    detail::Sight sight{1.0, all_inside(quad, options_), 0, 0};
    const Basis basis(quad);
    quad_.assign(quad.begin(), quad.end());
    if (!sight.inside) see(&sight);
    const Extent extent(basis, sight.inside ? quad_ : clipped_);
    sight.width = (extent.s1 - extent.s0) * std::hypot(basis.u.x, basis.u.y);
    sight.height = (extent.t1 - extent.t0) * std::hypot(basis.v.x, basis.v.y);
    const Fate fate = detail::fate_of(sight, options_);
    *visible = sight.visible;
    if (fate == Fate::clipped) {
      quad = {basis.point(extent.s0, extent.t0), basis.point(extent.s1, extent.t0),
              basis.point(extent.s1, extent.t1), basis.point(extent.s0, extent.t1)};
    } else if (sight.inside && options_.policy != BoxPolicy::keep) {
      for (Vertex& v : quad) {
        v.x = std::clamp(v.x, 0.0, double(options_.width));
        v.y = std::clamp(v.y, 0.0, double(options_.height));
      }
    }
    return fate;
  }

 private:
  void see(detail::Sight* sight) {
    detail::convex_hull(quad_, hull_);
    clip_to_frame(hull_, options_.width, options_.height, clipped_);
    sight->visible = visible_share(hull_, clipped_, options_.width, options_.height);
  }

  const BoxOptions& options_;
  Vertices quad_;
  Vertices hull_;
  Vertices clipped_;
};

}  // namespace

void detail::convex_hull(Vertices points, Vertices& out) {
  std::sort(points.begin(), points.end(), [](const Vertex& a, const Vertex& b) {
    return a.x < b.x || (a.x == b.x && a.y < b.y);
  });
  out.clear();
  const auto grow = [&](const Vertex& p, std::size_t floor) {
    while (out.size() >= floor + 2 &&
           cross(minus(out.back(), out[out.size() - 2]), minus(p, out.back())) <= 0) {
      out.pop_back();
    }
    out.push_back(p);
  };
  for (const Vertex& p : points) grow(p, 0);
  const std::size_t lower = out.size() - 1;
  for (std::size_t i = points.size() - 1; i-- > 0;) grow(points[i], lower);
  out.pop_back();  // the first point again
}

std::size_t remap_corners(Span<const float> corners, const double matrix[6],
                          const BoxOptions& options, const Remapped& out) {
  Cutter cutter(options);
  std::size_t count = 0;
  for (std::size_t i = 0; i < corners.size() / 8; ++i) {
    Quad quad{};
    double visible = 0;
    Fate fate = Fate::not_finite;
    if (map_corners(corners.data() + 8 * i, matrix, quad)) fate = cutter.decide(quad, &visible);
    out.fates[i] = static_cast<std::uint8_t>(fate);
    if (!detail::stays(fate)) continue;
    for (std::size_t k = 0; k < 4; ++k) {
      out.values[8 * count + 2 * k] = static_cast<float>(quad[k].x);
      out.values[8 * count + 2 * k + 1] = static_cast<float>(quad[k].y);
    }
    out.kept[count] = static_cast<std::int64_t>(i);
    out.visible[count] = static_cast<float>(visible);
    ++count;
  }
  return count;
}

}  // namespace irtd
