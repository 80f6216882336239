#include "irtd/detail_enhance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "irtd/error.hpp"
#include "irtd/parallel.hpp"

namespace irtd {
namespace {

/// Rows that one piece of work makes. Fixed, so that sums are rounded alike on any number of
/// threads.
constexpr int kBand = 64;

/// Sums over columns of a band, row after row: whole windows by differences of their prefixes.
class WindowSums {
 public:
  WindowSums(std::size_t cols, int radius)
      : radius_(static_cast<std::size_t>(radius)), first_(cols), second_(cols), prefix_(2 * cols) {}

  double* first() { return first_.data(); }
  double* second() { return second_.data(); }

  /// Calls body(x, first, second) with the sums over columns [x − radius, x + radius].
  template <typename Body>
  void for_each(const Body& body) {
    const std::size_t cols = first_.size();
    double a = 0;
    double b = 0;
    for (std::size_t x = 0; x < cols; ++x) {
      a += first_[x];
      b += second_[x];
      prefix_[2 * x] = a;
      prefix_[2 * x + 1] = b;
    }
    for (std::size_t x = 0; x < cols; ++x) {
      const double* end = prefix_.data() + 2 * std::min(x + radius_, cols - 1);
      if (x > radius_) {
        const double* begin = prefix_.data() + 2 * (x - radius_ - 1);
        body(x, end[0] - begin[0], end[1] - begin[1]);
      } else {
        body(x, end[0], end[1]);
      }
    }
  }

 private:
  std::size_t radius_;
  std::vector<double> first_, second_, prefix_;
};

template <typename Out>
Out finish(double value) {
  const double share = std::clamp(value, 0.0, 1.0);
  if constexpr (std::is_same_v<Out, float>) {
    return static_cast<float>(share);
  } else {
    return static_cast<Out>(std::nearbyint(share * std::numeric_limits<Out>::max()));
  }
}

template <typename T, typename Out>
class Enhancer {
 public:
  Enhancer(ImageView<const T> image, ImageView<const std::uint8_t> valid,
           const DetailOptions& options)
      : image_(image),
        valid_(valid),
        options_(options),
        origin_(std::floor(options.low)),
        cols_(static_cast<std::size_t>(image.cols())),
        a_(image.size()),
        b_(image.size()) {}

  int bands() const { return (image_.rows() + kBand - 1) / kBand; }

  /// a and b of the rows of a band.
  void fit(int band) {
    const double span = options_.high - options_.low;
    const double edge = options_.epsilon * span;
    slide(
        band,
        [&](int y, double sign, double* sum, double* square) {
          const T* row = image_.row(y);
          for (std::size_t x = 0; x < cols_; ++x) {
            const double v = weight(y, x) * (static_cast<double>(row[x]) - origin_);
            sum[x] += sign * v;
            square[x] += sign * (v * v);
          }
        },
        [&](int y, std::size_t x, double pixels, double sum, double square) {
          const double mean = sum / pixels;
          const double variance = std::max(square / pixels - mean * mean, 0.0);
          const double a = variance / (variance + edge * edge);
          a_[at(y, x)] = static_cast<float>(a);
          b_[at(y, x)] = static_cast<float>((1.0 - a) * mean);
        });
  }

  /// The rows of a band of the result.
  void render(int band, ImageView<Out> out) {
    const double scale = 1.0 / (options_.high - options_.low);
    const double low = options_.low - origin_;
    slide(
        band,
        [&](int y, double sign, double* a, double* b) {
          for (std::size_t x = 0; x < cols_; ++x) {
            const double factor = sign * weight(y, x);
            a[x] += factor * static_cast<double>(a_[at(y, x)]);
            b[x] += factor * static_cast<double>(b_[at(y, x)]);
          }
        },
        [&](int y, std::size_t x, double pixels, double a, double b) {
          const double count = static_cast<double>(image_.row(y)[x]) - origin_;
          const double base = (a / pixels * count + b / pixels - low) * scale;
          const double detail = (count - low) * scale - base;
          const double gated =
              std::copysign(std::max(std::abs(detail) - options_.noise, 0.0), detail);
          const double value = 0.5 + options_.base_share * (std::clamp(base, 0.0, 1.0) - 0.5) +
                               options_.gain * gated;
          out.row(y)[x] = weight(y, x) != 0 ? finish<Out>(value) : Out{0};
        });
  }

 private:
  std::size_t at(int y, std::size_t x) const { return static_cast<std::size_t>(y) * cols_ + x; }

  double weight(int y, std::size_t x) const {
    return valid_.data() == nullptr || valid_.row(y)[x] != 0 ? 1.0 : 0.0;
  }

