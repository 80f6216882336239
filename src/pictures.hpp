// NumPy images as core views.
#pragma once

#include "bindings.hpp"

namespace irtd::python {

template <typename T>
bool holds(const py::array& array) {
  return array.dtype().equal(py::dtype::of<T>());
}

/// An (h, w) or (h, w, c) array whose pixels are adjacent within a row; rows may be apart.
template <typename T>
ImageView<const T> image_view(const py::array& array) {
  IRTD_REQUIRE(array.ndim() == 2 || array.ndim() == 3, "an image is (h, w) or (h, w, c)");
  constexpr py::ssize_t kMaxSide = py::ssize_t{1} << 30;
  const py::ssize_t rows = array.shape(0);
  const py::ssize_t cols = array.shape(1);
  const py::ssize_t channels = array.ndim() == 3 ? array.shape(2) : 1;
  IRTD_REQUIRE(
      rows > 0 && cols > 0 && channels > 0 && rows <= kMaxSide && cols <= kMaxSide / channels,
      "an image has at least one pixel and sides below 2**30");
  constexpr auto kItem = static_cast<py::ssize_t>(sizeof(T));
  const bool packed = (cols == 1 || array.strides(1) == channels * kItem) &&
                      (channels == 1 || array.strides(2) == kItem);
  const py::ssize_t stride = rows == 1 ? cols * channels * kItem : array.strides(0);
  // A negative stride would be possible, but nobody needs it; a misaligned one would not.
  IRTD_REQUIRE(packed && stride >= 0 && stride % kItem == 0,
               "the pixels of a row must be adjacent: pass numpy.ascontiguousarray(image)");
  return {static_cast<const T*>(array.data()), static_cast<int>(rows), static_cast<int>(cols),
          static_cast<int>(channels), stride / kItem};
}

/// Calls body(view) with the view of the array's type.
template <typename Body>
auto with_image(const py::array& image, const Body& body) {
  if (holds<std::uint8_t>(image)) return body(image_view<std::uint8_t>(image));
  IRTD_REQUIRE(holds<std::uint16_t>(image), "an image is uint8 or uint16 in native byte order");
  return body(image_view<std::uint16_t>(image));
}

}  // namespace irtd::python
