#include "irtd/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <vector>

#include "histogram.hpp"
#include "irtd/error.hpp"
#include "kernels.hpp"
#include "kernels_radiometry.hpp"
#include "runs.hpp"
#include "select.hpp"

namespace irtd {
namespace {

using detail::for_each_valid_run;
using detail::RunSums;

template <typename T>
void check(const StridedImage<T>& image, const ValidMask& valid) {
  IRTD_REQUIRE(valid.data == nullptr || (valid.rows == image.rows && valid.cols == image.cols),
               "the mask of valid pixels has another size than the picture");
  // 32-bit counters and 64-bit sums of squares; a picture this large is beyond every limit of ours.
  IRTD_REQUIRE(image.size() <= std::numeric_limits<std::uint32_t>::max(), "a picture too large");
}

void widen_range(const std::uint8_t* p, std::size_t n, std::uint8_t* lo, std::uint8_t* hi) {
  detail::kernels().min_max_u8(p, n, lo, hi);
}
void widen_range(const std::uint16_t* p, std::size_t n, std::uint16_t* lo, std::uint16_t* hi) {
  detail::kernels().min_max_u16(p, n, lo, hi);
}
void add_sums(const std::uint8_t* p, std::size_t n, RunSums* sums) {
  detail::radiometry_kernels().sums_u8(p, n, sums);
}
void add_sums(const std::uint16_t* p, std::size_t n, RunSums* sums) {
  detail::radiometry_kernels().sums_u16(p, n, sums);
}

template <typename T>
struct Extent {
  std::uint64_t count = 0;
  T lo = std::numeric_limits<T>::max();
  T hi = 0;
};

template <typename T>
Extent<T> extent_of(const StridedImage<T>& image, const ValidMask& valid) {
  Extent<T> extent;
  for_each_valid_run(image, valid, [&](const T* p, std::size_t n) {
    widen_range(p, n, &extent.lo, &extent.hi);
    extent.count += n;
  });
  return extent;
}

template <typename T>
ValueMoments integer_moments(const StridedImage<T>& image, const ValidMask& valid) {
  check(image, valid);
  Extent<T> extent;
  RunSums sums;
  for_each_valid_run(image, valid, [&](const T* p, std::size_t n) {
    widen_range(p, n, &extent.lo, &extent.hi);
    add_sums(p, n, &sums);
    extent.count += n;
  });
  if (extent.count == 0) return {};
  const auto n = static_cast<double>(extent.count);
  // n Σv² − (Σv)² in integers of 128 bits: nothing is lost where the picture is nearly flat.
  __extension__ using Wide = unsigned __int128;
  const Wide spread = Wide{extent.count} * sums.squares - Wide{sums.sum} * sums.sum;
  const double mean = static_cast<double>(sums.sum) / n;
  return {extent.count, static_cast<double>(extent.lo), static_cast<double>(extent.hi), mean,
          std::sqrt(static_cast<double>(spread)) / n};
}

template <typename T>
ValueMoments integer_range(const StridedImage<T>& image, const ValidMask& valid) {
  check(image, valid);
  const Extent<T> extent = extent_of(image, valid);
  if (extent.count == 0) return {};
  return {extent.count, static_cast<double>(extent.lo), static_cast<double>(extent.hi), 0, 0};
}

/// Histogram of the valid values between the extent's bounds, in scratch memory of this thread.
template <typename T>
Span<const std::uint32_t> local_counts(const StridedImage<T>& image, const ValidMask& valid,
                                       const Extent<T>& extent) {
  thread_local std::vector<std::uint32_t> counts;
  const std::size_t range = std::size_t{extent.hi} - extent.lo + 1;
  const std::size_t lanes = detail::histogram_lanes(range);
  counts.assign(range * lanes, 0);
  for_each_valid_run(image, valid, [&](const T* p, std::size_t n) {
    detail::count_run(p, n, extent.lo, range, lanes, counts.data());
  });
  detail::merge_lanes(counts.data(), range, lanes);
  return {counts.data(), range};
}

template <typename T>
void add_histogram(const StridedImage<T>& image, const ValidMask& valid,
                   Span<std::uint64_t> total) {
  check(image, valid);
  IRTD_REQUIRE(total.size() == std::size_t{std::numeric_limits<T>::max()} + 1,
               "a histogram has one counter per value of the pixel type");
  const Extent<T> extent = extent_of(image, valid);
  if (extent.count == 0) return;
  const Span<const std::uint32_t> counts = local_counts(image, valid, extent);
  for (std::size_t v = 0; v < counts.size(); ++v) total[extent.lo + v] += counts[v];
}

template <typename T>
Span<const std::uint32_t> find_counts(const StridedImage<T>& image, const ValidMask& valid,
                                      std::uint32_t* lo) {
  check(image, valid);
  const Extent<T> extent = extent_of(image, valid);
  if (extent.count == 0) return {};
  *lo = extent.lo;
  return local_counts(image, valid, extent);
}

void check_percents(Span<const double> percents, Span<double> out) {
  IRTD_REQUIRE(percents.size() == out.size(), "one output per percentile");
  for (const double percent : percents) {
    IRTD_REQUIRE(percent >= 0 && percent <= 100, "percentiles lie in [0, 100]");
  }
}

template <typename T>
void integer_percentiles(const StridedImage<T>& image, const ValidMask& valid,
                         Span<const double> percents, Span<double> out) {
  check(image, valid);
  check_percents(percents, out);
  std::fill(out.begin(), out.end(), 0.0);
  if constexpr (sizeof(T) == 2) {
    if (detail::select_percentiles(image, valid, percents, out)) return;
  }
  const Extent<T> extent = extent_of(image, valid);
  if (extent.count == 0) return;
  const Span<const std::uint32_t> counts = local_counts(image, valid, extent);
  for (std::size_t i = 0; i < percents.size(); ++i) {
    out[i] = detail::percentile_of(counts, extent.lo, extent.count, percents[i]);
  }
}

/// The valid and finite values, in scratch memory of this thread.
std::vector<float>& finite_values(const StridedImage<float>& image, const ValidMask& valid) {
  thread_local std::vector<float> values;
  values.clear();
  for_each_valid_run(image, valid, [&](const float* p, std::size_t n) {
    std::copy_if(p, p + n, std::back_inserter(values), [](float v) { return std::isfinite(v); });
  });
  return values;
}

}  // namespace

ValueMoments value_moments(const StridedImage<std::uint8_t>& image, const ValidMask& valid) {
  return integer_moments(image, valid);
}

ValueMoments value_moments(const StridedImage<std::uint16_t>& image, const ValidMask& valid) {
  return integer_moments(image, valid);
}

ValueMoments value_moments(const StridedImage<float>& image, const ValidMask& valid) {
  check(image, valid);
  const std::vector<float>& values = finite_values(image, valid);
  if (values.empty()) return {};
  ValueMoments moments{values.size(), values[0], values[0], 0, 0};
  double sum = 0;
  for (const float v : values) {
    moments.lo = std::min(moments.lo, double{v});
    moments.hi = std::max(moments.hi, double{v});
    sum += v;
  }
  const auto n = static_cast<double>(values.size());
  moments.mean = sum / n;
  double squares = 0;  // in a second pass, about the mean: temperatures vary little
  for (const float v : values) squares += (v - moments.mean) * (v - moments.mean);
  moments.std = std::sqrt(squares / n);
  return moments;
}

ValueMoments value_range(const StridedImage<std::uint8_t>& image, const ValidMask& valid) {
  return integer_range(image, valid);
}

ValueMoments value_range(const StridedImage<std::uint16_t>& image, const ValidMask& valid) {
  return integer_range(image, valid);
}

ValueMoments value_range(const StridedImage<float>& image, const ValidMask& valid) {
  check(image, valid);
  ValueMoments range;
  for_each_valid_run(image, valid, [&](const float* p, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      if (!std::isfinite(p[i])) continue;
      range.lo = range.count == 0 ? double{p[i]} : std::min(range.lo, double{p[i]});
      range.hi = range.count == 0 ? double{p[i]} : std::max(range.hi, double{p[i]});
      ++range.count;
    }
  });
  return range;
}