  /// Moves a window down a band: add(row, ±1, sums…) takes rows in and out, use(row, column,
  /// pixels, sums…) gets the sums of every pixel's window with at least one valid pixel.
  template <typename Add, typename Use>
  void slide(int band, const Add& add, const Use& use) const {
    const int radius = options_.radius;
    const int begin = band * kBand;
    const int end = std::min(begin + kBand, image_.rows());
    WindowSums sums(cols_, radius);
    WindowSums pixels(cols_, radius);
    std::vector<double> inside(cols_);
    const auto change = [&](int y, double sign) {
      add(y, sign, sums.first(), sums.second());
      for (std::size_t x = 0; x < cols_; ++x) pixels.first()[x] += sign * weight(y, x);
    };
    for (int y = std::max(begin - radius, 0); y < std::min(begin + radius, image_.rows()); ++y) {
      change(y, 1);
    }
    for (int y = begin; y < end; ++y) {
      if (y + radius < image_.rows()) change(y + radius, 1);
      if (y > begin && y - radius - 1 >= 0) change(y - radius - 1, -1);
      // Without a mask the pixels of a window change only while it enters or leaves the picture.
      if (valid_.data() != nullptr || y == begin || y <= radius || y + radius >= image_.rows()) {
        pixels.for_each([&](std::size_t x, double count, double) { inside[x] = count; });
      }
      sums.for_each([&](std::size_t x, double first, double second) {
        use(y, x, std::max(inside[x], 1.0), first, second);
      });
    }
  }

  ImageView<const T> image_;
  ImageView<const std::uint8_t> valid_;
  DetailOptions options_;
  double origin_;  ///< counts are taken from here: numbers stay small, and sums of them exact
  std::size_t cols_;
  std::vector<float> a_, b_;
};

void check(const DetailOptions& options) {
  for (const double value : {options.low, options.high, options.epsilon, options.gain,
                             options.noise, options.base_share}) {
    IRTD_REQUIRE(std::isfinite(value), "options of detail enhancement must be finite");
  }
  IRTD_REQUIRE(options.radius >= 1 && options.radius <= 255, "the radius is 1 to 255 pixels");
  IRTD_REQUIRE(options.epsilon > 0 && options.gain >= 0 && options.noise >= 0,
               "epsilon must be above 0, gain and noise 0 or more");
  IRTD_REQUIRE(options.base_share >= 0 && options.base_share <= 1, "base_share is 0 to 1");
}

}  // namespace

template <typename T, typename Out>
void detail_enhance(ImageView<const T> image, ImageView<const std::uint8_t> valid,
                    const DetailOptions& options, ImageView<Out> out, int threads) {
  check(options);
  IRTD_REQUIRE(image.channels() == 1 && out.channels() == 1, "detail enhancement: one channel");
  IRTD_REQUIRE(image.rows() > 0 && image.cols() > 0, "detail enhancement needs pixels");
  IRTD_REQUIRE(image.rows() == out.rows() && image.cols() == out.cols(),
               "the result has the picture's shape");
  IRTD_REQUIRE(valid.data() == nullptr || (valid.rows() == image.rows() &&
                                           valid.cols() == image.cols() && valid.channels() == 1),
               "the mask of valid pixels has the picture's shape");
  if (options.high <= options.low) {
    for (int y = 0; y < out.rows(); ++y) std::fill_n(out.row(y), out.cols(), Out{0});
    return;
  }
  Enhancer<T, Out> enhancer(image, valid, options);
  const auto bands = static_cast<std::size_t>(enhancer.bands());
  parallel_for(bands, threads, [&](std::size_t i, int) { enhancer.fit(static_cast<int>(i)); });
  parallel_for(bands, threads,
               [&](std::size_t i, int) { enhancer.render(static_cast<int>(i), out); });
}

#define IRTD_INSTANTIATE(T, Out)                                                          \
  template void detail_enhance<T, Out>(ImageView<const T>, ImageView<const std::uint8_t>, \
                                       const DetailOptions&, ImageView<Out>, int)
IRTD_INSTANTIATE(std::uint8_t, std::uint8_t);
IRTD_INSTANTIATE(std::uint8_t, std::uint16_t);
IRTD_INSTANTIATE(std::uint8_t, float);
IRTD_INSTANTIATE(std::uint16_t, std::uint8_t);
IRTD_INSTANTIATE(std::uint16_t, std::uint16_t);
IRTD_INSTANTIATE(std::uint16_t, float);
#undef IRTD_INSTANTIATE

}  // namespace irtd
