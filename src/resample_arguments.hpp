// Names of types, filters, borders and layouts as Python passes them.
#pragma once

#include <string>

#include "bindings.hpp"
#include "irtd/resample.hpp"

namespace irtd::python {

/// A type of output pixels, and the NumPy type that holds them (bfloat16: its bits in uint16).
struct OutputType {
  PixelType type;
  py::dtype dtype;
};

inline OutputType output_type(const std::string& name) {
  if (name == "float32") return {PixelType::f32, py::dtype("f4")};
  if (name == "float16") return {PixelType::f16, py::dtype("f2")};
  if (name == "bfloat16") return {PixelType::bf16, py::dtype("u2")};
  if (name == "uint8") return {PixelType::u8, py::dtype("u1")};
  if (name == "uint16") return {PixelType::u16, py::dtype("u2")};
  if (name == "int32") return {PixelType::i32, py::dtype("i4")};
  throw py::value_error(
      "dtype must be float32, float16, bfloat16, uint8, uint16 or int32, found '" + name + "'");
}

inline Layout layout_of(const std::string& name) {
  if (name == "chw") return Layout::chw;
  if (name == "hwc") return Layout::hwc;
  throw py::value_error("layout must be chw or hwc, found '" + name + "'");
}

inline Filter filter_of(const std::string& name) {
  if (name == "nearest") return Filter::nearest;
  if (name == "bilinear") return Filter::bilinear;
  if (name == "area") return Filter::area;
  if (name == "antialias") return Filter::antialias;
  throw py::value_error("filter must be nearest, bilinear, area or antialias, found '" + name +
                        "'");
}

inline Border border_of(const std::string& name) {
  if (name == "replicate") return Border::replicate;
  if (name == "constant") return Border::constant;
  if (name == "reflect") return Border::reflect;
  if (name == "reflect101") return Border::reflect101;
  throw py::value_error("border must be replicate, constant, reflect or reflect101, found '" +
                        name + "'");
}

}  // namespace irtd::python
