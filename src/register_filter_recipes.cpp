// The filters as native recipes.
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "irtd/filter_recipes.hpp"

namespace irtd::python {
namespace {

using Floats = py::array_t<float, py::array::c_style>;
using Bools = py::array_t<bool, py::array::c_style>;
// pybind11 holds no pointers to const; nothing in NativeRecipe can change anyway.
using MutableRecipe = std::shared_ptr<NativeRecipe>;

MutableRecipe shared(const RecipePtr& recipe) {
  return std::const_pointer_cast<NativeRecipe>(recipe);
}

template <typename T>
std::pair<int, int> size_of(const py::array_t<T, py::array::c_style>& map) {
  IRTD_REQUIRE(map.ndim() == 2 && map.shape(0) <= (1 << 24) && map.shape(1) <= (1 << 24),
               "a map is (h, w), with sides of at most 2^24");
  return {static_cast<int>(map.shape(0)), static_cast<int>(map.shape(1))};
}

MutableRecipe clahe_of(double clip_limit, std::pair<int, int> tiles) {
  return shared(make_clahe({clip_limit, tiles.first, tiles.second}));
}

MutableRecipe detail_of(double low, double high, bool by_percentile, int radius, double epsilon,
                        double gain, double noise, double base_share) {
  return shared(make_detail({low, high, radius, epsilon, gain, noise, base_share}, by_percentile));
}

MutableRecipe destripe_of(bool columns, bool rows, int window, double strength, double limit) {
  return shared(make_destripe({columns, rows, window, strength, limit}));
}

MutableRecipe bad_pixels_of(const std::optional<Bools>& map, double threshold, double minimum) {
  PixelMap pixels;
  if (map) {
    std::tie(pixels.rows, pixels.cols) = size_of(*map);
    pixels.bad.assign(map->data(), map->data() + map->size());
  }
  return shared(make_bad_pixels(std::move(pixels), {threshold, minimum}));
}

MutableRecipe two_point_of(const Floats& gain, const Floats& offset) {
  const auto [rows, cols] = size_of(gain);
  return shared(make_two_point({vector_of(gain), vector_of(offset), rows, cols}));
}

}  // namespace

void register_filter_recipes(py::module_& m) {
  m.def("clahe_recipe", &clahe_of, py::arg("clip_limit"), py::arg("tiles"),
        "CLAHE with a grid of (rows, columns) tiles.");
  m.def("detail_recipe", &detail_of, py::kw_only(), py::arg("low"), py::arg("high"),
        py::arg("by_percentile"), py::arg("radius"), py::arg("epsilon"), py::arg("gain"),
        py::arg("noise"), py::arg("base_share"),
        "Detail enhancement; low and high are percentiles of each picture, or counts.");
  m.def("destripe_recipe", &destripe_of, py::kw_only(), py::arg("columns"), py::arg("rows"),
        py::arg("window"), py::arg("strength"), py::arg("limit"),
        "Stripes taken off; limit 0 is none.");
  m.def("bad_pixels_recipe", &bad_pixels_of, py::arg("map").noconvert() = py::none(), py::kw_only(),
        py::arg("threshold"), py::arg("minimum"),
        "Bad pixels of an (h, w) bool map, or found in each picture, replaced.");
  m.def("two_point_recipe", &two_point_of, py::arg("gain").noconvert(),
        py::arg("offset").noconvert(), "gain * v + offset with (h, w) float32 maps.");
}

}  // namespace irtd::python
