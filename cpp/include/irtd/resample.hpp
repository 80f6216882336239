// Affine, crop, resize, flip, quarter turn, normalise, cast and lay out in one pass, straight into
// a batch's buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "irtd/view.hpp"

namespace irtd {

/// Type of the pixels written. bf16 is the upper half of a float32; i32 is for label pictures.
enum class PixelType { u8, u16, f16, bf16, f32, i32 };

/// Bytes of one value.
std::size_t pixel_bytes(PixelType type) noexcept;

/// Order of the pixels written: planes (channels, rows, cols) or interleaved (rows, cols,
/// channels).
enum class Layout { chw, hwc };

enum class Filter {
  nearest,    ///< the pixel that holds the centre of the output pixel; never mixes values
  bilinear,   ///< the four pixels around the centre, whatever the reduction
  area,       ///< the mean over the output pixel's own area (box filter)
  antialias,  ///< bilinear where it enlarges, a triangle as wide as two output pixels where not
};

/// What lies beyond the picture.
enum class Border {
  replicate,   ///< aaa|abcd|ddd
  constant,    ///< vvv|abcd|vvv
  reflect,     ///< cba|abcd|dcb
  reflect101,  ///< dcb|abcd|cba
};

/// What resample() does between reading and writing.
struct ResampleOptions {
  /// From source to output, both in pixel edges (pixel k covers [k, k + 1)): the rows (a, b, c),
  /// (d, e, f) of x' = a x + b y + c, y' = d x + e y + f.
  double matrix[6] = {1, 0, 0, 0, 1, 0};
  Filter filter = Filter::bilinear;
  Border border = Border::replicate;
  float border_value = 0;  ///< for Border::constant; after `tone`, before the affine
  /// A value for each count (256 for 8-bit, 65536 for 16-bit sources) that takes its place before
  /// anything is mixed, or null. The caller keeps it alive.
  const float* tone = nullptr;
  /// (v − base) · scale + offset, scale and offset by output channel. The base loses no digits
  /// where a steep line begins far from 0.
  float base = 0;
  float scale[3] = {1, 1, 1};
  float offset[3] = {0, 0, 0};
  /// Bounds of the result; integer outputs are bounded by their type besides.
  float lo_clip = -std::numeric_limits<float>::infinity();
  float hi_clip = std::numeric_limits<float>::infinity();
  Layout layout = Layout::chw;
  /// The output is larger than the caches and nobody reads it soon: float32 is written around them,
  /// which spares memory the reading of what is overwritten.
  bool stream = false;
};

/// The matrix that cuts the window (x0, y0, x1, y1), resizes it to out_h × out_w, then mirrors it.
void set_window(ResampleOptions* options, const double window[4], int out_h, int out_w, bool flip);

/// The same affine for all channels.
void set_affine(ResampleOptions* options, float scale, float offset) noexcept;

/// Resamples `src` to out_h × out_w pixels in `dst`.
///
/// Matrices that keep the axes (crop, resize, mirror, quarter turn) mean: cut the window that the
/// frame comes from out of the picture continued by `border`, then resize it. Nothing beyond the
/// pixels that the window touches is read, so integer windows give what cutting and cv2.resize
/// (INTER_LINEAR, INTER_AREA, INTER_NEAREST_EXACT) or torch's interpolate (antialias=True) give.
/// All other matrices sample the continued picture at exact positions, as cv2.warpAffine does at
/// multiples of 1/32; there `area` and `antialias` take the mean of so many bilinear samples that
/// they lie at most a source pixel apart, and no more than 64 × 64.
///
/// `src` has 1 or 3 (RGB) channels, `out_channels` is 1 or 3: one to three replicates, three to
/// one takes the BT.601 luma 0.299 R + 0.587 G + 0.114 B. Then the line, the clip, and
/// for integer outputs round half to even and saturate. A NaN (in float sources) makes NaN of
/// every value within the filter's reach, and 0 of integer outputs. i32 sources are copied only:
/// Filter::nearest, to i32 or with equal types without tone, affine and clip.
///
/// `dst` is contiguous and does not overlap `src`, whose row stride may be negative. Allocates
/// nothing beyond scratch memory of the thread, which is kept. Throws Errc::invalid_argument for
/// anything outside of this, and for matrices that are singular, not finite, or reach further than
/// 2^30 pixels or 2^15 pixels for one output pixel.
void resample(ImageView<const std::uint8_t> src, const ResampleOptions& options, void* dst,
              PixelType dst_type, int out_h, int out_w, int out_channels);
void resample(ImageView<const std::uint16_t> src, const ResampleOptions& options, void* dst,
              PixelType dst_type, int out_h, int out_w, int out_channels);
void resample(ImageView<const float> src, const ResampleOptions& options, void* dst,
              PixelType dst_type, int out_h, int out_w, int out_channels);
void resample(ImageView<const std::int32_t> src, const ResampleOptions& options, void* dst,
              PixelType dst_type, int out_h, int out_w, int out_channels);

}  // namespace irtd
