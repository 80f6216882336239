// Shared helpers of the bindings, and one register function per topic.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <string>

#include "gil.hpp"
#include "irtd/error.hpp"
#include "irtd/view.hpp"

namespace irtd::python {

namespace py = pybind11;

void register_image(py::module_& m);
void register_hash(py::module_& m);
void register_boxes(py::module_& m);
void register_iou(py::module_& m);
void register_radiometry(py::module_& m);
void register_recipe(py::module_& m);
void register_store(py::module_& m);
void register_ceiling(py::module_& m);
void register_effects(py::module_& m);
void register_batch(py::module_& m);
void register_resample(py::module_& m);
void register_build(py::module_& m);
void register_filters(py::module_& m);
void register_rows(py::module_& m);
void register_voc(py::module_& m);
void register_filter_recipes(py::module_& m);

/// A contiguous read-only buffer of any element type, held while its bytes are in use.
class ByteView {
 public:
  explicit ByteView(const py::buffer& buffer) : info_(buffer.request()) {
    py::ssize_t expected = info_.itemsize;
    for (py::ssize_t i = info_.ndim; i-- > 0;) {
      const auto axis = static_cast<std::size_t>(i);
      if (info_.shape[axis] > 1 && info_.strides[axis] != expected) {
        throw py::value_error("expected a C-contiguous buffer");
      }
      expected *= info_.shape[axis];
    }
  }
  Bytes bytes() const {
    return {static_cast<const std::uint8_t*>(info_.ptr),
            static_cast<std::size_t>(info_.size * info_.itemsize)};
  }

 private:
  py::buffer_info info_;
};

/// Bytes of a writable C-contiguous array.
inline MutableBytes mutable_bytes(py::array& array) {
  if (!(array.flags() & py::array::c_style)) {
    throw py::value_error("expected a C-contiguous array");
  }
  return {static_cast<std::uint8_t*>(array.mutable_data()),
          static_cast<std::size_t>(array.nbytes())};
}

}  // namespace irtd::python
