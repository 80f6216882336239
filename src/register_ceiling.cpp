// Ceilings: what the machine can do at best, for benchmarks and `irtd bench`.
#include "arrays.hpp"
#include "bindings.hpp"
#include "irtd/ceiling.hpp"
#include "resample_arguments.hpp"

namespace irtd::python {
namespace {

using FileNumbers = py::array_t<std::uint32_t, py::array::c_style>;
using Places = py::array_t<std::uint64_t, py::array::c_style>;

std::vector<StoredExtent> stored_extents(const FileNumbers& file, const Places& offset,
                                         const Places& nbytes) {
  if (file.size() != offset.size() || file.size() != nbytes.size()) {
    throw py::value_error("file, offset and nbytes must agree");
  }
  std::vector<StoredExtent> extents(static_cast<std::size_t>(file.size()));
  for (std::size_t i = 0; i < extents.size(); ++i) {
    extents[i] = {file.data()[i], offset.data()[i], nbytes.data()[i]};
  }
  return extents;
}

double read_only(const std::vector<std::string>& paths, const FileNumbers& file,
                 const Places& offset, const Places& nbytes, const CodecChain* chain,
                 std::size_t chunk_bytes, std::size_t slots, int threads) {
  const std::vector<StoredExtent> extents = stored_extents(file, offset, nbytes);
  const GilRelease release;
  const PooledBuffer out = acquire_buffer(chunk_bytes * slots);
  return read_ceiling(paths, extents, chain, chunk_bytes, out.bytes(chunk_bytes * slots), threads);
}

double fused(const std::vector<std::string>& paths, const FileNumbers& file, const Places& offset,
             const Places& nbytes, const CodecChain* chain,
             const py::array_t<double, py::array::c_style>& matrices, std::array<int, 3> stored,
             int itemsize, bool jpeg, std::pair<int, int> size, int channels,
             const std::string& dtype, const std::string& filter, float scale, float shift,
             std::size_t slots, int threads) {
  const std::vector<StoredExtent> extents = stored_extents(file, offset, nbytes);
  const StoredPicture picture{{nullptr, stored[0], stored[1], stored[2], itemsize}, chain, jpeg};
  const BatchShape shape{size.first,  size.second,       channels, output_type(dtype).type,
                         Layout::chw, filter_of(filter), {}};
  if (size.first < 1 || size.second < 1 || (channels != 1 && channels != 3) || slots < 1) {
    throw py::value_error("size and slots must be positive, channels 1 or 3");
  }
  const Span<const double> each(matrices.data(), static_cast<std::size_t>(matrices.size()));
  const GilRelease release;
  const PooledBuffer out = acquire_buffer(shape.sample_bytes() * slots);
  return fused_ceiling(paths, extents, picture, each, shape, scale, shift,
                       out.bytes(shape.sample_bytes() * slots), threads);
}

}  // namespace

void register_ceiling(py::module_& m) {
  m.def("read_ceiling", &read_only, py::arg("paths"), py::arg("file"), py::arg("offset"),
        py::arg("nbytes"), py::arg("chain").none(true), py::kw_only(), py::arg("chunk_bytes"),
        py::arg("slots") = 64, py::arg("threads") = 1,
        "Seconds for the bare reads (and decodes, if a chain is given) of these extents.");
  m.def("jpeg_ceiling", &jpeg_ceiling, py::arg("paths"), py::arg("height"), py::arg("width"),
        py::arg("threads"), py::call_guard<GilRelease>(),
        "Seconds for reading and decoding these JPEG files to gray, keeping nothing.");
  m.def("fused_ceiling", &fused, py::arg("paths"), py::arg("file"), py::arg("offset"),
        py::arg("nbytes"), py::arg("chain").none(true), py::kw_only(), py::arg("matrices"),
        py::arg("stored"), py::arg("itemsize") = 1, py::arg("jpeg") = false, py::arg("size"),
        py::arg("channels") = 3, py::arg("dtype") = "float32", py::arg("filter") = "bilinear",
        py::arg("scale") = 1.0F, py::arg("shift") = 0.0F, py::arg("slots") = 256,
        py::arg("threads") = 1,
        "Seconds for reading, decoding and resampling these pictures into recycled slots.\n\n"
        "stored: (height, width, channels) of every picture; matrices (n, 2, 3).");
}

}  // namespace irtd::python
