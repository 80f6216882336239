#include "irtd/polygon.hpp"

#include <algorithm>
#include <cmath>

#include "frame.hpp"

namespace irtd {
namespace {

using detail::kMaxFloat;
using detail::kTolerance;

double cross(const Vertex& o, const Vertex& a, const Vertex& b) noexcept {
  return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
}

/// Keeps the part of `in` where `distance` (linear in x and y) is not negative.
template <typename Distance>
void clip_half_plane(const Vertices& in, const Distance& distance, Vertices& out) {
  out.clear();
  if (in.empty()) return;
  Vertex previous = in.back();
  double before = distance(previous);
  for (const Vertex& vertex : in) {
    const double here = distance(vertex);
    if ((before < 0) != (here < 0)) {
      const double t = before / (before - here);
      out.push_back(
          {previous.x + (vertex.x - previous.x) * t, previous.y + (vertex.y - previous.y) * t});
    }
    if (here >= 0) out.push_back(vertex);
    previous = vertex;
    before = here;
  }
}

double length(const Vertex& a, const Vertex& b) noexcept {
  return std::hypot(b.x - a.x, b.y - a.y);
}

/// Narrows [*from, *to] to where begin + t (end − begin) lies in [0, size].
void narrow(double begin, double end, double size, double* from, double* to) noexcept {
  if (begin == end) {
    if (begin < 0 || begin > size) *to = -1;
    return;
  }
  const double a = -begin / (end - begin);
  const double b = (size - begin) / (end - begin);
  *from = std::max(*from, std::min(a, b));
  *to = std::min(*to, std::max(a, b));
}

/// Share of the length of the edges that lies in the frame (Liang and Barsky, 1984).
double edge_share(Span<const Vertex> polygon, double width, double height) noexcept {
  double all = 0;
  double inside = 0;
  for (std::size_t i = 0; i < polygon.size(); ++i) {
    const Vertex& a = polygon[i];
    const Vertex& b = polygon[(i + 1) % polygon.size()];
    double from = 0;
    double to = 1;
    narrow(a.x, b.x, width, &from, &to);
    narrow(a.y, b.y, height, &from, &to);
    const double edge = length(a, b);
    all += edge;
    inside += edge * std::max(0.0, to - from);
  }
  if (all > 0) return inside / all;
  const Vertex& p = polygon[0];
  return p.x >= 0 && p.x <= width && p.y >= 0 && p.y <= height ? 1.0 : 0.0;
}

bool all_inside(const Vertices& polygon, double width, double height) noexcept {
  return std::all_of(polygon.begin(), polygon.end(), [&](const Vertex& v) {
    return v.x >= -kTolerance && v.y >= -kTolerance && v.x <= width + kTolerance &&
           v.y <= height + kTolerance;
  });
}

detail::Sight look(const Vertices& polygon, const Vertices& clipped,
                   const BoxOptions& options) noexcept {
  const double w = options.width;
  const double h = options.height;
  detail::Sight sight{1.0, all_inside(polygon, w, h), 0, 0};
  if (!sight.inside) sight.visible = visible_share(polygon, clipped, w, h);
  const Vertices& part = sight.inside ? polygon : clipped;
  if (part.empty()) return sight;
  const auto by_x = [](const Vertex& a, const Vertex& b) { return a.x < b.x; };
  const auto by_y = [](const Vertex& a, const Vertex& b) { return a.y < b.y; };
  const auto [left, right] = std::minmax_element(part.begin(), part.end(), by_x);
  const auto [top, bottom] = std::minmax_element(part.begin(), part.end(), by_y);
  sight.width = right->x - left->x;
  sight.height = bottom->y - top->y;
  return sight;
}

/// False where a vertex is not finite or beyond float32 once mapped.
bool map_vertices(Span<const float> from, const double m[6], Vertices& out) {
  out.clear();
  for (std::size_t i = 0; i + 1 < from.size(); i += 2) {
    const double px = double{from[i]};
    const double py = double{from[i + 1]};
    const Vertex v{m[0] * px + m[1] * py + m[2], m[3] * px + m[4] * py + m[5]};
    const bool finite = std::isfinite(px) && std::isfinite(py);
    if (!finite || !(std::fabs(v.x) <= kMaxFloat && std::fabs(v.y) <= kMaxFloat)) return false;
    out.push_back(v);
  }
  return true;
}

void append(const Vertices& polygon, bool settle, const BoxOptions& options,
            std::vector<float>& out) {
  for (const Vertex& v : polygon) {
    const double x = settle ? std::clamp(v.x, 0.0, double(options.width)) : v.x;
    const double y = settle ? std::clamp(v.y, 0.0, double(options.height)) : v.y;
    out.push_back(static_cast<float>(x));
    out.push_back(static_cast<float>(y));
  }
}

}  // namespace

double polygon_area(Span<const Vertex> polygon) noexcept {
  double twice = 0;
  for (std::size_t i = 2; i < polygon.size(); ++i) {
    twice += cross(polygon[0], polygon[i - 1], polygon[i]);
  }
  return twice / 2;
}

void clip_to_frame(const Vertices& polygon, double width, double height, Vertices& out) {
  thread_local Vertices other;
  clip_half_plane(polygon, [](const Vertex& v) { return v.x; }, other);
  clip_half_plane(other, [=](const Vertex& v) { return width - v.x; }, out);
  clip_half_plane(out, [](const Vertex& v) { return v.y; }, other);
  clip_half_plane(other, [=](const Vertex& v) { return height - v.y; }, out);
}

void clip_to_convex(const Vertices& polygon, Span<const Vertex> convex, Vertices& out) {
  thread_local Vertices other;
  out = polygon;
  for (std::size_t i = 0; i < convex.size(); ++i) {
    const Vertex a = convex[i];
    const Vertex b = convex[(i + 1) % convex.size()];
    std::swap(out, other);
    clip_half_plane(other, [&](const Vertex& v) { return cross(a, b, v); }, out);
  }
}

double visible_share(Span<const Vertex> polygon, Span<const Vertex> clipped, double width,
                     double height) noexcept {
  if (polygon.empty()) return 0;
  double around = 0;
  for (std::size_t i = 0; i < polygon.size(); ++i) {
    around += length(polygon[i], polygon[(i + 1) % polygon.size()]);
  }
  const double area = std::fabs(polygon_area(polygon));
  // Below this the area is rounding: the shape is a line or a point.
  if (area <= 1e-13 * around * around) return edge_share(polygon, width, height);
  return std::min(1.0, std::fabs(polygon_area(clipped)) / area);
}

void remap_polygons(Span<const float> vertices, Span<const std::uint64_t> offsets,
                    std::size_t first, std::size_t last, const double matrix[6],
                    const BoxOptions& options, RemappedPolygons& out, std::uint8_t* fates) {
  Vertices mapped;
  Vertices clipped;
  for (std::size_t i = first; i < last; ++i) {
    const auto begin = static_cast<std::size_t>(offsets[i]);
    const auto end = static_cast<std::size_t>(offsets[i + 1]);
    Fate fate = Fate::malformed;
    if (end > begin) {
      const bool finite =
          map_vertices(vertices.subspan(2 * begin, 2 * (end - begin)), matrix, mapped);
      fate = Fate::not_finite;
      if (finite) {
        clip_to_frame(mapped, options.width, options.height, clipped);
        const detail::Sight sight = look(mapped, clipped, options);
        fate = detail::fate_of(sight, options);
        if (detail::stays(fate)) {
          const bool settle = options.policy != BoxPolicy::keep;
          append(fate == Fate::clipped ? clipped : mapped, settle, options, out.vertices);
          out.offsets.push_back(out.vertices.size() / 2);
          out.kept.push_back(static_cast<std::int64_t>(i));
          out.visible.push_back(static_cast<float>(sight.visible));
        }
      }
    }
    fates[i - first] = static_cast<std::uint8_t>(fate);
  }
}

}  // namespace irtd
