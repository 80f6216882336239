// NumPy arrays as strided pictures and masks, for the bindings of radiometry.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bindings.hpp"
#include "irtd/tone.hpp"

namespace irtd::python {

using OptionalMask = std::optional<py::array>;

template <typename T>
bool holds(const py::array& array) {
  return array.dtype().equal(py::dtype::of<T>());
}

inline std::string text_of(const py::handle& value) { return py::str(value); }

template <typename T>
StridedImage<T> strided_view(const py::array& array, int first_axis) {
  const int axes = static_cast<int>(array.ndim()) - first_axis;
  if (axes != 2 && axes != 3) {
    throw py::value_error("expected (h, w) or (h, w, c), found shape " +
                          text_of(array.attr("shape")));
  }
  StridedImage<T> view;
  view.data = static_cast<const std::uint8_t*>(array.data());
  view.rows = static_cast<std::size_t>(array.shape(first_axis));
  view.cols = static_cast<std::size_t>(array.shape(first_axis + 1));
  view.row_stride = array.strides(first_axis);
  view.col_stride = array.strides(first_axis + 1);
  if (axes == 3) {
    view.channels = static_cast<std::size_t>(array.shape(first_axis + 2));
    view.channel_stride = array.strides(first_axis + 2);
  }
  return view;
}

inline ValidMask mask_view(const OptionalMask& valid, const py::array& image, int first_axis) {
  if (!valid) return {};
  bool fits = holds<bool>(*valid) && valid->ndim() == first_axis + 2;
  for (int axis = 0; fits && axis < first_axis + 2; ++axis) {
    fits = valid->shape(axis) == image.shape(axis);
  }
  if (!fits) {
    throw py::value_error("valid must be bool of the picture's height and width, found " +
                          text_of(valid->dtype()) + " " + text_of(valid->attr("shape")));
  }
  ValidMask mask = strided_view<std::uint8_t>(*valid, first_axis);
  static constexpr std::uint8_t kNothing = 0;
  if (mask.data == nullptr) mask.data = &kNothing;
  return mask;
}

/// Calls body(view) with the view of the array's type.
template <typename Body>
auto with_pixels(const py::array& image, int first_axis, const Body& body) {
  if (holds<std::uint8_t>(image)) return body(strided_view<std::uint8_t>(image, first_axis));
  if (holds<std::uint16_t>(image)) return body(strided_view<std::uint16_t>(image, first_axis));
  if (holds<float>(image)) return body(strided_view<float>(image, first_axis));
  throw py::value_error("an image is uint8, uint16 or float32 in native byte order, found " +
                        text_of(image.dtype().attr("str")));
}

/// The same for counts only.
template <typename Body>
auto with_counts(const py::array& image, int first_axis, const Body& body) {
  if (holds<std::uint8_t>(image)) return body(strided_view<std::uint8_t>(image, first_axis));
  if (holds<std::uint16_t>(image)) return body(strided_view<std::uint16_t>(image, first_axis));
  throw py::value_error("counts are uint8 or uint16 in native byte order, found " +
                        text_of(image.dtype().attr("str")));
}

struct Target {
  ToneType type;
  py::dtype dtype;
};

inline Target target_of(const std::string& name) {
  if (name == "float32") return {ToneType::f32, py::dtype::of<float>()};
  if (name == "float16") return {ToneType::f16, py::dtype("f2")};
  if (name == "bfloat16") return {ToneType::bf16, py::dtype::of<std::uint16_t>()};
  if (name == "uint8") return {ToneType::u8, py::dtype::of<std::uint8_t>()};
  if (name == "uint16") return {ToneType::u16, py::dtype::of<std::uint16_t>()};
  throw py::value_error("dtype must be float32, float16, bfloat16, uint8 or uint16, found " + name);
}

inline std::vector<py::ssize_t> shape_of(const py::array& array) {
  return {array.shape(), array.shape() + array.ndim()};
}

}  // namespace irtd::python
