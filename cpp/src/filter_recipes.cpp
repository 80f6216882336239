#include "irtd/filter_recipes.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "irtd/error.hpp"
#include "irtd/statistics.hpp"

namespace irtd {
namespace {

using Mask = ImageView<const std::uint8_t>;

constexpr std::size_t kMaxSide = std::size_t{1} << 24;

std::string size_text(std::size_t rows, std::size_t cols) {
  return "(" + std::to_string(rows) + ", " + std::to_string(cols) + ")";
}

/// A plane of adjacent pixels; a copy where the picture's are not.
template <typename T>
ImageView<const T> plane_of(const StridedImage<T>& image, std::size_t channel,
                            std::vector<T>& copy) {
  const auto rows = static_cast<int>(image.rows);
  const auto cols = static_cast<int>(image.cols);
  constexpr auto kItem = static_cast<std::ptrdiff_t>(sizeof(T));
  const bool direct = image.channels == 1 && (cols == 1 || image.col_stride == kItem) &&
                      image.row_stride >= 0 && image.row_stride % kItem == 0 &&
                      reinterpret_cast<std::uintptr_t>(image.data) % alignof(T) == 0;
  if (direct) {
    return {reinterpret_cast<const T*>(image.data), rows, cols, 1, image.row_stride / kItem};
  }
  if (copy.size() < image.rows * image.cols) copy.resize(image.rows * image.cols);
  T* to = copy.data();
  const std::uint8_t* first =
      image.data + static_cast<std::ptrdiff_t>(channel) * image.channel_stride;
  for (std::size_t r = 0; r < image.rows; ++r, first += image.row_stride) {
    const std::uint8_t* at = first;
    for (std::size_t c = 0; c < image.cols; ++c, at += image.col_stride) {
      std::memcpy(to++, at, sizeof(T));
    }
  }
  return {copy.data(), rows, cols};
}

/// A recipe that makes a picture of Out (T: the picture's own type) from each channel.
template <typename Filter>
class FilterRecipe : public NativeRecipe {
 public:
  Toned tone(const Picture& in, const ValidMask& valid, float top,
             ToneScratch& scratch) const override {
    const auto& self = static_cast<const Filter&>(*this);
    const ToneLine line = self.line(in, top);
    if (in.size() == 0) return {in, line};
    IRTD_REQUIRE(in.rows <= kMaxSide && in.cols <= kMaxSide,
                 "filters take pictures of at most 2^24 rows and columns");
    IRTD_REQUIRE(valid.data == nullptr || (valid.rows == in.rows && valid.cols == in.cols),
                 "the mask of valid pixels has another size than the picture");
    thread_local std::vector<std::uint8_t> mask_copy;
    const Mask mask = valid.data == nullptr ? Mask() : plane_of(valid, 0, mask_copy);
    return {
        with_type(in, [&](const auto& image) { return filter(self, in, image, mask, scratch); }),
        line};
  }

 private:
  template <typename T>
  static Picture filter(const Filter& self, const Picture& in, const StridedImage<T>& image,
                        const Mask& mask, ToneScratch& scratch) {
    using Out = typename Filter::template Result<T>;
    auto* out = static_cast<Out*>(scratch.beside(in, in.size() * sizeof(Out)));
    const auto rows = static_cast<int>(in.rows);
    const auto cols = static_cast<int>(in.cols);
    const auto prepared = self.prepare(image, mask);
    thread_local std::vector<T> copy;
    if (in.channels == 1) {
      self.run(plane_of(image, 0, copy), mask, prepared, ImageView<Out>(out, rows, cols));
    } else {
      thread_local std::vector<Out> plane;
      plane.resize(in.rows * in.cols);
      for (std::size_t k = 0; k < in.channels; ++k) {
        self.run(plane_of(image, k, copy), mask, prepared,
                 ImageView<Out>(plane.data(), rows, cols));
        for (std::size_t i = 0; i < plane.size(); ++i) out[i * in.channels + k] = plane[i];
      }
    }
    return packed_picture(out, in.rows, in.cols, in.channels, sizeof(Out));
  }
};

/// Line of a filter that gives 0..`levels`.
ToneLine levels_line(float levels, float top) {
  ToneLine line;
  line.scale = top / levels;
  line.hi = top;
  return line;
}

struct Nothing {};

class ClaheRecipe final : public FilterRecipe<ClaheRecipe> {
 public:
  template <typename T>
  using Result = T;

