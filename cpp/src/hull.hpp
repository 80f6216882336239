// Convex hull of the four corners of an oriented box.
#pragma once

#include "irtd/polygon.hpp"

namespace irtd::detail {

/// Convex hull in the direction of positive area, without collinear vertices (Andrew's monotone
/// chain, 1979); fewer than three vertices where the points lie on a line.
void convex_hull(Vertices points, Vertices& out);

}  // namespace irtd::detail
