#include "irtd/detail_enhance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "filters.hpp"
#include "irtd/error.hpp"
#include "irtd/parallel.hpp"
#include "kernels_resample.hpp"

namespace irtd {
namespace {

/// Rows that one piece of work makes. Fixed, so that sums are rounded alike on any number of
/// threads.
constexpr int kBand = 128;

/// Column sums of two quantities over the rows of a window, and their prefixes along the row:
/// window x of the row begins at prefix x, `radius` columns before column x or at the border.
class WindowSums {
 public:
  WindowSums(std::size_t cols, int radius)
      : radius_(static_cast<std::size_t>(radius)),
        first_(cols),
        second_(cols),
        first_prefix_(cols + 2 * radius_ + 1),
        second_prefix_(cols + 2 * radius_ + 1) {}

  double* first() { return first_.data(); }
  double* second() { return second_.data(); }

  detail::WindowPrefix prefixes(const std::vector<double>& inverse) {
    double a = 0;
    double b = 0;
    double* to_a = first_prefix_.data() + radius_ + 1;
    double* to_b = second_prefix_.data() + radius_ + 1;
    for (std::size_t x = 0; x < first_.size(); ++x) {
      a += first_[x];
      b += second_[x];
      to_a[x] = a;
      to_b[x] = b;
    }
    std::fill_n(to_a + first_.size(), radius_, a);
    std::fill_n(to_b + first_.size(), radius_, b);
    return {first_prefix_.data(), second_prefix_.data(), 2 * radius_ + 1, inverse.data()};
  }

 private:
  std::size_t radius_;
  std::vector<double> first_, second_, first_prefix_, second_prefix_;
};

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
        nothing_(cols_),
        x_(image.size()),
        a_(image.size()),
        b_(image.size()) {}

  int bands() const { return (image_.rows() + kBand - 1) / kBand; }

  /// Counts of a band from the origin, so that numbers stay small and sums of them exact; 0 where
  /// they are not valid.
  void load(int band) {
    for_rows(band, [&](int y) {
      const T* row = image_.row(y);
      float* x = x_.data() + at(y);
      for (std::size_t i = 0; i < cols_; ++i) {
        x[i] = static_cast<float>(static_cast<double>(row[i]) - origin_);
      }
      clear_invalid(y, x);
    });
  }

  /// a and b of the rows of a band.
  void fit(int band) {
    const double edge = options_.epsilon * (options_.high - options_.low);
    slide(
        band,
        [&](int in, int out, WindowSums& sums) {
          kernels_.change_moments(row_of(x_, in), row_of(x_, out), cols_, sums.first(),
                                  sums.second());
        },
        [&](int y, const detail::WindowPrefix& sums) {
          kernels_.fit_lines(sums, cols_, edge * edge, a_.data() + at(y), b_.data() + at(y));
          clear_invalid(y, a_.data() + at(y));
          clear_invalid(y, b_.data() + at(y));
        });
  }

  /// The rows of a band of the result.
  void render(int band, ImageView<Out> out) {
    const double top = std::is_same_v<Out, float> ? 1.0 : std::numeric_limits<Out>::max();
    const detail::DetailRow how{static_cast<float>(options_.low - origin_),
                                static_cast<float>(1.0 / (options_.high - options_.low)),
                                static_cast<float>(options_.base_share),
                                static_cast<float>(options_.noise),
                                static_cast<float>(options_.gain),
                                static_cast<float>(top)};
    std::vector<float> row(cols_);
    slide(
        band,
        [&](int in, int old, WindowSums& sums) {
          kernels_.change_pair(row_of(a_, in), row_of(a_, old), row_of(b_, in), row_of(b_, old),
                               cols_, sums.first(), sums.second());
        },
        [&](int y, const detail::WindowPrefix& sums) {
          kernels_.enhance(sums, how, x_.data() + at(y), cols_, row.data());
          clear_invalid(y, row.data());
          finish(row, out.row(y));
        });
  }

 private:
  std::size_t at(int y) const { return static_cast<std::size_t>(y) * cols_; }

  /// A row of a plane, or zeros for row −1.
  const float* row_of(const std::vector<float>& plane, int y) const {
    return y < 0 ? nothing_.data() : plane.data() + at(y);
  }

  void clear_invalid(int y, float* row) const {
    if (valid_.data() == nullptr) return;
    const std::uint8_t* valid = valid_.row(y);
    for (std::size_t x = 0; x < cols_; ++x) {
      if (valid[x] == 0) row[x] = 0;
    }
  }

  void finish(const std::vector<float>& row, Out* out) const {
    if constexpr (std::is_same_v<Out, float>) {
      std::copy(row.begin(), row.end(), out);
    } else {
      const PixelType type = sizeof(Out) == 1 ? PixelType::u8 : PixelType::u16;
      const detail::AffineClip whole{1.0F, 0.0F, 0.0F, std::numeric_limits<Out>::max()};
      const auto slot = static_cast<std::size_t>(type);
      detail::resample_kernels().finish[slot](row.data(), cols_, whole, out);
    }
  }

  template <typename Body>
  void for_rows(int band, const Body& body) const {
    const int end = std::min((band + 1) * kBand, image_.rows());
    for (int y = band * kBand; y < end; ++y) body(y);
  }

  /// Moves a window down a band: change(row in, row out, sums) takes rows in and out (−1: none),
  /// use(row, prefixes) gets the sums of every pixel's window.
  template <typename Change, typename Use>
  void slide(int band, const Change& change, const Use& use) const {
    const int radius = options_.radius;
    const int begin = band * kBand;
    WindowSums sums(cols_, radius);
    WindowSums pixels(cols_, radius);
    std::vector<double> inverse(cols_);
    const auto move = [&](int in, int out) {
      change(in, out, sums);
      count_pixels(in, 1, pixels.first());
      count_pixels(out, -1, pixels.first());
    };
    for (int y = std::max(begin - radius, 0); y < std::min(begin + radius, image_.rows()); ++y) {
      move(y, -1);
    }
    for_rows(band, [&](int y) {
      const int in = y + radius < image_.rows() ? y + radius : -1;
      const int out = y > begin && y > radius ? y - radius - 1 : -1;
      move(in, out);
      // Without a mask the pixels of a window change only while it enters or leaves the picture.
      if (valid_.data() != nullptr || y == begin || in < 0 || out < 0) {
        const detail::WindowPrefix counts = pixels.prefixes(inverse);
        for (std::size_t x = 0; x < cols_; ++x) {
          inverse[x] = 1.0 / std::max(counts.first[x + counts.width] - counts.first[x], 1.0);
        }
      }
      use(y, sums.prefixes(inverse));
    });
  }

  void count_pixels(int y, double sign, double* counts) const {
    if (y < 0) return;
    if (valid_.data() == nullptr) {
      for (std::size_t x = 0; x < cols_; ++x) counts[x] += sign;
      return;
    }
    const std::uint8_t* valid = valid_.row(y);
    for (std::size_t x = 0; x < cols_; ++x) counts[x] += valid[x] != 0 ? sign : 0.0;
  }

  const detail::FilterKernels& kernels_ = detail::filter_kernels();
  ImageView<const T> image_;
  ImageView<const std::uint8_t> valid_;
  DetailOptions options_;
  double origin_;
  std::size_t cols_;
  std::vector<float> nothing_;
  std::vector<float> x_, a_, b_;
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
  parallel_for(bands, threads, [&](std::size_t i, int) { enhancer.load(static_cast<int>(i)); });
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
