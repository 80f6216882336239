// Intersection over union.
#include "irtd/iou.hpp"
#include "ragged.hpp"

namespace irtd::python {
namespace {

using Iou = void (*)(Span<const float>, Span<const float>, double*);

Doubles matrix(Iou iou, py::ssize_t columns, const Floats& a, const Floats& b) {
  require_columns("a", a, columns);
  require_columns("b", b, columns);
  Doubles out({a.shape(0), b.shape(0)});
  const Span<const float> rows(a.data(), static_cast<std::size_t>(a.size()));
  const Span<const float> against(b.data(), static_cast<std::size_t>(b.size()));
  double* to = out.mutable_data();
  const GilRelease release;
  iou(rows, against, to);
  return out;
}

}  // namespace

void register_iou(py::module_& m) {
  m.def(
      "box_iou", [](const Floats& a, const Floats& b) { return matrix(&box_iou, 4, a, b); },
      py::arg("a").noconvert(), py::arg("b").noconvert(),
      "Intersection over union of every box of a (n, 4) with every box of b (m, 4), float64\n"
      "(n, m). 0 where a box is not finite, inverted or without area.");
  m.def(
      "corners_iou", [](const Floats& a, const Floats& b) { return matrix(&corners_iou, 8, a, b); },
      py::arg("a").noconvert(), py::arg("b").noconvert(),
      "Intersection over union of oriented boxes, corners (n, 8) and (m, 8): float64 (n, m),\n"
      "exact, of the convex hulls of the corners. 0 where a box is not finite or without area.");
}

}  // namespace irtd::python
