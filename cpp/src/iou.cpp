#include "irtd/iou.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "hull.hpp"
#include "irtd/polygon.hpp"

namespace irtd {
namespace {

double ratio(double shared, double a, double b) noexcept {
  return shared > 0 ? std::min(1.0, shared / (a + b - shared)) : 0.0;
}

/// Area, 0 for what is no box.
double box_area(const float* box) noexcept {
  const double w = double{box[2]} - double{box[0]};
  const double h = double{box[3]} - double{box[1]};
  return w > 0 && h > 0 && std::isfinite(w) && std::isfinite(h) ? w * h : 0.0;
}

double shared_area(const float* a, const float* b) noexcept {
  const double w = double{std::min(a[2], b[2])} - double{std::max(a[0], b[0])};
  const double h = double{std::min(a[3], b[3])} - double{std::max(a[1], b[1])};
  return w > 0 && h > 0 ? w * h : 0.0;
}

/// An oriented box made ready: its hull, its bounds, its area (0 for what is none).
struct Shape {
  Vertices hull;
  double area = 0;
  double x0 = 0;
  double y0 = 0;
  double x1 = 0;
  double y1 = 0;

  explicit Shape(const float* corners) {
    if (!std::all_of(corners, corners + 8, [](float v) { return std::isfinite(v); })) return;
    Vertices points;
    for (std::size_t i = 0; i < 8; i += 2) {
      points.push_back({double{corners[i]}, double{corners[i + 1]}});
    }
    x0 = x1 = points[0].x;
    y0 = y1 = points[0].y;
    for (const Vertex& p : points) {
      x0 = std::min(x0, p.x);
      x1 = std::max(x1, p.x);
      y0 = std::min(y0, p.y);
      y1 = std::max(y1, p.y);
    }
    detail::convex_hull(points, hull);
    if (hull.size() >= 3) area = polygon_area(hull);
  }

  bool meets(const Shape& other) const noexcept {
    return area > 0 && other.area > 0 && x0 < other.x1 && other.x0 < x1 && y0 < other.y1 &&
           other.y0 < y1;
  }
};

std::vector<Shape> shapes_of(Span<const float> corners) {
  std::vector<Shape> shapes;
  shapes.reserve(corners.size() / 8);
  for (std::size_t i = 0; i + 8 <= corners.size(); i += 8) shapes.emplace_back(corners.data() + i);
  return shapes;
}

}  // namespace

void box_iou(Span<const float> a, Span<const float> b, double* out) {
  const std::size_t columns = b.size() / 4;
  std::vector<double> areas(columns);
  for (std::size_t j = 0; j < columns; ++j) areas[j] = box_area(b.data() + 4 * j);
  for (std::size_t i = 0; i < a.size() / 4; ++i) {
    const float* box = a.data() + 4 * i;
    const double area = box_area(box);
    for (std::size_t j = 0; j < columns; ++j) {
      const bool both = area > 0 && areas[j] > 0;
      const double shared = both ? shared_area(box, b.data() + 4 * j) : 0.0;
      out[i * columns + j] = ratio(shared, area, areas[j]);
    }
  }
}

void corners_iou(Span<const float> a, Span<const float> b, double* out) {
  const std::vector<Shape> rows = shapes_of(a);
  const std::vector<Shape> columns = shapes_of(b);
  Vertices shared;
  for (const Shape& row : rows) {
    for (const Shape& column : columns) {
      double area = 0;
      if (row.meets(column)) {
        clip_to_convex(row.hull, column.hull, shared);
        area = polygon_area(shared);
      }
      *out++ = ratio(area, row.area, column.area);
    }
  }
}

}  // namespace irtd
