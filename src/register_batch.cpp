// Pixel sources and the fused batch pipeline.
#include <algorithm>
#include <memory>

#include "arrays.hpp"
#include "bindings.hpp"
#include "irtd/batch.hpp"
#include "irtd/parallel.hpp"
#include "reader_object.hpp"
#include "resample_arguments.hpp"

namespace irtd::python {
namespace {

using Source = std::shared_ptr<PixelSource>;

struct Pipeline {
  std::vector<Source> owned;
  std::vector<const PixelSource*> sources;
};

Pipeline make_pipeline(std::vector<Source> sources) {
  Pipeline pipeline;
  for (Source& source : sources) {
    pipeline.sources.push_back(source.get());
    pipeline.owned.push_back(std::move(source));
  }
  return pipeline;
}

Source bucket_source(const ReaderObject& reader, int height, int width, int channels) {
  const Pixels shape{nullptr, height, width, channels, static_cast<int>(reader.dtype.itemsize())};
  return make_bucket_source(reader.reader, shape);
}

Source packed_source(const std::shared_ptr<PackedReader>& reader,
                     const py::array_t<std::int32_t, py::array::c_style>& shapes, int itemsize,
                     bool jpeg) {
  if (shapes.ndim() != 2 || shapes.shape(1) != 3) throw py::value_error("shapes must be (n, 3)");
  std::vector<Pixels> pixels;
  for (py::ssize_t i = 0; i < shapes.shape(0); ++i) {
    const std::int32_t* shape = shapes.data(i, 0);
    if (shape[0] < 1 || shape[1] < 1 || (shape[2] != 1 && shape[2] != 3)) {
      throw Error(Errc::corrupt, "packed sample has an impossible shape").at_row(i);
    }
    pixels.push_back({nullptr, shape[0], shape[1], shape[2], itemsize});
  }
  return make_packed_source(reader, std::move(pixels), jpeg);
}

using Recipes = std::vector<std::shared_ptr<NativeRecipe>>;
using OptionalCodes = std::optional<py::array_t<std::int32_t, py::array::c_style>>;

/// The recipe of each sample: numbers into the recipes, the first one if there are none.
void set_recipes(const OptionalCodes& numbers, std::vector<BatchItem>& items) {
  if (!numbers) return;
  if (static_cast<std::size_t>(numbers->size()) != items.size()) {
    throw py::value_error("recipe_codes must have one number for each sample");
  }
  for (std::size_t i = 0; i < items.size(); ++i) items[i].recipe = numbers->data()[i];
}

using CodeArray = py::array_t<std::int32_t, py::array::c_style>;
using MatrixArray = py::array_t<double, py::array::c_style>;

std::vector<BatchItem> make_items(const CodeArray& codes, const Int64Array& rows,
                                  const MatrixArray& matrices) {
  const py::ssize_t n = rows.size();
  if (codes.size() != n || matrices.ndim() != 3 || matrices.shape(0) != n ||
      matrices.shape(1) != 2 || matrices.shape(2) != 3) {
    throw py::value_error("codes (n), rows (n) and matrices (n, 2, 3) must agree");
  }
  std::vector<BatchItem> items(static_cast<std::size_t>(n));
  for (py::ssize_t i = 0; i < n; ++i) {
    if (rows.data()[i] < 0) throw py::value_error("rows must not be negative");
    BatchItem& item = items[static_cast<std::size_t>(i)];
    item.source = codes.data()[i];
    item.row = static_cast<std::uint64_t>(rows.data()[i]);
    std::copy_n(matrices.data(i, 0, 0), 6, item.matrix);
  }
  return items;
}

using OffsetArray = py::array_t<std::uint64_t, py::array::c_style>;

/// Frames of several tiles: items (n, 4) top, left, height, width (height 0: the whole frame).
void set_tiles(const std::optional<CodeArray>& tiles, std::vector<BatchItem>& items) {
  if (!tiles) return;
  if (tiles->ndim() != 2 || tiles->shape(1) != 4 ||
      static_cast<std::size_t>(tiles->shape(0)) != items.size()) {
    throw py::value_error("tiles must be (n, 4), one for each item");
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::int32_t* tile = tiles->data(static_cast<py::ssize_t>(i), 0);
    items[i].tile = {tile[0], tile[1], tile[2], tile[3]};
  }
}

py::dict times_by_stage(const StageNanoseconds& times) {
  constexpr const char* kNames[kStages] = {"",          "read",     "check",  "decode",
                                           "normalize", "resample", "effects"};
  py::dict table;
  for (std::size_t i = 1; i < kStages; ++i) table[kNames[i]] = times[i];
  return table;
}

py::tuple run(const Pipeline& self, const CodeArray& codes, const Int64Array& rows,
              const MatrixArray& matrices, std::pair<int, int> size, int channels,
              const std::string& dtype, const std::string& layout, const std::string& filter,
              const std::string& border, float border_value, bool shrink_jpeg,
              const Recipes& normalize, const OptionalCodes& recipe_codes, const py::object& out,
              int threads, const std::optional<OffsetArray>& frames,
              const std::optional<CodeArray>& tiles, std::optional<FrameEffects> effects,
              std::optional<float> border_fill) {
  const OutputType type = output_type(dtype);
  BatchShape shape{size.first,        size.second,       channels,         type.type,
                   layout_of(layout), filter_of(filter), border_of(border)};
  shape.shrink_jpeg = shrink_jpeg;
  shape.border_value = border_value;
  std::vector<BatchItem> items = make_items(codes, rows, matrices);
  set_recipes(recipe_codes, items);
  set_tiles(tiles, items);
  if (border_fill) shape.border_fill = *border_fill;
  BatchFrames made;
  if (frames) made.offsets.assign(frames->data(), frames->data() + frames->size());
  if (effects) made.effects = *std::move(effects);
  const std::vector<RecipePtr> recipes(normalize.begin(), normalize.end());
  if (size.first < 1 || size.second < 1 || channels < 1) {
    throw py::value_error("size and channels must be positive");
  }
  const auto n = frames && frames->size() > 0 ? frames->size() - 1 : rows.size();
  const std::vector<py::ssize_t> dims =
      shape.layout == Layout::chw ? std::vector<py::ssize_t>{n, channels, size.first, size.second}
                                  : std::vector<py::ssize_t>{n, size.first, size.second, channels};
  py::array array = output_array(out, type.dtype, dims);
  const MutableBytes target = mutable_bytes(array);
  StageNanoseconds times{};
  {
    const GilRelease release;
    times = run_batch(self.sources, items, recipes, shape, target,
                      threads > 0 ? threads : default_read_threads(), made);
  }
  return py::make_tuple(array, times_by_stage(times));
}

py::array fetch(const Pipeline& self, int code, std::uint64_t row) {
  if (code < 0 || static_cast<std::size_t>(code) >= self.sources.size()) {
    throw py::index_error("no such source");
  }
  const PixelSource& source = *self.sources[static_cast<std::size_t>(code)];
  const Pixels shape = source.shape(row);
  std::vector<py::ssize_t> dims{shape.height, shape.width};
  if (shape.channels > 1) dims.push_back(shape.channels);
  py::array array(py::dtype(shape.itemsize == 2 ? "u2" : "u1"), dims);
  const MutableBytes target = mutable_bytes(array);
  const GilRelease release;
  thread_local std::vector<std::uint8_t> scratch;
  const Pixels pixels = source.fetch(row, scratch);
  std::copy(pixels.data, pixels.data + target.size(), target.data());
  return array;
}

std::uint64_t start_reading(const Pipeline& self, const CodeArray& codes, const Int64Array& rows) {
  if (codes.size() != rows.size()) throw py::value_error("codes and rows must agree");
  std::vector<BatchItem> items(static_cast<std::size_t>(rows.size()));
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].source = codes.data()[i];
    items[i].row = static_cast<std::uint64_t>(rows.data()[i]);  // negative: far out of range
  }
  const GilRelease release;
  return read_ahead(self.sources, items);
}

