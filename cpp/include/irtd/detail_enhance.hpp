// Detail enhancement: a picture is split by an edge-preserving filter into base and detail.
#pragma once

#include <cstdint>

#include "irtd/view.hpp"

namespace irtd {

struct DetailOptions {
  double low = 0;           ///< count that maps to 0
  double high = 1;          ///< count that maps to 1
  int radius = 8;           ///< of the filter's square window, 1 to 255
  double epsilon = 0.1;     ///< contrast (share of high − low) from which on an edge is kept
  double gain = 3;          ///< of the detail
  double noise = 0;         ///< detail up to this (share of high − low) is taken for noise
  double base_share = 0.7;  ///< share of the output's range that the base may use, 0 to 1
};

/// With x = (count − low) / (high − low):
///
///   base   = guided filter of x by itself: a = var / (var + epsilon²), b = (1 − a) · mean over the
///            window; base = mean(a) · x + mean(b) (He, Sun, Tang, Guided Image Filtering, IEEE
///            TPAMI 35(6), 2013, eq. 5, 6 and 8). Windows end at the picture's border.
///   detail = x − base, less `noise` towards 0 (soft threshold: Donoho, De-noising by
///            soft-thresholding, IEEE Trans. Inf. Theory 41(3), 1995)
///   out    = 0.5 + base_share · (clip(base, 0, 1) − 0.5) + gain · detail, clipped to 0..1
///
/// (the base/detail scheme of thermal cameras: Branchina et al.; Zuo et al., Opt. Eng. 50(12),
/// 2011). `out` is 0..1 in float, 0..255 or 0..65535 (rounded half to even) otherwise. Pixels that
/// are not valid enter no window and become 0; if high <= low all pixels become 0.
/// The result does not depend on `threads`. Throws Errc::invalid_argument for more than one
/// channel, no pixels, another shape, or options out of range or not finite.
template <typename T, typename Out>
void detail_enhance(ImageView<const T> image, ImageView<const std::uint8_t> valid,
                    const DetailOptions& options, ImageView<Out> out, int threads = 1);

}  // namespace irtd
