// Paths and texts of the operating system, which need not be UTF-8.
#pragma once

#include <string>
#include <vector>

#include "bindings.hpp"

namespace irtd::python {

/// A path as the operating system has it: undecodable bytes survive in surrogates.
inline std::string os_path(const py::handle& path) {
  const py::object encoded =
      py::reinterpret_steal<py::object>(PyUnicode_EncodeFSDefault(path.ptr()));
  if (!encoded) throw py::error_already_set();
  return py::reinterpret_borrow<py::bytes>(encoded);
}

inline std::vector<std::string> os_paths(const py::list& paths) {
  std::vector<std::string> names;
  names.reserve(paths.size());
  for (const py::handle& path : paths) {
    if (!py::isinstance<py::str>(path)) throw py::type_error("paths are strings");
    names.push_back(os_path(path));
  }
  return names;
}

/// A message that may quote the operating system.
inline py::object text_of(const std::string& message) {
  return py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(message.data(), static_cast<py::ssize_t>(message.size()), "replace"));
}

}  // namespace irtd::python