void value_histogram(const StridedImage<std::uint8_t>& image, const ValidMask& valid,
                     Span<std::uint64_t> counts) {
  add_histogram(image, valid, counts);
}

void value_histogram(const StridedImage<std::uint16_t>& image, const ValidMask& valid,
                     Span<std::uint64_t> counts) {
  add_histogram(image, valid, counts);
}

Span<const std::uint32_t> occurring_counts(const StridedImage<std::uint8_t>& image,
                                           const ValidMask& valid, std::uint32_t* lo) {
  return find_counts(image, valid, lo);
}

Span<const std::uint32_t> occurring_counts(const StridedImage<std::uint16_t>& image,
                                           const ValidMask& valid, std::uint32_t* lo) {
  return find_counts(image, valid, lo);
}

void value_percentiles(const StridedImage<std::uint8_t>& image, const ValidMask& valid,
                       Span<const double> percents, Span<double> out) {
  integer_percentiles(image, valid, percents, out);
}

void value_percentiles(const StridedImage<std::uint16_t>& image, const ValidMask& valid,
                       Span<const double> percents, Span<double> out) {
  integer_percentiles(image, valid, percents, out);
}

void value_percentiles(const StridedImage<float>& image, const ValidMask& valid,
                       Span<const double> percents, Span<double> out) {
  check(image, valid);
  check_percents(percents, out);
  std::vector<float>& values = finite_values(image, valid);
  std::fill(out.begin(), out.end(), 0.0);
  if (values.empty()) return;
  for (std::size_t i = 0; i < percents.size(); ++i) {
    const double rank = static_cast<double>(values.size() - 1) * (percents[i] / 100.0);
    const auto below = static_cast<std::ptrdiff_t>(std::floor(rank));
    std::nth_element(values.begin(), values.begin() + below, values.end());
    const double a = values[static_cast<std::size_t>(below)];
    // What follows in order is the smallest of those behind the place.
    const auto next = std::min_element(values.begin() + below + 1, values.end());
    const double b = next == values.end() ? a : double{*next};
    out[i] = detail::linear_between(a, b, rank - static_cast<double>(below));
  }
}

}  // namespace irtd
