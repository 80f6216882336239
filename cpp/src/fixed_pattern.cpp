#include "irtd/fixed_pattern.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include "filters.hpp"
#include "irtd/error.hpp"
#include "irtd/parallel.hpp"

namespace irtd {
namespace {

using Mask = ImageView<const std::uint8_t>;

constexpr int kRows = 32;      // of a piece of work over rows
constexpr int kColumns = 64;   // of a piece of work over columns
constexpr int kMaxRadius = 7;  // of the window a replacement comes from
constexpr int kMaxSide = 1 << 24;

template <typename T>
void require(ImageView<const T> image, Mask valid) {
  IRTD_REQUIRE(image.channels() == 1, "corrections take one channel");
  IRTD_REQUIRE(image.rows() > 0 && image.cols() > 0, "corrections need pixels");
  IRTD_REQUIRE(image.rows() <= kMaxSide && image.cols() <= kMaxSide,
               "pictures have at most 2^24 rows and columns");
  IRTD_REQUIRE(valid.data() == nullptr || (valid.rows() == image.rows() &&
                                           valid.cols() == image.cols() && valid.channels() == 1),
               "the mask of valid pixels has the picture's shape");
}

template <typename T>
bool usable(ImageView<const T> image, Mask valid, int y, int x) {
  if (valid.data() != nullptr && valid.row(y)[x] == 0) return false;
  if constexpr (std::is_floating_point_v<T>) return std::isfinite(image.row(y)[x]);
  return true;
}

/// The middle value, or the mean of the middle two; reorders the values.
double median(double* values, std::size_t n) {
  if (n == 0) return 0;
  double* middle = values + n / 2;
  std::nth_element(values, middle, values + n);
  if (n % 2 == 1) return *middle;
  return (*std::max_element(values, middle) + *middle) / 2;
}

template <typename T>
T to_pixel(double value) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    constexpr double kMax = std::numeric_limits<T>::max();
    return static_cast<T>(std::nearbyint(std::clamp(value, 0.0, kMax)));
  }
}

/// Splits `n` into pieces and calls body(begin, end) for each.
template <typename Body>
void for_pieces(int n, int piece, int threads, const Body& body) {
  const auto pieces = static_cast<std::size_t>((n + piece - 1) / piece);
  parallel_for(pieces, threads, [&](std::size_t i, int) {
    const int begin = static_cast<int>(i) * piece;
    body(begin, std::min(begin + piece, n));
  });
}

/// Value at x of the straight line through the usable pixels of the window around it.
template <typename T>
double local_line(ImageView<const T> image, Mask valid, int y, int x, int window) {
  double n = 0, k1 = 0, k2 = 0, v0 = 0, v1 = 0;
  for (int u = std::max(x - window, 0); u <= std::min(x + window, image.cols() - 1); ++u) {
    if (!usable(image, valid, y, u)) continue;
    const double k = u - x;
    const auto v = static_cast<double>(image.row(y)[u]);
    n += 1;
    k1 += k;
    k2 += k * k;
    v0 += v;
    v1 += k * v;
  }
  const double determinant = n * k2 - k1 * k1;
  return determinant > 0 ? (k2 * v0 - k1 * v1) / determinant : v0 / n;
}

/// High-pass of columns [begin, end) of one row; handed to use(x, value).
template <typename T, typename Use>
void high_pass(ImageView<const T> image, Mask valid, int y, int begin, int end, int window,
               const Use& use) {
  const T* row = image.row(y);
  const int last = image.cols() - 1;
  double sum = 0;
  int pixels = 0;
  const auto change = [&](int x, int sign) {
    if (!usable(image, valid, y, x)) return;
    sum += sign * static_cast<double>(row[x]);
    pixels += sign;
  };
  for (int x = std::max(begin - window, 0); x < std::min(begin + window, last + 1); ++x) {
    change(x, 1);
  }
  for (int x = begin; x < end; ++x) {
    if (x + window <= last) change(x + window, 1);
    if (x > begin && x - window - 1 >= 0) change(x - window - 1, -1);
    if (!usable(image, valid, y, x)) continue;
    // Over a whole window the line's value in the middle is the mean.
    const bool whole = pixels == 2 * window + 1;
    const double low = whole ? sum / pixels : local_line(image, valid, y, x, window);
    use(x, static_cast<double>(row[x]) - low);
  }
}

constexpr double kSigmaOfSteps = 1.4826 / 1.4142135623730951;  // of a median of |differences|