py::array_t<std::uint64_t> histograms(const Pipeline& self, const CodeArray& codes,
                                      const Int64Array& rows, const CodeArray& groups,
                                      int group_count, int threads) {
  const auto n = static_cast<std::size_t>(rows.size());
  if (static_cast<std::size_t>(codes.size()) != n || static_cast<std::size_t>(groups.size()) != n ||
      group_count < 0) {
    throw py::value_error("codes, rows and groups must agree, group_count not be negative");
  }
  std::vector<BatchItem> items(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (rows.data()[i] < 0) throw py::value_error("rows must not be negative");
    items[i].source = codes.data()[i];
    items[i].row = static_cast<std::uint64_t>(rows.data()[i]);
  }
  const std::vector<int> group(groups.data(), groups.data() + n);
  py::array_t<std::uint64_t> counts({py::ssize_t{group_count}, py::ssize_t{65536}});
  const Span<std::uint64_t> total(counts.mutable_data(), static_cast<std::size_t>(counts.size()));
  const GilRelease release;
  std::fill(total.begin(), total.end(), std::uint64_t{0});
  count_samples(self.sources, items, group, total, threads > 0 ? threads : default_read_threads());
  return counts;
}

}  // namespace

void register_batch(py::module_& m) {
  py::class_<PixelSource, Source>(m, "PixelSource", "Somewhere samples come from in native size.")
      .def("__len__", &PixelSource::rows);
  m.def("bucket_source", &bucket_source, py::arg("reader"), py::arg("height"), py::arg("width"),
        py::arg("channels"), "Source over a bucket array.");
  m.def("packed_source", &packed_source, py::arg("reader"), py::arg("shapes"), py::kw_only(),
        py::arg("itemsize"), py::arg("jpeg"),
        "Source over a packed array; shapes (n, 3) int32: height, width, channels.");
  py::class_<Pipeline>(m, "BatchPipeline", "Fused read-decode-crop-resize-normalise over threads.")
      .def(py::init(&make_pipeline), py::arg("sources"))
      .def("run", &run, py::arg("codes"), py::arg("rows"), py::arg("matrices"), py::kw_only(),
           py::arg("size"), py::arg("channels") = 1, py::arg("dtype") = "float32",
           py::arg("layout") = "chw", py::arg("filter") = "antialias",
           py::arg("border") = "replicate", py::arg("border_value") = 0.0F,
           py::arg("shrink_jpeg") = false, py::arg("normalize"),
           py::arg("recipe_codes") = py::none(), py::arg("out") = py::none(),
           py::arg("threads") = 0, py::arg("frames") = py::none(), py::arg("tiles") = py::none(),
           py::arg("effects") = py::none(), py::arg("border_fill") = py::none(),
           "One batch: (array, nanoseconds over all threads by stage).\n\n"
           "normalize: native recipes; recipe_codes (n) int32 says which is whose (all the first).")
      .def("fetch", &fetch, py::arg("code"), py::arg("row"), "One sample in native size.")
      .def("histograms", &histograms, py::arg("codes"), py::arg("rows"), py::arg("groups"),
           py::arg("group_count"), py::kw_only(), py::arg("threads") = 0,
           "(group_count, 65536) uint64: how often each count occurs in the samples of a group.")
      .def("read_ahead", &start_reading, py::arg("codes"), py::arg("rows"),
           "Start reading what of these samples is not in the page cache; bytes asked for.");
}

}  // namespace irtd::python
