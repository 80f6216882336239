// Boxes and points under one affine per sample, and what becomes of those that leave the picture.
#pragma once

#include <cstddef>
#include <cstdint>

#include "irtd/view.hpp"

namespace irtd {

/// What happens to a box that lies partly outside.
enum class BoxPolicy {
  clip,  ///< cut at the frame; gone where nothing is left of it
  keep,  ///< left as it is, beyond the frame
  drop,  ///< gone unless it lies wholly inside
};

/// What became of one box, corners, polygon or point, and why. The numbers are part of the
/// interface (arrays of them reach the caller).
enum class Fate : std::uint8_t {
  kept = 0,        ///< whole, or left as it is by the policy `keep`
  clipped = 1,     ///< stays, cut at the frame
  not_finite = 2,  ///< gone: NaN or infinite, or beyond float32 once mapped
  malformed = 3,   ///< gone: x1 < x0 or y1 < y0, or a polygon without vertices
  outside = 4,     ///< gone: nothing of it is in the frame
  hidden = 5,      ///< gone: less than min_visible of it is in the frame
  small = 6,       ///< gone: a side of its visible part is below min_size
  cut = 7,         ///< gone: the policy is `drop` and it is not wholly inside
};

struct BoxOptions {
  int height = 0;  ///< of the output frame, pixels
  int width = 0;
  /// Smallest visible fraction, 0..1, that a box may have and stay.
  double min_visible = 0;
  /// Smallest side, in output pixels, of the visible part that a box may have and stay.
  double min_size = 0;
  BoxPolicy policy = BoxPolicy::clip;
};

/// Where a remapping writes. Each has room for all inputs; `fates` has one entry for every input,
/// the others one for every input that stays, in order.
struct Remapped {
  float* values;        ///< the shapes themselves
  std::int64_t* kept;   ///< index within the sample, ascending
  float* visible;       ///< visible fraction
  std::uint8_t* fates;  ///< Fate of every input
};

/// Maps the boxes of one sample and filters them; returns how many stay.
///
/// `boxes` holds n × (x0, y0, x1, y1) edges in source pixels, `matrix` the rows (a, b, c), (d, e,
/// f) of x' = a x + b y + c, y' = d x + e y + f. A box becomes the axis-aligned hull of its four
/// mapped corners. Its visible fraction is the share of that hull inside the frame [0, width] × [0,
/// height] (for a hull without area: of its length, or 1 for a point inside); a hull that leaves
/// the frame by no more than 0.001 pixel counts as wholly visible, and `drop` then cuts it to the
/// frame.
///
/// A box goes if its visible fraction is below min_visible or a side of its visible part below
/// min_size, by the policy, or if it is no box: not finite (before or after mapping), or with
/// x1 < x0 or y1 < y0. Never throws for what the boxes hold; the caller learns of every loss and
/// its reason by the fates. `out.values` (4 n) may be `boxes`.
std::size_t remap_boxes(Span<const float> boxes, const double matrix[6], const BoxOptions& options,
                        const Remapped& out);

/// Maps the points (n × (x, y)) of one sample; returns how many stay.
///
/// A point is inside if it has a pixel: 0 <= x < width, 0 <= y < height. One that misses by no
/// more than 0.001 pixel is moved there. `clip` and `drop` let go of all others, `keep` only of
/// those that are not finite. min_visible and min_size are not for points. Visible is 1 inside, 0
/// outside.
std::size_t remap_points(Span<const float> points, const double matrix[6],
                         const BoxOptions& options, const Remapped& out);

/// Checks the options once; throws Errc::invalid_argument.
void require_box_options(const BoxOptions& options);

}  // namespace irtd