/// The noise of adjacent pixels: sigma of the docs.
template <typename T>
double noise_of(ImageView<const T> image, Mask valid) {
  std::vector<double> steps;
  steps.reserve(image.size());
  for (int y = 0; y < image.rows(); ++y) {
    const T* row = image.row(y);
    for (int x = 0; x + 1 < image.cols(); ++x) {
      if (!usable(image, valid, y, x) || !usable(image, valid, y, x + 1)) continue;
      steps.push_back(std::abs(static_cast<double>(row[x + 1]) - static_cast<double>(row[x])));
    }
  }
  return kSigmaOfSteps * median(steps.data(), steps.size());
}

/// The same of whole numbers without a mask, by histogram.
template <typename T>
double noise_of_counts(ImageView<const T> image) {
  std::vector<std::size_t> often(std::size_t{std::numeric_limits<T>::max()} + 1);
  for (int y = 0; y < image.rows(); ++y) {
    const T* row = image.row(y);
    for (int x = 0; x + 1 < image.cols(); ++x) {
      ++often[static_cast<std::size_t>(std::abs(int{row[x + 1]} - int{row[x]}))];
    }
  }
  const std::size_t n =
      static_cast<std::size_t>(image.rows()) * (static_cast<std::size_t>(image.cols()) - 1);
  if (n == 0) return 0;
  const auto at_rank = [&](std::size_t rank) {
    std::size_t value = 0;
    for (std::size_t seen = often[0]; seen <= rank; seen += often[value]) ++value;
    return static_cast<double>(value);
  };
  return kSigmaOfSteps * (at_rank((n - 1) / 2) + at_rank(n / 2)) / 2;
}

template <typename T>
bool stands_out(ImageView<const T> image, Mask valid, int y, int x, double distance) {
  double lo = std::numeric_limits<double>::infinity();
  double hi = -lo;
  for (int v = std::max(y - 1, 0); v <= std::min(y + 1, image.rows() - 1); ++v) {
    for (int u = std::max(x - 1, 0); u <= std::min(x + 1, image.cols() - 1); ++u) {
      if ((v == y && u == x) || !usable(image, valid, v, u)) continue;
      const auto value = static_cast<double>(image.row(v)[u]);
      lo = std::min(lo, value);
      hi = std::max(hi, value);
    }
  }
  const auto value = static_cast<double>(image.row(y)[x]);
  return hi >= lo && (value > hi + distance || value < lo - distance);
}

/// Median of the good pixels around (y, x), or the pixel itself.
template <typename T>
T replacement(ImageView<const T> image, Mask valid, Mask bad, int y, int x) {
  double values[(2 * kMaxRadius + 1) * (2 * kMaxRadius + 1)];
  for (int radius = 1; radius <= kMaxRadius; ++radius) {
    std::size_t n = 0;
    for (int v = std::max(y - radius, 0); v <= std::min(y + radius, image.rows() - 1); ++v) {
      for (int u = std::max(x - radius, 0); u <= std::min(x + radius, image.cols() - 1); ++u) {
        if (bad.row(v)[u] == 0 && usable(image, valid, v, u)) {
          values[n++] = static_cast<double>(image.row(v)[u]);
        }
      }
    }
    if (n > 0) return to_pixel<T>(median(values, n));
  }
  return image.row(y)[x];
}

}  // namespace

namespace {

/// Medians of the high-pass of whole numbers without a mask, over columns [begin, end) with whole
/// windows, exactly: as (2 · window + 1) · v − sum, by counting in kMedianLanes columns at a time.
template <typename T>
void count_medians(ImageView<const T> image, int window, int begin, int end, double* offsets) {
  constexpr auto kLanes = static_cast<int>(detail::kMedianLanes);
  const auto rows = static_cast<std::size_t>(image.rows());
  std::vector<std::int32_t> values(rows * detail::kMedianLanes);
  const std::int32_t side = 2 * window + 1;
  for (int first = begin; first < end; first += kLanes) {
    const int last = std::min(first + kLanes, end) - 1;
    std::int32_t low = std::numeric_limits<std::int32_t>::max();
    std::int32_t high = std::numeric_limits<std::int32_t>::min();
    std::int32_t* to = values.data();
    for (int y = 0; y < image.rows(); ++y, to += kLanes) {
      const T* row = image.row(y);
      std::int32_t sum = 0;
      for (int u = first - window; u <= first + window; ++u) sum += row[u];
      for (int x = first; x <= last; ++x) {
        const std::int32_t value = side * row[x] - sum;
        to[x - first] = value;
        low = std::min(low, value);
        high = std::max(high, value);
        if (x < last) sum += row[x + window + 1] - row[x - window];
      }
    }
    std::int32_t at_k[detail::kMedianLanes];
    std::int32_t after_k[detail::kMedianLanes];
    detail::filter_kernels().middle_pair(values.data(), rows, (rows - 1) / 2, low, high, at_k,
                                         after_k);
    for (int x = first; x <= last; ++x) {
      const double upper = rows % 2 == 0 ? after_k[x - first] : at_k[x - first];
      offsets[x] = (at_k[x - first] + upper) / 2 / side;
    }
  }
}

}  // namespace

