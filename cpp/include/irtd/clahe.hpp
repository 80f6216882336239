// Contrast limited adaptive histogram equalisation, level for level as OpenCV computes it.
#pragma once

#include <cstdint>

#include "irtd/view.hpp"

namespace irtd {

struct ClaheOptions {
  double clip_limit = 2;  ///< of a histogram bin, in multiples of the mean bin; 0 or less: no limit
  int tiles_y = 8;
  int tiles_x = 8;
};

/// Equalises each tile of a one-channel picture with its own clipped histogram and blends the
/// four nearest tiles' curves bilinearly (Zuiderveld, Graphics Gems IV, 1994, pp. 474-485).
///
/// The steps and their order are those of cv::CLAHE (OpenCV 5): where a side is not a multiple of
/// the tile grid both sides are extended by reflection (101) for the histograms, clipped counts go
/// back in whole batches and then one by one from the lowest value at equal distances, curves are
/// rounded half to even. The result spans the whole range of the type.
///
/// `valid` (no data: all are) is non-zero where a pixel counts; the others enter no histogram, and
/// their results are unspecified levels that the caller replaces. A tile without a valid pixel has
/// the identity as its curve. `out` has the picture's shape and may be the picture itself.
/// Throws Errc::invalid_argument for more than one channel, no pixels, a grid below 1 × 1 or above
/// 256 × 256, a clip limit that is not finite, or a shape that differs.
void clahe(ImageView<const std::uint8_t> image, ImageView<const std::uint8_t> valid,
           const ClaheOptions& options, ImageView<std::uint8_t> out, int threads = 1);
void clahe(ImageView<const std::uint16_t> image, ImageView<const std::uint8_t> valid,
           const ClaheOptions& options, ImageView<std::uint16_t> out, int threads = 1);

}  // namespace irtd
