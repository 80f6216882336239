// Boxes, oriented boxes, points and polygons of a batch under one affine per sample.
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "irtd/boxes.hpp"
#include "irtd/oriented.hpp"
#include "irtd/polygon.hpp"
#include "ragged.hpp"

namespace irtd::python {
namespace {

using Remap = std::size_t (*)(Span<const float>, const double*, const BoxOptions&, const Remapped&);

/// One (height, width) for all samples, or (samples, 2) of them.
using Sizes = std::variant<std::pair<int, int>, py::array_t<std::int32_t, py::array::c_style>>;

/// The options of each sample.
std::vector<BoxOptions> options_of(const Sizes& sizes, py::ssize_t samples, double min_visible,
                                   double min_size, const std::string& policy) {
  if (const auto* one = std::get_if<std::pair<int, int>>(&sizes)) {
    return {static_cast<std::size_t>(samples), box_options(*one, min_visible, min_size, policy)};
  }
  const auto& table = std::get<1>(sizes);
  if (table.ndim() != 2 || table.shape(0) != samples || table.shape(1) != 2) {
    throw py::value_error("sizes must be (height, width) or (samples, 2)");
  }
  std::vector<BoxOptions> options;
  for (py::ssize_t i = 0; i < samples; ++i) {
    const std::pair<int, int> size(table.at(i, 0), table.at(i, 1));
    options.push_back(box_options(size, min_visible, min_size, policy));
  }
  return options;
}

/// Everything of fixed width: boxes (4), corners (8), points (2).
py::tuple remap_rows(Remap remap, const char* name, py::ssize_t columns, const Floats& values,
                     const Offsets& offsets, const Doubles& matrices, const Sizes& sizes,
                     double min_visible, double min_size, const std::string& policy) {
  require_columns(name, values, columns);
  require_offsets("offsets", offsets, values.shape(0));
  require_matrices(matrices, offsets);
  const std::vector<BoxOptions> options =
      options_of(sizes, offsets.size() - 1, min_visible, min_size, policy);
  const py::ssize_t n = values.shape(0);
  Floats out({n, columns});
  Indices kept(n);
  Floats visible(n);
  Fates fates(n);
  Offsets ends(offsets.size());
  const float* from = values.data();
  const double* matrix = matrices.data();
  const Span<const std::uint64_t> rows(offsets.data(), static_cast<std::size_t>(offsets.size()));
  std::uint64_t* end = ends.mutable_data();
  Remapped to{out.mutable_data(), kept.mutable_data(), visible.mutable_data(),
              fates.mutable_data()};
  std::uint64_t count = 0;
  {
    const GilRelease release;
    const auto width = static_cast<std::size_t>(columns);
    end[0] = 0;
    for (std::size_t s = 0; s + 1 < rows.size(); ++s) {
      const auto first = static_cast<std::size_t>(rows[s]);
      const std::size_t size = static_cast<std::size_t>(rows[s + 1]) - first;
      const std::size_t stay =
          remap({from + width * first, width * size}, matrix + 6 * s, options[s], to);
      for (std::size_t i = 0; i < stay; ++i) to.kept[i] += static_cast<std::int64_t>(first);
      to = {to.values + width * stay, to.kept + stay, to.visible + stay, to.fates + size};
      count += stay;
      end[s + 1] = count;
    }
  }
  return py::make_tuple(head(out, count), head(kept, count), ends, head(visible, count), fates);
}

py::tuple remap_box_rows(const Floats& boxes, const Offsets& offsets, const Doubles& matrices,
                         const Sizes& sizes, double min_visible, double min_size,
                         const std::string& policy) {
  return remap_rows(&remap_boxes, "boxes", 4, boxes, offsets, matrices, sizes, min_visible,
                    min_size, policy);
}

py::tuple remap_corner_rows(const Floats& corners, const Offsets& offsets, const Doubles& matrices,
                            const Sizes& sizes, double min_visible, double min_size,
                            const std::string& policy) {
  return remap_rows(&remap_corners, "corners", 8, corners, offsets, matrices, sizes, min_visible,
                    min_size, policy);
}

py::tuple remap_point_rows(const Floats& points, const Offsets& offsets, const Doubles& matrices,
                           const Sizes& sizes, const std::string& policy) {
  return remap_rows(&remap_points, "points", 2, points, offsets, matrices, sizes, 0, 0, policy);
}

py::tuple remap_polygon_rows(const Floats& vertices, const Offsets& polygons,
                             const Offsets& offsets, const Doubles& matrices,
                             std::pair<int, int> size, double min_visible, double min_size,
                             const std::string& policy) {
  require_columns("vertices", vertices, 2);
  require_offsets("polygons", polygons, vertices.shape(0));
  require_offsets("offsets", offsets, polygons.size() - 1);
  require_matrices(matrices, offsets);
  const BoxOptions options = box_options(size, min_visible, min_size, policy);
  const Span<const float> from(vertices.data(), static_cast<std::size_t>(vertices.size()));
  const Span<const std::uint64_t> cuts(polygons.data(), static_cast<std::size_t>(polygons.size()));
  const Span<const std::uint64_t> rows(offsets.data(), static_cast<std::size_t>(offsets.size()));
  const double* matrix = matrices.data();
  Fates fates(polygons.size() - 1);
  Offsets ends(offsets.size());
  std::uint8_t* fate = fates.mutable_data();
  std::uint64_t* end = ends.mutable_data();
  RemappedPolygons out;
  out.offsets.push_back(0);
  {
    const GilRelease release;
    end[0] = 0;
    for (std::size_t s = 0; s + 1 < rows.size(); ++s) {
      const auto first = static_cast<std::size_t>(rows[s]);
      const auto last = static_cast<std::size_t>(rows[s + 1]);
      remap_polygons(from, cuts, first, last, matrix + 6 * s, options, out, fate + first);
      end[s + 1] = out.kept.size();
    }
  }
  const auto count = static_cast<py::ssize_t>(out.kept.size());
  const auto corners = static_cast<py::ssize_t>(out.vertices.size() / 2);
  return py::make_tuple(Floats({corners, py::ssize_t{2}}, out.vertices.data()),
                        Offsets(count + 1, out.offsets.data()), Indices(count, out.kept.data()),
                        ends, Floats(count, out.visible.data()), fates);
}

constexpr const char* kBoxesDoc =
    "Map xyxy boxes through one 2x3 affine per sample and filter them.\n\n"
    "boxes float32 (n, 4) in source pixels, offsets uint64 (samples + 1,), matrices float64\n"
    "(samples, 2, 3), sizes the (height, width) of the output frame, or (samples, 2) int32 of "
    "each\n"
    "sample's. Returns (boxes float32\n"
    "(m, 4), kept int64 (m,) indices into the input, offsets uint64 (samples + 1,), visible\n"
    "fraction float32 (m,), fates uint8 (n,): geometry.Fate of every input). A box is the hull of\n"
    "its mapped corners; it goes if less than min_visible of it is in the frame, if a side of its\n"
    "visible part is below min_size, by the policy (clip at the frame, keep as it is, drop unless\n"
    "wholly inside within 0.001 pixel), or if it is not finite or inverted. Nothing in the boxes\n"
    "raises.";

constexpr const char* kCornersDoc =
    "Map oriented boxes, corners float32 (n, 8), as remap_boxes maps boxes.\n\n"
    "Every corner is mapped exactly; visible fractions are exact areas of the cut convex hull.\n"
    "clip replaces a box by the smallest one with its edge directions that holds its visible\n"
    "part, whose corners may lie beyond the frame. Sides are those along its own edges.";

constexpr const char* kPointsDoc =
    "Map points float32 (n, 2) as remap_boxes maps boxes.\n\n"
    "Inside is 0 <= x < width and 0 <= y < height; a point that misses by no more than 0.001\n"
    "pixel is moved there. clip and drop let go of all others, keep of what is not finite.";

constexpr const char* kPolygonsDoc =
    "Map polygons as remap_boxes maps boxes.\n\n"
    "vertices float32 (v, 2); polygons uint64 (n + 1,) cuts them into polygons, offsets uint64\n"
    "(samples + 1,) the polygons into samples. Returns (vertices, polygons, kept, offsets,\n"
    "visible, fates). clip replaces a polygon by its part in the frame (Sutherland-Hodgman).";

}  // namespace

void register_boxes(py::module_& m) {
  m.def("remap_boxes", &remap_box_rows, py::arg("boxes").noconvert(),
        py::arg("offsets").noconvert(), py::arg("matrices").noconvert(), py::arg("sizes"),
        py::kw_only(), py::arg("min_visible") = 0.0, py::arg("min_size") = 0.0,
        py::arg("policy") = "clip", kBoxesDoc);
  m.def("remap_corners", &remap_corner_rows, py::arg("corners").noconvert(),
        py::arg("offsets").noconvert(), py::arg("matrices").noconvert(), py::arg("sizes"),
        py::kw_only(), py::arg("min_visible") = 0.0, py::arg("min_size") = 0.0,
        py::arg("policy") = "clip", kCornersDoc);
  m.def("remap_points", &remap_point_rows, py::arg("points").noconvert(),
        py::arg("offsets").noconvert(), py::arg("matrices").noconvert(), py::arg("sizes"),
        py::kw_only(), py::arg("policy") = "clip", kPointsDoc);
  m.def("remap_polygons", &remap_polygon_rows, py::arg("vertices").noconvert(),
        py::arg("polygons").noconvert(), py::arg("offsets").noconvert(),
        py::arg("matrices").noconvert(), py::arg("sizes"), py::kw_only(),
        py::arg("min_visible") = 0.0, py::arg("min_size") = 0.0, py::arg("policy") = "clip",
        kPolygonsDoc);
}

}  // namespace irtd::python
