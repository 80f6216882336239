// Intersection over union of boxes, axis-aligned and oriented.
#pragma once

#include "irtd/view.hpp"

namespace irtd {

/// Writes the n × m matrix of intersection over union of two sets of (x0, y0, x1, y1).
///
/// 0 wherever a box is not finite, inverted or without area; never NaN.
void box_iou(Span<const float> a, Span<const float> b, double* out);

/// The same for two sets of four corners (n × 8): exact, of the convex hulls of the corners.
void corners_iou(Span<const float> a, Span<const float> b, double* out);

}  // namespace irtd
