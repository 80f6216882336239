// What is done to finished frames: photometric effects and rectangles cut out.
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "irtd/parallel.hpp"
#include "irtd/photometric.hpp"
#include "resample_arguments.hpp"

namespace irtd::python {
namespace {

using Floats = py::array_t<float, py::array::c_style>;
using Integers = py::array_t<std::int32_t, py::array::c_style>;
using Words = py::array_t<std::uint64_t, py::array::c_style>;

constexpr py::ssize_t kColumns = 10;

std::vector<Photometric> photometric_of(const Floats& table, const Words& keys) {
  if (table.ndim() != 2 || table.shape(1) != kColumns || table.shape(0) != keys.size()) {
    throw py::value_error("photometric must be (frames, 10), keys (frames)");
  }
  std::vector<Photometric> frames(static_cast<std::size_t>(keys.size()));
  for (py::ssize_t i = 0; i < keys.size(); ++i) {
    const float* p = table.data(i, 0);
    frames[static_cast<std::size_t>(i)] = {p[0], p[1], p[2], p[3],      p[4],          p[5],
                                           p[6], p[7], p[8], p[9] != 0, keys.data()[i]};
  }
  return frames;
}

FrameEffects make_effects(const std::optional<Floats>& photometric,
                          const std::optional<Words>& keys, const std::optional<Integers>& holes,
                          const std::optional<Floats>& hole_fill,
                          const std::optional<Words>& hole_offsets, std::pair<float, float> range,
                          bool clip) {
  FrameEffects effects;
  effects.low = range.first;
  effects.high = range.second;
  effects.clip = clip;
  if (photometric.has_value() != keys.has_value()) {
    throw py::value_error("photometric and keys go together");
  }
  if (photometric) effects.photometric = photometric_of(*photometric, *keys);
  if (!holes) return effects;
  const bool fits = hole_fill && hole_offsets && holes->ndim() == 2 && holes->shape(1) == 4 &&
                    hole_fill->size() == holes->shape(0);
  if (!fits) throw py::value_error("holes (k, 4), hole_fill (k) and hole_offsets go together");
  for (py::ssize_t i = 0; i < holes->shape(0); ++i) {
    const std::int32_t* hole = holes->data(i, 0);
    effects.holes.push_back({hole[0], hole[1], hole[2], hole[3], hole_fill->data()[i]});
  }
  const std::uint64_t* ends = hole_offsets->data();
  effects.hole_offsets.assign(ends, ends + hole_offsets->size());
  return effects;
}

void apply(const FrameEffects& effects, py::array frames, const std::string& layout,
           bool same_channels, int threads) {
  const std::string type = py::str(frames.dtype());
  if (frames.ndim() != 4 || !(frames.flags() & py::array::c_style) || !frames.writeable()) {
    throw py::value_error("frames must be four-dimensional, C-contiguous and writeable");
  }
  const bool planes = layout_of(layout) == Layout::chw;
  const auto side = [&](int axis) { return static_cast<int>(frames.shape(axis)); };
  const FrameShape shape{side(planes ? 2 : 1), side(planes ? 3 : 2), side(planes ? 1 : 3),
                         output_type(type).type, layout_of(layout)};
  void* pixels = frames.mutable_data();
  const auto count = static_cast<std::size_t>(frames.shape(0));
  const GilRelease release;
  apply_effects(effects, shape, same_channels, pixels, count,
                threads > 0 ? threads : available_threads());
}

}  // namespace

void register_effects(py::module_& m) {
  py::class_<FrameEffects>(m, "FrameEffects", "What is done to each finished frame of a batch.")
      .def(py::init(&make_effects), py::kw_only(), py::arg("photometric") = py::none(),
           py::arg("keys") = py::none(), py::arg("holes") = py::none(),
           py::arg("hole_fill") = py::none(), py::arg("hole_offsets") = py::none(),
           py::arg("range"), py::arg("clip") = true,
           "photometric float32 (frames, 10): blur, noise, shot, column, row, dead, gain, offset,\n"
           "gamma, invert; keys uint64 (frames). holes int32 (k, 4): top, left, bottom, right;\n"
           "hole_fill float32 (k); hole_offsets uint64 (frames + 1). range: the output's bottom\n"
           "and top, of which all parameters are shares.")
      .def("apply", &apply, py::arg("frames"), py::kw_only(), py::arg("layout") = "chw",
           py::arg("same_channels") = false, py::arg("threads") = 0,
           "Change frames (n, channels, height, width) or (n, height, width, channels) in place.");
  m.def("stream_key", &stream_key, py::arg("key"), py::arg("n"),
        "Key of the n-th stream of random numbers behind a key.");
}

}  // namespace irtd::python
