// Oriented boxes, as four corners, under one affine per sample.
#pragma once

#include <cstddef>

#include "irtd/boxes.hpp"
#include "irtd/view.hpp"

namespace irtd {

/// Maps the oriented boxes of one sample and filters them; returns how many stay.
///
/// `corners` holds n × (x0, y0, … x3, y3) in source pixels, in order around the box. Each corner is
/// mapped exactly; nothing is inflated. The area is that of the convex hull of the corners, the
/// visible fraction the exact share of that area in the frame (of a line: of its length). Sides,
/// for min_size, are those of the visible part along the box's own edges. What leaves the frame by
/// no more than 0.001 pixel counts as whole and is moved to the frame by `clip` and `drop`.
///
/// `clip` replaces a box by the smallest one with the same edge directions that holds its visible
/// part: still an oriented box, whose corners (not whose content) may reach beyond the frame.
/// Otherwise as remap_boxes.
std::size_t remap_corners(Span<const float> corners, const double matrix[6],
                          const BoxOptions& options, const Remapped& out);

}  // namespace irtd
