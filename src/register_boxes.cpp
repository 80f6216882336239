// Boxes of a batch under one affine per sample.
#include <algorithm>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "irtd/boxes.hpp"

namespace irtd::python {
namespace {

using Floats = py::array_t<float, py::array::c_style>;
using Doubles = py::array_t<double, py::array::c_style>;
using Counts = py::array_t<std::uint64_t, py::array::c_style>;

BoxPolicy policy_of(const std::string& name) {
  if (name == "clip") return BoxPolicy::clip;
  if (name == "keep") return BoxPolicy::keep;
  IRTD_REQUIRE(name == "drop", "policy is \"clip\", \"keep\" or \"drop\"");
  return BoxPolicy::drop;
}

void require_shapes(const Floats& boxes, const Counts& offsets, const Doubles& matrices) {
  IRTD_REQUIRE(boxes.ndim() == 2 && boxes.shape(1) == 4, "boxes is (n, 4)");
  IRTD_REQUIRE(offsets.ndim() == 1 && offsets.size() >= 1, "offsets is (samples + 1,)");
  IRTD_REQUIRE(matrices.ndim() == 3 && matrices.shape(0) == offsets.size() - 1 &&
                   matrices.shape(1) == 2 && matrices.shape(2) == 3,
               "matrices is (samples, 2, 3)");
  const std::uint64_t* begin = offsets.data();
  const std::uint64_t* end = begin + offsets.size();
  IRTD_REQUIRE(*begin == 0 && *(end - 1) == static_cast<std::uint64_t>(boxes.shape(0)) &&
                   std::is_sorted(begin, end),
               "offsets rise from 0 to the number of boxes");
}

/// What stays, before it becomes arrays.
struct Kept {
  std::vector<float> boxes;
  std::vector<std::int64_t> index;
  std::vector<float> visible;
  std::vector<std::uint64_t> offsets;
  std::size_t count = 0;
};

Kept remap_all(const float* boxes, Span<const std::uint64_t> offsets, const double* matrices,
               const BoxOptions& options) {
  Kept kept;
  const auto n = static_cast<std::size_t>(offsets[offsets.size() - 1]);
  kept.boxes.resize(4 * n);
  kept.index.resize(n);
  kept.visible.resize(n);
  kept.offsets.assign(offsets.size(), 0);
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    const auto first = static_cast<std::size_t>(offsets[s]);
    const std::size_t size = static_cast<std::size_t>(offsets[s + 1]) - first;
    std::int64_t* index = kept.index.data() + kept.count;
    const std::size_t stay =
        remap_boxes({boxes + 4 * first, 4 * size}, matrices + 6 * s, options,
                    kept.boxes.data() + 4 * kept.count, index, kept.visible.data() + kept.count);
    for (std::size_t i = 0; i < stay; ++i) index[i] += static_cast<std::int64_t>(first);
    kept.count += stay;
    kept.offsets[s + 1] = kept.count;
  }
  return kept;
}

py::tuple remap(const Floats& boxes, const Counts& offsets, const Doubles& matrices,
                std::pair<int, int> size, double min_visible, double min_size,
                const std::string& policy) {
  require_shapes(boxes, offsets, matrices);
  const BoxOptions options{size.first, size.second, min_visible, min_size, policy_of(policy)};
  require_box_options(options);
  const float* from = boxes.data();
  const double* by = matrices.data();
  const Span<const std::uint64_t> rows(offsets.data(), static_cast<std::size_t>(offsets.size()));
  Kept kept;
  {
    const py::gil_scoped_release release;
    kept = remap_all(from, rows, by, options);
  }
  const auto count = static_cast<py::ssize_t>(kept.count);
  return py::make_tuple(py::array_t<float>({count, py::ssize_t{4}}, kept.boxes.data()),
                        py::array_t<std::int64_t>(count, kept.index.data()),
                        py::array_t<std::uint64_t>(static_cast<py::ssize_t>(kept.offsets.size()),
                                                   kept.offsets.data()),
                        py::array_t<float>(count, kept.visible.data()));
}

}  // namespace

void register_boxes(py::module_& m) {
  m.def("remap_boxes", &remap, py::arg("boxes").noconvert(), py::arg("offsets").noconvert(),
        py::arg("matrices").noconvert(), py::arg("sizes"), py::kw_only(),
        py::arg("min_visible") = 0.0, py::arg("min_size") = 0.0, py::arg("policy") = "clip",
        "Map xyxy boxes through one 2x3 affine per sample and filter them.\n\n"
        "boxes float32 (n, 4) in source pixels, offsets uint64 (samples + 1,), matrices float64\n"
        "(samples, 2, 3), sizes the (height, width) of the output frame. Returns (boxes float32\n"
        "(m, 4), kept int64 (m,) indices into the input, offsets uint64 (samples + 1,), visible\n"
        "fraction float32 (m,)). A box is the hull of its mapped corners; it goes if less than\n"
        "min_visible of it is in the frame, if a side of its visible part is below min_size, by\n"
        "the policy (clip at the frame, keep as it is, drop unless wholly inside within 0.001\n"
        "pixel), or if it is not finite or inverted. Nothing in the boxes raises.");
}

}  // namespace irtd::python
