// Statistics of one picture that a radiometric recipe needs: its range, histogram, percentiles.
#pragma once

#include <cstdint>

#include "irtd/view.hpp"

namespace irtd {

/// The smallest and the largest value, both inclusive.
struct ValueRange {
  std::uint32_t lo = 0;
  std::uint32_t hi = 0;
};

/// Range of all values (all channels together). Throws Errc::invalid_argument for an empty view.
ValueRange min_max(ImageView<const std::uint8_t> image);
ValueRange min_max(ImageView<const std::uint16_t> image);

/// Counts how often every value occurs and *adds* that to `counts`, indexed by value.
///
/// `counts` must have 256 elements for 8-bit and 65536 for 16-bit pictures (all channels together).
void histogram(ImageView<const std::uint8_t> image, Span<std::uint64_t> counts);
void histogram(ImageView<const std::uint16_t> image, Span<std::uint64_t> counts);

/// Percentiles as `numpy.percentile(image, percents)` gives them (method "linear": Hyndman and Fan
/// 1996, type 7), exactly: the value at the fractional rank p/100 · (n − 1) of the sorted pixels.
///
/// By histogram, so without sorting. `percents` in [0, 100] in any order; `out` of the same length.
/// Throws Errc::invalid_argument for an empty view or a percent out of range or NaN.
void percentiles(ImageView<const std::uint8_t> image, Span<const double> percents,
                 Span<double> out);
void percentiles(ImageView<const std::uint16_t> image, Span<const double> percents,
                 Span<double> out);

}  // namespace irtd
