// Crop, bilinear resampling, flip, affine and cast in one pass, straight into a batch's buffer.
#pragma once

#include <cstdint>
#include <limits>

#include "irtd/view.hpp"

namespace irtd {

/// Type of the pixels written.
enum class PixelType { u8, u16, f32 };

/// Order of the pixels written: planes (channels, rows, cols) or interleaved (rows, cols,
/// channels).
enum class Layout { chw, hwc };

/// What resample_bilinear does between reading and writing.
struct ResampleOptions {
  /// Window in pixel edges: pixel k covers [k, k + 1). It may reach beyond the picture, whose edge
  /// pixels are then repeated; it must overlap it.
  double x0 = 0;
  double y0 = 0;
  double x1 = 0;
  double y1 = 0;
  bool flip = false;  ///< mirror left and right, after the window is cut
  float scale = 1.0F;
  float offset = 0.0F;
  /// Bounds of v · scale + offset; integer outputs are bounded by their type besides.
  float lo_clip = -std::numeric_limits<float>::infinity();
  float hi_clip = std::numeric_limits<float>::infinity();
  Layout layout = Layout::chw;
};

/// Resamples the window of `src` to out_h × out_w pixels in `dst`.
///
/// Half-pixel centres: output column i samples at x0 + (i + ½) (x1 − x0) / out_w − ½ (in pixel
/// centres), clamped to the columns the window touches, so that for a window with integer edges
/// the result is that of cutting it out and cv2.resize(INTER_LINEAR). There is no anti-aliasing.
/// Every value then becomes v · scale + offset, is clipped, and for integer outputs rounded (half
/// to even).
///
/// `src` has 1 or 3 (RGB) channels, `out_channels` is 1 or 3: one to three replicates, three to
/// one takes the BT.601 luma 0.299 R + 0.587 G + 0.114 B before the affine. `dst` is contiguous,
/// in the options' layout, and does not overlap `src`. Allocates nothing beyond scratch memory of
/// the thread, which is kept. Throws Errc::invalid_argument for anything outside of this.
void resample_bilinear(ImageView<const std::uint8_t> src, const ResampleOptions& options, void* dst,
                       PixelType dst_type, int out_h, int out_w, int out_channels);
void resample_bilinear(ImageView<const std::uint16_t> src, const ResampleOptions& options,
                       void* dst, PixelType dst_type, int out_h, int out_w, int out_channels);
/// Float sources: a NaN spreads to every pixel that it has a part in.
void resample_bilinear(ImageView<const float> src, const ResampleOptions& options, void* dst,
                       PixelType dst_type, int out_h, int out_w, int out_channels);

}  // namespace irtd
