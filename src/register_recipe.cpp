// Native recipes: made once, shared by threads, applied to single pictures and to batches.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "irtd/parallel.hpp"
#include "irtd/recipe.hpp"
#include "radiometry_views.hpp"

namespace irtd::python {
namespace {

using Floats = py::array_t<float, py::array::c_style>;
// pybind11 holds no pointers to const; nothing in NativeRecipe can change anyway.
using MutableRecipe = std::shared_ptr<NativeRecipe>;
using Doubles = py::array_t<double, py::array::c_style>;

MutableRecipe shared(const RecipePtr& recipe) {
  return std::const_pointer_cast<NativeRecipe>(recipe);
}

NormalizeMode mode_of(const std::string& name) {
  if (name == "fixed") return NormalizeMode::fixed;
  if (name == "min_max") return NormalizeMode::min_max;
  if (name == "percentile") return NormalizeMode::percentile;
  if (name == "sigma") return NormalizeMode::sigma;
  throw py::value_error("mode must be fixed, min_max, percentile or sigma, found " + name);
}

Meaning meaning_of(const std::string& name) {
  if (name == "shares") return Meaning::shares;
  if (name == "numbers") return Meaning::numbers;
  if (name == "temperatures") return Meaning::temperatures;
  throw py::value_error("meaning must be shares, numbers or temperatures, found " + name);
}

MutableRecipe stretch(const std::string& mode, double low, double high, std::pair<float, float> out,
                      std::pair<float, float> clip, const std::string& meaning) {
  return shared(
      make_stretch({mode_of(mode), low, high, out.first, out.second, clip.first, clip.second},
                   meaning_of(meaning)));
}

MutableRecipe table(const std::optional<Floats>& of_u8, const std::optional<Floats>& of_u16,
                    const std::string& meaning) {
  return shared(make_table(of_u8 ? vector_of(*of_u8) : std::vector<float>{},
                           of_u16 ? vector_of(*of_u16) : std::vector<float>{},
                           meaning_of(meaning)));
}

Picture picture_view(const py::array& image, int first_axis) {
  return with_pixels(image, first_axis, [](const auto& view) {
    return Picture{view.data,       view.rows,       view.cols,           view.channels,
                   view.row_stride, view.col_stride, view.channel_stride, view.item()};
  });
}

py::array apply_one(const MutableRecipe& recipe, const py::array& image, const std::string& dtype,
                    const OptionalMask& valid, const py::object& out) {
  const Target target = target_of(dtype);
  const Picture picture = picture_view(image, 0);
  const ValidMask mask = mask_view(valid, image, 0);
  py::array result = output_array(out, target.dtype, shape_of(image));
  const MutableBytes bytes = mutable_bytes(result);
  const GilRelease release;
  thread_local ToneScratch scratch;
  recipe->render(picture, mask, target.type, bytes.data(), scratch);
  return result;
}

py::array apply_many(const MutableRecipe& recipe, const py::array& images, const std::string& dtype,
                     const OptionalMask& valid, const py::object& out, int threads) {
  if (images.ndim() < 3) throw py::value_error("expected (n, h, w) or (n, h, w, c)");
  const Target target = target_of(dtype);
  const Picture first = picture_view(images, 1);
  const ValidMask first_mask = mask_view(valid, images, 1);
  py::array result = output_array(out, target.dtype, shape_of(images));
  const MutableBytes bytes = mutable_bytes(result);
  const auto n = static_cast<std::size_t>(images.shape(0));
  std::vector<Picture> pictures(n, first);
  std::vector<ValidMask> masks(n, first_mask);
  std::vector<void*> outs(n);
  const std::size_t sample = first.size() * tone_bytes(target.type);
  for (std::size_t i = 0; i < n; ++i) {
    const auto number = static_cast<std::ptrdiff_t>(i);
    pictures[i].data += number * images.strides(0);
    if (valid) masks[i].data += number * valid->strides(0);
    outs[i] = bytes.data() + i * sample;
  }
  const GilRelease release;
  render_many(*recipe, pictures, masks, target.type, Span<void* const>(outs.data(), n),
              threads > 0 ? threads : available_threads());
  return result;
}

py::array_t<float> shares(const py::array_t<std::uint64_t, py::array::c_style>& counts,
                          const Plateau& plateau) {
  py::array_t<float> result(counts.size());
  plateau_table(span_of(counts), plateau,
                {result.mutable_data(), static_cast<std::size_t>(result.size())});
  return result;
}

}  // namespace

void register_recipe(py::module_& m) {
  py::class_<NativeRecipe, std::shared_ptr<NativeRecipe>>(
      m, "NativeRecipe", "A recipe as the core runs it: in a batch, or on pictures.")
      .def("apply", &apply_one, py::arg("image").noconvert(), py::kw_only(),
           py::arg("dtype") = "float32", py::arg("valid") = py::none(), py::arg("out") = py::none(),
           "One picture, (h, w) or (h, w, c), any strides, to an array of its shape.")
      .def("apply_batch", &apply_many, py::arg("images").noconvert(), py::kw_only(),
           py::arg("dtype") = "float32", py::arg("valid") = py::none(), py::arg("out") = py::none(),
           py::arg("threads") = 0,
           "Pictures (n, h, w) or (n, h, w, c), each by itself, over threads (0: all cores).");
  m.def("stretch_recipe", &stretch, py::arg("mode"), py::arg("low"), py::arg("high"), py::kw_only(),
        py::arg("out"), py::arg("clip"), py::arg("meaning"),
        "A line through (low, out[0]) and (high, out[1]), clipped. mode: fixed (counts), min_max,\n"
        "percentile, sigma (standard deviations around the mean). meaning of\n"
        "the results: shares (of the output's range), numbers, or temperatures (NaN if invalid).");
  m.def("table_recipe", &table, py::kw_only(), py::arg("of_u8") = py::none(),
        py::arg("of_u16") = py::none(), py::arg("meaning"),
        "A number for each of the 256 or 65536 counts; meaning as for stretch_recipe.");
  m.def(
      "plateau_recipe",
      [](double plateau, double max_gain, double linear, double tail, double midpoint,
         int extension) {
        return shared(make_plateau({plateau, max_gain, linear, tail, midpoint, extension}));
      },
      py::arg("plateau"), py::arg("max_gain"), py::arg("linear"), py::arg("tail"),
      py::arg("midpoint"), py::arg("extension") = -1,
      "Plateau equalisation by the picture's own histogram.");
  m.def(
      "plateau_shares",
      [](const py::array_t<std::uint64_t, py::array::c_style>& counts, double plateau,
         double max_gain, double linear, double tail, double midpoint, int extension) {
        return shares(counts, {plateau, max_gain, linear, tail, midpoint, extension});
      },
      py::arg("counts").noconvert(), py::arg("plateau"), py::arg("max_gain"), py::arg("linear"),
      py::arg("tail"), py::arg("midpoint"), py::arg("extension") = -1,
      "Shares 0..1 for the counts of a given histogram.");
  m.def(
      "match_recipe",
      [](const Doubles& quantiles) { return shared(make_match(vector_of(quantiles))); },
      py::arg("quantiles"), "Histogram matching to quantiles (shares 0..1) at equal ranks.");
  m.def(
      "chain_recipe",
      [](const std::vector<std::shared_ptr<NativeRecipe>>& steps) {
        return shared(make_chain({steps.begin(), steps.end()}));
      },
      py::arg("steps"), "Recipes one after another.");
  m.def(
      "byte_levels_recipe",
      [](const std::shared_ptr<NativeRecipe>& first, const std::shared_ptr<NativeRecipe>& then) {
        return shared(make_byte_levels(first, then));
      },
      py::arg("first"), py::arg("then"),
      "A recipe of the 256 levels that another makes of a picture.");
}

}  // namespace irtd::python
