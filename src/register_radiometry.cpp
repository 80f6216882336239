// Statistics and point-wise maps of single pictures and of batches of them.
#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "irtd/statistics.hpp"
#include "irtd/tone.hpp"
#include "radiometry_views.hpp"

namespace irtd::python {
namespace {

py::tuple moments(const py::array& image, const OptionalMask& valid) {
  const ValidMask mask = mask_view(valid, image, 0);
  const ValueMoments found = with_pixels(image, 0, [&](const auto& view) {
    const GilRelease release;
    return value_moments(view, mask);
  });
  return py::make_tuple(found.count, found.lo, found.hi, found.mean, found.std);
}

py::array_t<std::uint64_t> histogram(const py::array& image, const OptionalMask& valid) {
  const ValidMask mask = mask_view(valid, image, 0);
  const std::size_t size = holds<std::uint8_t>(image) ? 256 : 65536;
  py::array_t<std::uint64_t> counts(static_cast<py::ssize_t>(size));
  const Span<std::uint64_t> total(counts.mutable_data(), size);
  std::fill(total.begin(), total.end(), std::uint64_t{0});
  with_counts(image, 0, [&](const auto& view) {
    const GilRelease release;
    value_histogram(view, mask, total);
  });
  return counts;
}

std::vector<double> percentiles_of(const py::array& image, const std::vector<double>& percents,
                                   const OptionalMask& valid) {
  const ValidMask mask = mask_view(valid, image, 0);
  std::vector<double> result(percents.size());
  with_pixels(image, 0, [&](const auto& view) {
    const GilRelease release;
    value_percentiles(view, mask, percents, result);
  });
  return result;
}

using LineSpec = std::tuple<float, float, float, float, float, float>;

py::array line(const py::array& image, const LineSpec& spec, const std::string& dtype,
               const OptionalMask& valid, const py::object& out) {
  const auto [base, scale, offset, low, high, fill] = spec;
  const ToneLine tone{base, scale, offset, low, high, fill};
  const Target target = target_of(dtype);
  const ValidMask mask = mask_view(valid, image, 0);
  py::array result = output_array(out, target.dtype, shape_of(image));
  const MutableBytes bytes = mutable_bytes(result);
  with_pixels(image, 0, [&](const auto& view) {
    const GilRelease release;
    apply_line(view, mask, tone, target.type, bytes.data());
  });
  return result;
}

py::array table(const py::array& image, const py::array& entries, const OptionalMask& valid,
                const py::object& fill, const py::object& out) {
  const py::ssize_t size = holds<std::uint8_t>(image) ? 256 : 65536;
  const auto item = static_cast<std::size_t>(entries.itemsize());
  const bool fits = entries.ndim() == 1 && entries.shape(0) == size &&
                    (entries.flags() & py::array::c_style) != 0 &&
                    (item == 1 || item == 2 || item == 4);
  if (!fits) {
    throw py::value_error("the table of " + text_of(image.dtype()) + " has " +
                          std::to_string(size) + " adjacent entries, found " +
                          text_of(entries.dtype()) + " " + text_of(entries.attr("shape")));
  }
  const ValidMask mask = mask_view(valid, image, 0);
  const py::module_ numpy = py::module_::import("numpy");
  const py::array filler = numpy.attr("asarray")(fill, entries.dtype());
  py::array result = output_array(out, entries.dtype(), shape_of(image));
  const MutableBytes bytes = mutable_bytes(result);
  const void* from = entries.data();
  const void* filling = filler.data();
  with_counts(image, 0, [&](const auto& view) {
    const GilRelease release;
    apply_table(view, mask, from, item, filling, bytes.data());
  });
  return result;
}

}  // namespace

void register_radiometry(py::module_& m) {
  m.def("value_moments", &moments, py::arg("image").noconvert(), py::kw_only(),
        py::arg("valid") = py::none(),
        "(count, smallest, largest, mean, population standard deviation) of the valid values.\n\n"
        "image (h, w) or (h, w, c), uint8, uint16 or float32 (only finite values count), any\n"
        "strides; valid (h, w) bool. All 0 without values.");
  m.def("value_histogram", &histogram, py::arg("image").noconvert(), py::kw_only(),
        py::arg("valid") = py::none(),
        "How often each of the 256 or 65536 counts occurs among the valid pixels, uint64.");
  m.def("value_percentiles", &percentiles_of, py::arg("image").noconvert(), py::arg("percents"),
        py::kw_only(), py::arg("valid") = py::none(),
        "Percentiles of the valid values, exactly numpy.percentile's 'linear'; 0 without values.");
  m.def("apply_line", &line, py::arg("image").noconvert(), py::arg("line"), py::kw_only(),
        py::arg("dtype") = "float32", py::arg("valid") = py::none(), py::arg("out") = py::none(),
        "clip((v - base) * scale + offset, lo, hi) as dtype; line: (base, scale, offset, lo, hi, "
        "fill).\n\n"
        "Integers round half to even and saturate; bfloat16 comes as its bits in uint16. An\n"
        "invalid pixel, and a NaN, becomes fill.");
  m.def("apply_table", &table, py::arg("image").noconvert(), py::arg("table").noconvert(),
        py::kw_only(), py::arg("valid") = py::none(), py::arg("fill") = py::int_(0),
        py::arg("out") = py::none(),
        "table[v] for every pixel; an invalid one becomes fill.\n\n"
        "table has an entry (of 1, 2 or 4 bytes) for each of the 256 or 65536 values.");
}

}  // namespace irtd::python