template <typename T>
std::vector<double> column_offsets(ImageView<const T> image, Mask valid, int window, int threads) {
  require(image, valid);
  IRTD_REQUIRE(window >= 1 && window <= kMaxSide,
               "the window is 1 to 2^24 pixels, found " + std::to_string(window));
  std::vector<double> offsets(static_cast<std::size_t>(image.cols()));
  // Sums of differences stay below 2^31.
  const bool counting = std::is_integral_v<T> && valid.data() == nullptr && window < (1 << 12);
  const auto slow = [&](int begin, int end) {
    if (begin >= end) return;
    const auto rows = static_cast<std::size_t>(image.rows());
    std::vector<double> values(rows * kColumns);
    std::size_t counts[kColumns] = {};
    for (int y = 0; y < image.rows(); ++y) {
      high_pass(image, valid, y, begin, end, window, [&](int x, double value) {
        const auto column = static_cast<std::size_t>(x - begin);
        values[column * rows + counts[column]++] = value;
      });
    }
    for (int x = begin; x < end; ++x) {
      const auto column = static_cast<std::size_t>(x - begin);
      offsets[static_cast<std::size_t>(x)] = median(values.data() + column * rows, counts[column]);
    }
  };
  for_pieces(image.cols(), kColumns, threads, [&](int begin, int end) {
    if constexpr (std::is_integral_v<T>) {
      if (counting) {
        const int whole = std::clamp(window, begin, end);
        const int partial = std::clamp(image.cols() - window, whole, end);
        slow(begin, whole);
        count_medians(image, window, whole, partial, offsets.data());
        slow(partial, end);
        return;
      }
    }
    slow(begin, end);
  });
  return offsets;
}

template <typename T>
void subtract_columns(ImageView<const T> image, Span<const double> offsets, ImageView<T> out) {
  require(image, {});
  IRTD_REQUIRE(offsets.size() == static_cast<std::size_t>(image.cols()), "one offset per column");
  IRTD_REQUIRE(image.rows() == out.rows() && image.cols() == out.cols() && out.channels() == 1,
               "the result has the picture's shape");
  for (int y = 0; y < image.rows(); ++y) {
    const T* row = image.row(y);
    T* target = out.row(y);
    for (std::size_t x = 0; x < offsets.size(); ++x) {
      target[x] = to_pixel<T>(static_cast<double>(row[x]) - offsets[x]);
    }
  }
}

template <typename T>
void find_bad_pixels(ImageView<const T> image, Mask valid, const BadPixelRule& rule,
                     ImageView<std::uint8_t> bad, int threads) {
  require(image, valid);
  IRTD_REQUIRE(std::isfinite(rule.threshold) && rule.threshold >= 0 &&
                   std::isfinite(rule.minimum) && rule.minimum >= 0,
               "threshold and minimum are finite and 0 or more");
  IRTD_REQUIRE(image.rows() == bad.rows() && image.cols() == bad.cols() && bad.channels() == 1,
               "the map of bad pixels has the picture's shape");
  double noise = 0;
  if constexpr (std::is_integral_v<T>) {
    noise = valid.data() == nullptr ? noise_of_counts(image) : noise_of(image, valid);
  } else {
    noise = noise_of(image, valid);
  }
  const double distance = std::max(rule.threshold * noise, rule.minimum);
  const bool plain = std::is_integral_v<T> && valid.data() == nullptr;
  for_pieces(image.rows(), kRows, threads, [&](int begin, int end) {
    for (int y = begin; y < end; ++y) {
      for (int x = 0; x < image.cols(); ++x) {
        // Most pixels lie near the one beside them: no need to look at the others.
        if (plain && x > 0) {
          const double step = static_cast<double>(image.row(y)[x]) - image.row(y)[x - 1];
          if (std::abs(step) <= distance) {
            bad.row(y)[x] = 0;
            continue;
          }
        }
        const bool judged = valid.data() == nullptr || valid.row(y)[x] != 0;
        const bool found =
            judged && (!usable(image, valid, y, x) || stands_out(image, valid, y, x, distance));
        bad.row(y)[x] = found ? 1 : 0;
      }
    }
  });
}

