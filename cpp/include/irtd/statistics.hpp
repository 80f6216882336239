// Statistics of the valid pixels of one picture.
#pragma once

#include <cstdint>
#include <vector>

#include "irtd/tone.hpp"
#include "irtd/view.hpp"

namespace irtd {

/// What a stretch needs to know of a picture. Without valid pixels all numbers are 0.
struct ValueMoments {
  std::uint64_t count = 0;  ///< valid values; for float32 those that are finite
  double lo = 0;
  double hi = 0;
  double mean = 0;
  double std = 0;  ///< of the population, as numpy.std
};

/// Exact for integers: sums are integers until the last division.
ValueMoments value_moments(const StridedImage<std::uint8_t>& image, const ValidMask& valid);
ValueMoments value_moments(const StridedImage<std::uint16_t>& image, const ValidMask& valid);
ValueMoments value_moments(const StridedImage<float>& image, const ValidMask& valid);

/// Only count, lo and hi of value_moments, which is faster.
ValueMoments value_range(const StridedImage<std::uint8_t>& image, const ValidMask& valid);
ValueMoments value_range(const StridedImage<std::uint16_t>& image, const ValidMask& valid);
ValueMoments value_range(const StridedImage<float>& image, const ValidMask& valid);

/// *Adds* how often each value occurs to `counts` (256 or 65536 counters).
void value_histogram(const StridedImage<std::uint8_t>& image, const ValidMask& valid,
                     Span<std::uint64_t> counts);
void value_histogram(const StridedImage<std::uint16_t>& image, const ValidMask& valid,
                     Span<std::uint64_t> counts);

/// Histogram of the counts that occur: counters of `*lo` and up, in memory of this thread that the
/// next call overwrites; empty without valid pixels.
Span<const std::uint32_t> occurring_counts(const StridedImage<std::uint8_t>& image,
                                           const ValidMask& valid, std::uint32_t* lo);
Span<const std::uint32_t> occurring_counts(const StridedImage<std::uint16_t>& image,
                                           const ValidMask& valid, std::uint32_t* lo);

/// Percentiles of the valid (and for float32 finite) values as `numpy.percentile` gives them
/// (`linear`), 0 where there are none. Throws Errc::invalid_argument for a percent outside 0..100.
void value_percentiles(const StridedImage<std::uint8_t>& image, const ValidMask& valid,
                       Span<const double> percents, Span<double> out);
void value_percentiles(const StridedImage<std::uint16_t>& image, const ValidMask& valid,
                       Span<const double> percents, Span<double> out);
void value_percentiles(const StridedImage<float>& image, const ValidMask& valid,
                       Span<const double> percents, Span<double> out);

}  // namespace irtd
