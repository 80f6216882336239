// Percentiles of large pictures without counting every pixel.
#pragma once

#include <cstdint>

#include "irtd/tone.hpp"
#include "irtd/view.hpp"

namespace irtd::detail {

/// The exact percentiles that the histogram gives, in less time: a sample says between which counts
/// each of them lies, one pass of SIMD counts the pixels below and keeps the few between, and only
/// those are counted one by one (after Floyd and Rivest, *Expected time bounds for selection*,
/// CACM 18(3), 1975, with counters in place of partitioning).
///
/// Returns false, with `out` as it was, where that does not pay (a small picture, many percentiles,
/// many equal pixels) or where the sample misled; the histogram is then the way.
bool select_percentiles(const StridedImage<std::uint16_t>& image, const ValidMask& valid,
                        Span<const double> percents, Span<double> out);

}  // namespace irtd::detail