  explicit ClaheRecipe(const ClaheOptions& options) : options_(options) {}

  ToneLine line(const Picture& in, float top) const {
    IRTD_REQUIRE(in.itemsize != 4, "CLAHE takes uint8 or uint16 pictures, found float32");
    return levels_line(in.itemsize == 1 ? 255.0F : 65535.0F, top);
  }
  template <typename T>
  Nothing prepare(const StridedImage<T>&, const Mask&) const {
    return {};
  }
  template <typename T>
  void run(ImageView<const T> image, const Mask& mask, Nothing, ImageView<T> out) const {
    if constexpr (std::is_integral_v<T>) clahe(image, mask, options_, out);
  }

 private:
  ClaheOptions options_;
};

class DetailRecipe final : public FilterRecipe<DetailRecipe> {
 public:
  template <typename T>
  using Result = float;

  DetailRecipe(const DetailOptions& options, bool by_percentile)
      : options_(options), by_percentile_(by_percentile) {}

  ToneLine line(const Picture& in, float top) const {
    IRTD_REQUIRE(in.itemsize != 4,
                 "detail enhancement takes uint8 or uint16 pictures, found float32");
    return levels_line(1.0F, top);
  }
  template <typename T>
  DetailOptions prepare(const StridedImage<T>& image, const Mask& mask) const {
    DetailOptions options = options_;
    if constexpr (std::is_integral_v<T>) {
      if (by_percentile_) {
        const double percents[2] = {options.low, options.high};
        double found[2] = {};
        value_percentiles(image, mask.data() == nullptr ? ValidMask() : strided(mask),
                          Span<const double>(percents, 2), Span<double>(found, 2));
        options.low = found[0];
        options.high = found[1];
      }
    }
    return options;
  }
  template <typename T>
  void run(ImageView<const T> image, const Mask& mask, const DetailOptions& options,
           ImageView<float> out) const {
    if constexpr (std::is_integral_v<T>) detail_enhance(image, mask, options, out);
  }

 private:
  DetailOptions options_;
  bool by_percentile_;
};

/// What the corrections share: counts in, counts in float32 out.
template <typename Filter>
class Correction : public FilterRecipe<Filter> {
 public:
  template <typename T>
  using Result = float;

  ToneLine line(const Picture& in, float) const {
    ToneLine line;
    line.lo = std::numeric_limits<float>::lowest();
    line.hi = std::numeric_limits<float>::max();
    if (in.itemsize == 4) line.fill = std::numeric_limits<float>::quiet_NaN();
    return line;
  }
  template <typename T>
  Nothing prepare(const StridedImage<T>&, const Mask&) const {
    return {};
  }

 protected:
  template <typename T>
  static void copy_counts(ImageView<const T> image, ImageView<float> out) {
    for (int y = 0; y < image.rows(); ++y) {
      std::transform(image.row(y), image.row(y) + image.cols(), out.row(y),
                     [](T count) { return static_cast<float>(count); });
    }
  }
};

class DestripeRecipe final : public Correction<DestripeRecipe> {
 public:
  explicit DestripeRecipe(const StripeOptions& options) : options_(options) {}

  template <typename T>
  void run(ImageView<const T> image, const Mask& mask, Nothing, ImageView<float> out) const {
    copy_counts(image, out);
    if (options_.columns) subtract(image, out, mask);
    if (!options_.rows) return;
    std::vector<float> turned;
    std::vector<std::uint8_t> turned_mask;
    const ImageView<float> columns = transposed<float>(out, turned);
    subtract(ImageView<const float>(columns), columns,
             mask.data() == nullptr ? Mask() : Mask(transposed<std::uint8_t>(mask, turned_mask)));
    for (int y = 0; y < out.rows(); ++y) {
      for (int x = 0; x < out.cols(); ++x) out.row(y)[x] = columns.row(x)[y];
    }
  }

