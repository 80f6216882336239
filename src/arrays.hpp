// NumPy arrays over recycled buffers, and NumPy views as core spans.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "irtd/buffer_pool.hpp"

namespace irtd::python {

/// A new uninitialised array whose memory goes back to the pool when the array dies.
inline py::array pooled_array(const py::dtype& dtype, const std::vector<py::ssize_t>& shape) {
  std::size_t bytes = static_cast<std::size_t>(dtype.itemsize());
  for (const py::ssize_t n : shape) bytes *= static_cast<std::size_t>(n);
  auto holder = std::make_unique<PooledBuffer>(acquire_buffer(bytes));
  std::uint8_t* data = holder->data();
  const py::capsule owner(holder.release(), [](void* p) { delete static_cast<PooledBuffer*>(p); });
  return py::array(dtype, shape, data, owner);
}

/// `out` if given (checked), else a pooled array.
inline py::array output_array(const py::object& out, const py::dtype& dtype,
                              const std::vector<py::ssize_t>& shape) {
  if (out.is_none()) return pooled_array(dtype, shape);
  if (!py::isinstance<py::array>(out)) throw py::type_error("out must be a NumPy array");
  auto array = py::reinterpret_borrow<py::array>(out);
  const bool same_shape = static_cast<std::size_t>(array.ndim()) == shape.size() &&
                          std::equal(shape.begin(), shape.end(), array.shape());
  if (!same_shape || !array.dtype().is(dtype)) {
    if (!same_shape || !array.dtype().equal(dtype)) {
      throw py::value_error("out has a wrong shape or dtype");
    }
  }
  return array;
}

using Int64Array = py::array_t<std::int64_t, py::array::c_style>;

template <typename T>
Span<const T> span_of(const py::array_t<T, py::array::c_style>& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

template <typename T>
std::vector<T> vector_of(const py::array_t<T, py::array::c_style>& array) {
  return std::vector<T>(array.data(), array.data() + array.size());
}

}  // namespace irtd::python
