// Corrections of a sensor's fixed pattern: stripes and bad pixels.
#pragma once

#include <cstdint>
#include <vector>

#include "irtd/view.hpp"

namespace irtd {

/// Offset of every column of a one-channel picture against its neighbours, in counts:
///
///   h(y, x)   = v(y, x) − value at x of the least-squares line through v(y, x − window ..
///               x + window), which is their mean where the window is whole
///   offset(x) = median over y of h(y, x)
///
/// the column statistics of a horizontal high-pass, as in Cao, He, Jiang, "Spatially adaptive
/// column fixed-pattern noise correction in infrared imaging system using 1D horizontal
/// differential statistics", IEEE Photonics Journal 9(5), 2017, with a median because scene edges
/// are outliers of it. Windows end at the border; of an even number the median is the mean of the
/// middle two. Pixels that are not valid, and NaN or infinity, count nowhere; a column without any
/// has offset 0. Throws Errc::invalid_argument for more than one channel, no pixels, a mask of
/// another shape, or a window below 1.
template <typename T>
std::vector<double> column_offsets(ImageView<const T> image, ImageView<const std::uint8_t> valid,
                                   int window, int threads = 1);

/// out = v − offsets[x]; whole numbers are rounded half to even and saturate. `out` may be the
/// picture itself.
template <typename T>
void subtract_columns(ImageView<const T> image, Span<const double> offsets, ImageView<T> out);

struct BadPixelRule {
  double threshold = 6;  ///< in standard deviations of the noise
  double minimum = 2;    ///< counts; the least distance that makes a pixel bad
};

/// Marks single pixels that stand out: a pixel is bad if it lies above all, or below all, of its
/// valid neighbours (of 8) by more than max(threshold · sigma, minimum) with
/// sigma = 1.4826 · median |v(y, x + 1) − v(y, x)| / √2, the noise of adjacent pixels. A point
/// target that is spread over two pixels is thus left alone. NaN and infinity are bad; pixels that
/// are not valid, or have no valid neighbour, are not judged. `bad` becomes 0 or 1.
template <typename T>
void find_bad_pixels(ImageView<const T> image, ImageView<const std::uint8_t> valid,
                     const BadPixelRule& rule, ImageView<std::uint8_t> bad, int threads = 1);

/// Replaces every pixel where `bad` is non-zero by the median of its neighbours that are neither
/// bad nor invalid (nor NaN or infinite), from the smallest of the windows 3 × 3, 5 × 5 … 15 × 15
/// that has any; without any, and elsewhere, the pixel stays. The median of an even number is the
/// mean of the middle two, rounded half to even. `out` must not be the picture.
template <typename T>
void replace_pixels(ImageView<const T> image, ImageView<const std::uint8_t> valid,
                    ImageView<const std::uint8_t> bad, ImageView<T> out, int threads = 1);

/// out = gain · v + offset, pixel by pixel in single precision; whole numbers are rounded half to
/// even and saturate, NaN becomes 0 there.
template <typename T, typename Out>
void two_point(ImageView<const T> image, ImageView<const float> gain, ImageView<const float> offset,
               ImageView<Out> out);

}  // namespace irtd