 private:
  template <typename T>
  static ImageView<T> transposed(ImageView<const T> image, std::vector<T>& memory) {
    memory.resize(image.size());
    const ImageView<T> turned(memory.data(), image.cols(), image.rows());
    for (int y = 0; y < image.rows(); ++y) {
      for (int x = 0; x < image.cols(); ++x) turned.row(x)[y] = image.row(y)[x];
    }
    return turned;
  }

  /// Takes the offsets of `image` off `picture`, which holds the same counts.
  template <typename T>
  void subtract(ImageView<const T> image, ImageView<float> picture, const Mask& mask) const {
    std::vector<double> offsets = column_offsets(image, mask, options_.window);
    for (double& offset : offsets) {
      if (options_.limit > 0) offset = std::clamp(offset, -options_.limit, options_.limit);
      offset *= options_.strength;
    }
    subtract_columns(ImageView<const float>(picture), Span<const double>(offsets), picture);
  }

  StripeOptions options_;
};

class BadPixelRecipe final : public Correction<BadPixelRecipe> {
 public:
  BadPixelRecipe(PixelMap map, const BadPixelRule& rule) : map_(std::move(map)), rule_(rule) {}

  template <typename T>
  void run(ImageView<const T> image, const Mask& mask, Nothing, ImageView<float> out) const {
    thread_local std::vector<float> counts;
    counts.resize(image.size());
    const ImageView<float> plane(counts.data(), image.rows(), image.cols());
    copy_counts(image, plane);
    thread_local std::vector<std::uint8_t> found;
    replace_pixels(ImageView<const float>(plane), mask, bad_of(image, mask, found), out);
  }

 private:
  template <typename T>
  Mask bad_of(ImageView<const T> image, const Mask& mask, std::vector<std::uint8_t>& found) const {
    if (!map_.bad.empty()) {
      IRTD_REQUIRE(
          map_.rows == image.rows() && map_.cols == image.cols(),
          "map of " +
              size_text(static_cast<std::size_t>(map_.rows), static_cast<std::size_t>(map_.cols)) +
              " for a picture of " +
              size_text(static_cast<std::size_t>(image.rows()),
                        static_cast<std::size_t>(image.cols())));
      return {map_.bad.data(), map_.rows, map_.cols};
    }
    found.resize(image.size());
    const ImageView<std::uint8_t> bad(found.data(), image.rows(), image.cols());
    find_bad_pixels(image, mask, rule_, bad);
    return bad;
  }

  PixelMap map_;
  BadPixelRule rule_;
};

class TwoPointRecipe final : public Correction<TwoPointRecipe> {
 public:
  explicit TwoPointRecipe(TwoPointMaps maps) : maps_(std::move(maps)) {}

  template <typename T>
  void run(ImageView<const T> image, const Mask&, Nothing, ImageView<float> out) const {
    two_point(image, ImageView<const float>(maps_.gain.data(), maps_.rows, maps_.cols),
              ImageView<const float>(maps_.offset.data(), maps_.rows, maps_.cols), out);
  }

 private:
  TwoPointMaps maps_;
};

}  // namespace

RecipePtr make_clahe(const ClaheOptions& options) { return std::make_shared<ClaheRecipe>(options); }

RecipePtr make_detail(const DetailOptions& options, bool by_percentile) {
  return std::make_shared<DetailRecipe>(options, by_percentile);
}

RecipePtr make_destripe(const StripeOptions& options) {
  return std::make_shared<DestripeRecipe>(options);
}

RecipePtr make_bad_pixels(PixelMap map, const BadPixelRule& rule) {
  return std::make_shared<BadPixelRecipe>(std::move(map), rule);
}

RecipePtr make_two_point(TwoPointMaps maps) {
  const auto pixels = static_cast<std::size_t>(maps.rows) * static_cast<std::size_t>(maps.cols);
  IRTD_REQUIRE(maps.rows >= 0 && maps.cols >= 0 && maps.gain.size() == pixels &&
                   maps.offset.size() == pixels,
               "gain and offset have one number for each pixel");
  return std::make_shared<TwoPointRecipe>(std::move(maps));
}

}  // namespace irtd
