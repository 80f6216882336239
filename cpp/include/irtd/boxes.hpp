// Boxes under one affine per sample, and what becomes of those that leave the picture.
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

struct BoxOptions {
  int height = 0;  ///< of the output frame, pixels
  int width = 0;
  /// Smallest visible fraction, 0..1, that a box may have and stay.
  double min_visible = 0;
  /// Smallest side, in output pixels, of the visible part that a box may have and stay.
  double min_size = 0;
  BoxPolicy policy = BoxPolicy::clip;
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
/// x1 < x0 or y1 < y0. Never throws for what the boxes hold; the caller learns of every loss by
/// `kept`. Each output has room for n boxes: `out` 4 n values, `kept` the index within the sample
/// of every box that stays (ascending), `visible` its visible fraction. `out` may be `boxes`.
std::size_t remap_boxes(Span<const float> boxes, const double matrix[6], const BoxOptions& options,
                        float* out, std::int64_t* kept, float* visible);

/// Checks the options once; throws Errc::invalid_argument.
void require_box_options(const BoxOptions& options);

}  // namespace irtd
