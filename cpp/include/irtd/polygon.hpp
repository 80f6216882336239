// Polygons in double precision: area, cutting, and polygons under one affine per sample.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "irtd/boxes.hpp"
#include "irtd/view.hpp"

namespace irtd {

struct Vertex {
  double x;
  double y;
};

using Vertices = std::vector<Vertex>;

/// Signed area (the shoelace formula, relative to the first vertex): positive where x turns to y.
double polygon_area(Span<const Vertex> polygon) noexcept;

/// Cuts a polygon at [0, width] × [0, height] (Sutherland and Hodgman, CACM 17(1), 1974): one
/// polygon, whose parts are joined by edges along the frame where a concave one falls apart. Its
/// area is that of the part inside.
void clip_to_frame(const Vertices& polygon, double width, double height, Vertices& out);

/// Cuts a polygon at a convex one, given in the direction of positive area.
void clip_to_convex(const Vertices& polygon, Span<const Vertex> convex, Vertices& out);

/// Share of a polygon that `clipped`, its part in [0, width] × [0, height], makes up: of its area,
/// or of the length of its edges where it has no area, or 1 or 0 for a point. 0 to 1 always.
double visible_share(Span<const Vertex> polygon, Span<const Vertex> clipped, double width,
                     double height) noexcept;

/// Where remap_polygons leaves what stays.
struct RemappedPolygons {
  std::vector<float> vertices;         ///< x, y, x, y …
  std::vector<std::uint64_t> offsets;  ///< per polygon that stays: end of its vertices
  std::vector<std::int64_t> kept;      ///< index of the polygon in the input
  std::vector<float> visible;
};

/// Maps polygons [first, last) of `vertices`, cut into polygons by `offsets`, and appends those
/// that stay to `out`; writes last − first fates.
///
/// As remap_boxes: visible fraction and size are those of the part inside (its sides are those of
/// its hull); `clip` replaces a polygon by that part. A self-crossing polygon has the area that
/// the shoelace formula gives it.
void remap_polygons(Span<const float> vertices, Span<const std::uint64_t> offsets,
                    std::size_t first, std::size_t last, const double matrix[6],
                    const BoxOptions& options, RemappedPolygons& out, std::uint8_t* fates);

}  // namespace irtd
