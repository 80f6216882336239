#include "irtd/normalize.hpp"

#include <limits>
#include <vector>

#include "histogram.hpp"
#include "irtd/error.hpp"
#include "kernels.hpp"

namespace irtd {
namespace {

/// Calls body(pointer, count) for every run of adjacent values.
template <typename T, typename Body>
void for_each_run(ImageView<const T> image, const Body& body) {
  if (image.contiguous()) {
    body(image.data(), image.size());
    return;
  }
  const auto run =
      static_cast<std::size_t>(image.cols()) * static_cast<std::size_t>(image.channels());
  for (int r = 0; r < image.rows(); ++r) body(image.row(r), run);
}

template <typename T>
void require_pixels(ImageView<const T> image) {
  IRTD_REQUIRE(image.rows() > 0 && image.cols() > 0 && image.channels() > 0,
               "a picture without pixels has no range");
}

template <typename T>
ValueRange find_range(ImageView<const T> image, void (*kernel)(const T*, std::size_t, T*, T*)) {
  require_pixels(image);
  T lo = std::numeric_limits<T>::max();
  T hi = 0;
  for_each_run(image, [&](const T* p, std::size_t n) { kernel(p, n, &lo, &hi); });
  return {lo, hi};
}

/// Histogram of the values range.lo..range.hi in scratch memory of this thread.
template <typename T>
Span<const std::uint32_t> local_histogram(ImageView<const T> image, ValueRange values) {
  // 32-bit counters; a picture this large is beyond every limit of ours.
  IRTD_REQUIRE(image.size() <= std::numeric_limits<std::uint32_t>::max(), "a picture too large");
  thread_local std::vector<std::uint32_t> counts;
  const std::size_t range = std::size_t{values.hi} - values.lo + 1;
  const std::size_t lanes = detail::histogram_lanes(range);
  counts.assign(range * lanes, 0);
  for_each_run(image, [&](const T* p, std::size_t n) {
    detail::count_run(p, n, values.lo, range, lanes, counts.data());
  });
  detail::merge_lanes(counts.data(), range, lanes);
  return {counts.data(), range};
}

template <typename T>
void add_histogram(ImageView<const T> image, Span<std::uint64_t> total) {
  IRTD_REQUIRE(total.size() == std::size_t{std::numeric_limits<T>::max()} + 1,
               "a histogram has one counter per value of the pixel type");
  const ValueRange values = min_max(image);
  const Span<const std::uint32_t> counts = local_histogram(image, values);
  for (std::size_t v = 0; v < counts.size(); ++v) total[values.lo + v] += counts[v];
}

template <typename T>
void find_percentiles(ImageView<const T> image, Span<const double> percents, Span<double> out) {
  require_pixels(image);
  IRTD_REQUIRE(percents.size() == out.size(), "one output per percentile");
  for (const double percent : percents) {
    IRTD_REQUIRE(percent >= 0 && percent <= 100, "percentiles lie in [0, 100]");
  }
  const ValueRange values = min_max(image);
  const Span<const std::uint32_t> counts = local_histogram(image, values);
  for (std::size_t i = 0; i < percents.size(); ++i) {
    out[i] = detail::percentile_of(counts, values.lo, image.size(), percents[i]);
  }
}

}  // namespace

ValueRange min_max(ImageView<const std::uint8_t> image) {
  return find_range(image, detail::kernels().min_max_u8);
}

ValueRange min_max(ImageView<const std::uint16_t> image) {
  return find_range(image, detail::kernels().min_max_u16);
}

void histogram(ImageView<const std::uint8_t> image, Span<std::uint64_t> counts) {
  add_histogram(image, counts);
}

void histogram(ImageView<const std::uint16_t> image, Span<std::uint64_t> counts) {
  add_histogram(image, counts);
}

void percentiles(ImageView<const std::uint8_t> image, Span<const double> percents,
                 Span<double> out) {
  find_percentiles(image, percents, out);
}

void percentiles(ImageView<const std::uint16_t> image, Span<const double> percents,
                 Span<double> out) {
  find_percentiles(image, percents, out);
}

}  // namespace irtd