template <typename T>
void replace_pixels(ImageView<const T> image, Mask valid, Mask bad, ImageView<T> out, int threads) {
  require(image, valid);
  IRTD_REQUIRE(image.rows() == bad.rows() && image.cols() == bad.cols() && bad.channels() == 1,
               "the map of bad pixels has the picture's shape");
  IRTD_REQUIRE(image.rows() == out.rows() && image.cols() == out.cols() && out.channels() == 1,
               "the result has the picture's shape");
  for_pieces(image.rows(), kRows, threads, [&](int begin, int end) {
    for (int y = begin; y < end; ++y) {
      std::copy_n(image.row(y), image.cols(), out.row(y));
      for (int x = 0; x < image.cols(); ++x) {
        if (bad.row(y)[x] != 0) out.row(y)[x] = replacement(image, valid, bad, y, x);
      }
    }
  });
}

template <typename T, typename Out>
void two_point(ImageView<const T> image, ImageView<const float> gain, ImageView<const float> offset,
               ImageView<Out> out) {
  require(image, {});
  const auto fits = [&](int rows, int cols, int channels) {
    return rows == image.rows() && cols == image.cols() && channels == 1;
  };
  IRTD_REQUIRE(fits(gain.rows(), gain.cols(), gain.channels()) &&
                   fits(offset.rows(), offset.cols(), offset.channels()),
               "gain and offset must have the picture's shape (" + std::to_string(image.rows()) +
                   ", " + std::to_string(image.cols()) + "), found (" +
                   std::to_string(gain.rows()) + ", " + std::to_string(gain.cols()) + ") and (" +
                   std::to_string(offset.rows()) + ", " + std::to_string(offset.cols()) + ")");
  IRTD_REQUIRE(fits(out.rows(), out.cols(), out.channels()), "the result has the picture's shape");
  for (int y = 0; y < image.rows(); ++y) {
    const T* row = image.row(y);
    const float* gains = gain.row(y);
    const float* offsets = offset.row(y);
    Out* target = out.row(y);
    for (int x = 0; x < image.cols(); ++x) {
      const float value = gains[x] * static_cast<float>(row[x]) + offsets[x];
      if constexpr (std::is_floating_point_v<Out>) {
        target[x] = value;
      } else {
        // The order of the operands makes NaN 0.
        constexpr auto kMax = static_cast<float>(std::numeric_limits<Out>::max());
        const float inside = std::min(std::max(0.0F, value), kMax);
        target[x] = static_cast<Out>(std::lrintf(inside));
      }
    }
  }
}

#define IRTD_INSTANTIATE(T)                                                                \
  template std::vector<double> column_offsets<T>(ImageView<const T>, Mask, int, int);      \
  template void subtract_columns<T>(ImageView<const T>, Span<const double>, ImageView<T>); \
  template void find_bad_pixels<T>(ImageView<const T>, Mask, const BadPixelRule&,          \
                                   ImageView<std::uint8_t>, int);                          \
  template void replace_pixels<T>(ImageView<const T>, Mask, Mask, ImageView<T>, int)
IRTD_INSTANTIATE(std::uint8_t);
IRTD_INSTANTIATE(std::uint16_t);
IRTD_INSTANTIATE(float);
#undef IRTD_INSTANTIATE

#define IRTD_INSTANTIATE(T, Out)                                              \
  template void two_point<T, Out>(ImageView<const T>, ImageView<const float>, \
                                  ImageView<const float>, ImageView<Out>)
IRTD_INSTANTIATE(std::uint8_t, std::uint8_t);
IRTD_INSTANTIATE(std::uint8_t, std::uint16_t);
IRTD_INSTANTIATE(std::uint8_t, float);
IRTD_INSTANTIATE(std::uint16_t, std::uint8_t);
IRTD_INSTANTIATE(std::uint16_t, std::uint16_t);
IRTD_INSTANTIATE(std::uint16_t, float);
IRTD_INSTANTIATE(float, std::uint8_t);
IRTD_INSTANTIATE(float, std::uint16_t);
IRTD_INSTANTIATE(float, float);
#undef IRTD_INSTANTIATE

}  // namespace irtd
