// Ragged shapes of a batch: checks of their arrays, and the arrays that a remapping fills.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "bindings.hpp"
#include "irtd/boxes.hpp"

namespace irtd::python {

using Floats = py::array_t<float, py::array::c_style>;
using Doubles = py::array_t<double, py::array::c_style>;
using Offsets = py::array_t<std::uint64_t, py::array::c_style>;
using Indices = py::array_t<std::int64_t, py::array::c_style>;
using Fates = py::array_t<std::uint8_t, py::array::c_style>;

inline std::string shape_text(const py::array& array) {
  std::string text = "(";
  for (py::ssize_t i = 0; i < array.ndim(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(array.shape(i));
  }
  return text + ")";
}

inline void require_columns(const char* name, const Floats& values, py::ssize_t columns) {
  if (values.ndim() == 2 && values.shape(1) == columns) return;
  throw_invalid(std::string(name) + " is (n, " + std::to_string(columns) + "), found " +
                shape_text(values));
}

inline void require_offsets(const char* name, const Offsets& offsets, py::ssize_t count) {
  const std::uint64_t* begin = offsets.data();
  const std::uint64_t* end = begin + offsets.size();
  if (offsets.ndim() == 1 && begin != end && *begin == 0 &&
      *(end - 1) == static_cast<std::uint64_t>(count) && std::is_sorted(begin, end)) {
    return;
  }
  throw_invalid(std::string(name) + " is (parts + 1,) and rises from 0 to the number of what it " +
                "cuts, " + std::to_string(count) + "; found shape " + shape_text(offsets));
}

inline void require_matrices(const Doubles& matrices, const Offsets& offsets) {
  if (matrices.ndim() == 3 && matrices.shape(0) == offsets.size() - 1 && matrices.shape(1) == 2 &&
      matrices.shape(2) == 3) {
    return;
  }
  throw_invalid("matrices is (samples, 2, 3) for the " + std::to_string(offsets.size() - 1) +
                " samples of offsets, found " + shape_text(matrices));
}

inline BoxOptions box_options(std::pair<int, int> size, double min_visible, double min_size,
                              const std::string& policy) {
  BoxOptions options{size.first, size.second, min_visible, min_size, BoxPolicy::clip};
  if (policy == "keep") {
    options.policy = BoxPolicy::keep;
  } else if (policy == "drop") {
    options.policy = BoxPolicy::drop;
  } else if (policy != "clip") {
    throw_invalid("policy is \"clip\", \"keep\" or \"drop\", found \"" + policy + "\"");
  }
  require_box_options(options);
  return options;
}

/// The first `count` rows of an array, which stays alive as their owner.
template <typename T>
py::array head(const py::array_t<T, py::array::c_style>& array, std::size_t count) {
  const auto rows = static_cast<py::ssize_t>(count);
  if (rows == array.shape(0)) return array;
  std::vector<py::ssize_t> shape(array.shape(), array.shape() + array.ndim());
  shape[0] = rows;
  return py::array_t<T>(shape, array.data(), array);
}

}  // namespace irtd::python
