// Table of contents of irtd_fast._core, and the one place where core errors become Python's.
#include "bindings.hpp"

namespace py = pybind11;

namespace {

const char* exception_name(irtd::Errc code) {
  switch (code) {
    case irtd::Errc::decode:
      return "DecodeError";
    case irtd::Errc::format:
      return "StoreFormatError";
    case irtd::Errc::corrupt:
      return "CorruptStoreError";
    case irtd::Errc::unsupported:
      return "UnsupportedError";
    default:
      return nullptr;
  }
}

std::string describe(const irtd::Error& error) {
  std::string text = error.what();
  if (error.row() >= 0) text = "row " + std::to_string(error.row()) + ": " + text;
  return error.path().empty() ? text : error.path() + ": " + text;
}

/// The Python exception that a core error means, not raised.
py::object as_exception(const irtd::Error& error) {
  const py::module_ builtins = py::module_::import("builtins");
  if (error.code() == irtd::Errc::invalid_argument)
    return builtins.attr("ValueError")(describe(error));
  if (error.code() == irtd::Errc::io) {
    return builtins.attr("OSError")(error.os_errno(), error.what(), error.path());
  }
  const char* name = exception_name(error.code());
  if (name == nullptr) return builtins.attr("RuntimeError")(describe(error));
  py::dict where;
  if (!error.path().empty()) where["path"] = error.path();
  if (error.row() >= 0) where["row"] = error.row();
  return py::module_::import("irtd_fast.errors").attr(name)(describe(error), **where);
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "Native core of irtd_fast: shards, codecs, JPEG, resampling, boxes.";
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const irtd::Error& error) {
      const py::object value = as_exception(error);
      PyErr_SetObject(py::type::of(value).ptr(), value.ptr());
    }
  });
  irtd::python::register_build(m);
  irtd::python::register_image(m);
  irtd::python::register_hash(m);
  irtd::python::register_resample(m);
  irtd::python::register_filters(m);
  irtd::python::register_boxes(m);
  irtd::python::register_iou(m);
  irtd::python::register_radiometry(m);
  irtd::python::register_recipe(m);
  irtd::python::register_filter_recipes(m);
  irtd::python::register_store(m);
  irtd::python::register_ceiling(m);
  irtd::python::register_effects(m);
  irtd::python::register_batch(m);
  irtd::python::register_rows(m);
  irtd::python::register_voc(m);
}
