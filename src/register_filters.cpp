// Filters: recipes that look at neighbours or at fixed patterns.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "irtd/clahe.hpp"
#include "irtd/detail_enhance.hpp"
#include "irtd/fixed_pattern.hpp"

namespace irtd::python {
namespace {

template <typename T>
bool holds(const py::array& array) {
  return array.dtype().equal(py::dtype::of<T>());
}

std::string shape_text(const py::array& array) {
  std::string text = py::str(py::tuple(array.attr("shape")));
  return text;
}

/// An (h, w) array whose pixels are adjacent within a row; rows may be apart.
template <typename T>
ImageView<const T> plane(const py::array& array, const char* what) {
  IRTD_REQUIRE(array.ndim() == 2,
               std::string(what) + " must be (h, w), found shape " + shape_text(array));
  constexpr py::ssize_t kMaxSide = py::ssize_t{1} << 30;
  const py::ssize_t rows = array.shape(0);
  const py::ssize_t cols = array.shape(1);
  IRTD_REQUIRE(rows > 0 && cols > 0 && rows <= kMaxSide && cols <= kMaxSide,
               std::string(what) + " must have 1 to 2**30 rows and columns, found shape " +
                   shape_text(array));
  constexpr auto kItem = static_cast<py::ssize_t>(sizeof(T));
  const py::ssize_t stride = rows == 1 ? cols * kItem : array.strides(0);
  IRTD_REQUIRE((cols == 1 || array.strides(1) == kItem) && stride >= 0 && stride % kItem == 0,
               std::string("the pixels of a row of ") + what +
                   " must be adjacent: pass numpy.ascontiguousarray(...)");
  return {static_cast<const T*>(array.data()), static_cast<int>(rows), static_cast<int>(cols), 1,
          stride / kItem};
}

/// The mask of valid pixels, or a view without data.
ImageView<const std::uint8_t> mask_view(const std::optional<py::array>& valid) {
  if (!valid) return {};
  IRTD_REQUIRE(holds<bool>(*valid), "valid must be bool, found another dtype");
  const ImageView<const bool> view = plane<bool>(*valid, "valid");
  static_assert(sizeof(bool) == 1);
  return {reinterpret_cast<const std::uint8_t*>(view.data()), view.rows(), view.cols(), 1,
          view.stride()};
}

/// A new (h, w) array of type Out with the picture's shape, made by body(view of it).
template <typename Out, typename T, typename Body>
py::array make_plane(ImageView<const T> view, const Body& body) {
  py::array out = pooled_array(py::dtype::of<Out>(), {view.rows(), view.cols()});
  const ImageView<Out> target(static_cast<Out*>(out.mutable_data()), view.rows(), view.cols());
  const GilRelease release;
  body(target);
  return out;
}

/// The pixel type of a view, for decltype.
template <typename T>
T pixel_of(ImageView<const T> view);

/// Calls body(view) with the view of the array's type, uint8 or uint16.
template <typename Body>
py::array with_counts(const py::array& image, const Body& body) {
  if (holds<std::uint8_t>(image)) return body(plane<std::uint8_t>(image, "image"));
  IRTD_REQUIRE(holds<std::uint16_t>(image),
               "image must be uint8 or uint16, found " + std::string(py::str(image.dtype())));
  return body(plane<std::uint16_t>(image, "image"));
}

py::array equalise_tiles(const py::array& image, double clip_limit, std::pair<int, int> tiles,
                         const std::optional<py::array>& valid, int threads) {
  ClaheOptions options;
  options.clip_limit = clip_limit;
  options.tiles_y = tiles.first;
  options.tiles_x = tiles.second;
  const ImageView<const std::uint8_t> mask = mask_view(valid);
  return with_counts(image, [&](const auto& view) {
    using Pixel = decltype(pixel_of(view));
    return make_plane<Pixel>(
        view, [&](const auto& target) { clahe(view, mask, options, target, threads); });
  });
}

py::array enhance(const py::array& image, double low, double high, int radius, double epsilon,
                  double gain, double noise, double base_share, const std::string& dtype,
                  const std::optional<py::array>& valid, int threads) {
  const DetailOptions options{low, high, radius, epsilon, gain, noise, base_share};
  const ImageView<const std::uint8_t> mask = mask_view(valid);
  return with_counts(image, [&](const auto& view) -> py::array {
    const auto body = [&](const auto& target) {
      detail_enhance(view, mask, options, target, threads);
    };
    if (dtype == "float32") return make_plane<float>(view, body);
    if (dtype == "uint8") return make_plane<std::uint8_t>(view, body);
    IRTD_REQUIRE(dtype == "uint16", "dtype must be float32, uint8 or uint16, found " + dtype);
    return make_plane<std::uint16_t>(view, body);
  });
}

/// Calls body(view) with the view of the array's type, uint8, uint16 or float32.
template <typename Body>
auto with_values(const py::array& image, const Body& body) {
  if (holds<std::uint8_t>(image)) return body(plane<std::uint8_t>(image, "image"));
  if (holds<std::uint16_t>(image)) return body(plane<std::uint16_t>(image, "image"));
  IRTD_REQUIRE(holds<float>(image), "image must be uint8, uint16 or float32, found " +
                                        std::string(py::str(image.dtype())));
  return body(plane<float>(image, "image"));
}

py::array offsets_of_columns(const py::array& image, int window,
                             const std::optional<py::array>& valid, int threads) {
  const ImageView<const std::uint8_t> mask = mask_view(valid);
  const std::vector<double> offsets = with_values(image, [&](const auto& view) {
    const GilRelease release;
    return column_offsets(view, mask, window, threads);
  });
  return py::array_t<double>(static_cast<py::ssize_t>(offsets.size()), offsets.data());
}

py::array take_columns_off(const py::array& image,
                           const py::array_t<double, py::array::c_style>& offsets) {
  return with_values(image, [&](const auto& view) {
    using Pixel = decltype(pixel_of(view));
    return make_plane<Pixel>(
        view, [&](const auto& target) { subtract_columns(view, span_of(offsets), target); });
  });
}

py::array bad_pixels(const py::array& image, double threshold, double minimum,
                     const std::optional<py::array>& valid, int threads) {
  const BadPixelRule rule{threshold, minimum};
  const ImageView<const std::uint8_t> mask = mask_view(valid);
  return with_values(image, [&](const auto& view) {
    return make_plane<bool>(view, [&](const auto& target) {
      // 0 and 1 are the two values of a bool.
      const ImageView<std::uint8_t> bad(reinterpret_cast<std::uint8_t*>(target.data()),
                                        target.rows(), target.cols());
      find_bad_pixels(view, mask, rule, bad, threads);
    });
  });
}

py::array replace_bad(const py::array& image, const py::array& bad,
                      const std::optional<py::array>& valid, int threads) {
  IRTD_REQUIRE(holds<bool>(bad), "bad must be bool, found " + std::string(py::str(bad.dtype())));
  const ImageView<const std::uint8_t> map = mask_view(bad);
  const ImageView<const std::uint8_t> mask = mask_view(valid);
  return with_values(image, [&](const auto& view) {
    using Pixel = decltype(pixel_of(view));
    return make_plane<Pixel>(
        view, [&](const auto& target) { replace_pixels(view, mask, map, target, threads); });
  });
}

py::array correct_two_point(const py::array& image, const py::array& gain, const py::array& offset,
                            const std::string& dtype) {
  IRTD_REQUIRE(holds<float>(gain) && holds<float>(offset), "gain and offset must be float32");
  const ImageView<const float> gains = plane<float>(gain, "gain");
  const ImageView<const float> offsets = plane<float>(offset, "offset");
  return with_values(image, [&](const auto& view) -> py::array {
    const auto body = [&](const auto& target) { two_point(view, gains, offsets, target); };
    if (dtype == "float32") return make_plane<float>(view, body);
    if (dtype == "uint8") return make_plane<std::uint8_t>(view, body);
    IRTD_REQUIRE(dtype == "uint16", "dtype must be float32, uint8 or uint16, found " + dtype);
    return make_plane<std::uint16_t>(view, body);
  });
}

void register_fixed_pattern(py::module_& m) {
  m.def("two_point", &correct_two_point, py::arg("image").noconvert(), py::arg("gain").noconvert(),
        py::arg("offset").noconvert(), py::kw_only(), py::arg("dtype") = "float32",
        "gain * v + offset with maps of the image's shape, in float32; whole numbers are rounded\n"
        "half to even and saturate.");
  m.def("column_offsets", &offsets_of_columns, py::arg("image").noconvert(), py::kw_only(),
        py::arg("window"), py::arg("valid").noconvert() = py::none(), py::arg("threads") = 1,
        "Offset of every column of a uint8, uint16 or float32 (h, w) image against its\n"
        "neighbours, in counts (float64): the median over the rows of the value less the mean of\n"
        "the columns up to `window` away.");
  m.def("subtract_columns", &take_columns_off, py::arg("image").noconvert(),
        py::arg("offsets").noconvert(),
        "The image less one offset per column; whole numbers are rounded and saturate.");
  m.def("find_bad_pixels", &bad_pixels, py::arg("image").noconvert(), py::kw_only(),
        py::arg("threshold"), py::arg("minimum"), py::arg("valid").noconvert() = py::none(),
        py::arg("threads") = 1,
        "Map (h, w) bool of single pixels above or below all their neighbours by more than\n"
        "max(threshold * sigma, minimum) counts; sigma is the noise of adjacent pixels.");
  m.def("replace_pixels", &replace_bad, py::arg("image").noconvert(), py::arg("bad").noconvert(),
        py::kw_only(), py::arg("valid").noconvert() = py::none(), py::arg("threads") = 1,
        "The image with every bad pixel replaced by the median of its good neighbours.");
}

}  // namespace

void register_filters(py::module_& m) {
  m.def(
      "clahe", &equalise_tiles, py::arg("image").noconvert(), py::kw_only(), py::arg("clip_limit"),
      py::arg("tiles"), py::arg("valid").noconvert() = py::none(), py::arg("threads") = 1,
      "Contrast limited adaptive histogram equalisation of a uint8 or uint16 (h, w) image, level\n"
      "for level as OpenCV; tiles is (rows, columns). Pixels that are not valid enter no\n"
      "histogram, and their results are unspecified.");
  m.def("detail_enhance", &enhance, py::arg("image").noconvert(), py::kw_only(), py::arg("low"),
        py::arg("high"), py::arg("radius"), py::arg("epsilon"), py::arg("gain"), py::arg("noise"),
        py::arg("base_share"), py::arg("dtype") = "float32",
        py::arg("valid").noconvert() = py::none(), py::arg("threads") = 1,
        "Base and detail of a uint8 or uint16 (h, w) image split by a guided filter, the detail\n"
        "gated and amplified, the base compressed; 0..1 in float32, or the type's whole range.\n"
        "Counts low and high are 0 and 1 of the base; epsilon and noise are shares of high - low.");
  register_fixed_pattern(m);
}

}  // namespace irtd::python
