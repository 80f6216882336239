// ShardReader: one-sample reads, batch reads, extents and verification of one shard.
#include "arrays.hpp"
#include "bindings.hpp"
#include "irtd/parallel.hpp"
#include "irtd/verify.hpp"
#include "reader_object.hpp"

namespace irtd::python {
namespace {

ReaderObject make_reader(std::string prefix, std::string suffix, std::uint64_t rows,
                         std::uint64_t rows_per_shard, std::vector<py::ssize_t> sample_shape,
                         const std::string& dtype, const CodecChain& chain, bool index_at_end,
                         bool index_crc32c, bool random_access) {
  const py::dtype element(dtype);
  std::uint64_t bytes = static_cast<std::uint64_t>(element.itemsize());
  for (const py::ssize_t n : sample_shape) {
    IRTD_REQUIRE(n > 0 && static_cast<std::uint64_t>(n) <= (std::uint64_t{1} << 32) / bytes,
                 "a sample may hold at most 4 GiB");
    bytes *= static_cast<std::uint64_t>(n);
  }
  IRTD_REQUIRE(element.itemsize() == chain.itemsize(), "codec chain is for another itemsize");
  ShardLayout layout{std::move(prefix), std::move(suffix), rows,         rows_per_shard, bytes,
                     index_at_end,      index_crc32c,      random_access};
  return {std::make_shared<ShardReader>(std::move(layout), chain), element,
          std::move(sample_shape)};
}

py::array read_one(const ReaderObject& self, std::uint64_t row, const py::object& out) {
  py::array array = output_array(out, self.dtype, self.sample_shape);
  const MutableBytes target = mutable_bytes(array);
  const GilRelease release;
  self.reader->read(row, target);
  return array;
}

py::array read_many(const ReaderObject& self, const Int64Array& rows, const py::object& out,
                    int threads) {
  std::vector<py::ssize_t> shape = self.sample_shape;
  shape.insert(shape.begin(), rows.size());
  py::array array = output_array(out, self.dtype, shape);
  const MutableBytes target = mutable_bytes(array);
  const Span<const std::int64_t> wanted = span_of(rows);
  const GilRelease release;
  self.reader->read_batch(wanted, target, threads > 0 ? threads : default_read_threads());
  return array;
}

py::tuple extents_of(const ReaderObject& self, const Int64Array& rows) {
  const auto n = rows.size();
  py::array_t<std::uint32_t> shard(n);
  py::array_t<std::uint64_t> offset(n);
  py::array_t<std::uint64_t> nbytes(n);
  for (py::ssize_t i = 0; i < n; ++i) {
    const auto row = static_cast<std::uint64_t>(rows.data()[i]);
    const ChunkExtent extent = self.reader->extent(row);
    shard.mutable_data()[i] =
        static_cast<std::uint32_t>(row / self.reader->layout().rows_per_shard);
    offset.mutable_data()[i] = extent.offset;
    nbytes.mutable_data()[i] = extent.nbytes;
  }
  return py::make_tuple(shard, offset, nbytes);
}

py::tuple verify_one(const ReaderObject& self, std::uint64_t number, int threads) {
  ShardReport report;
  {
    const GilRelease release;
    report = verify_shard(*self.reader, number, threads > 0 ? threads : available_threads());
  }
  py::list damage;
  for (const auto& [row, message] : report.damage) damage.append(py::make_tuple(row, message));
  py::list holes;
  for (const std::uint64_t row : report.holes) holes.append(row);
  return py::make_tuple(report.bytes, report.digest, report.present, holes, damage);
}

}  // namespace

void register_reader(py::module_& m) {
  py::class_<ReaderObject>(m, "ShardReader", "Random reader of a sharded array of samples.")
      .def(py::init(&make_reader), py::kw_only(), py::arg("prefix"), py::arg("suffix"),
           py::arg("rows"), py::arg("rows_per_shard"), py::arg("sample_shape"), py::arg("dtype"),
           py::arg("chain"), py::arg("index_at_end") = true, py::arg("index_crc32c") = true,
           py::arg("random_access") = true)
      .def("__len__", [](const ReaderObject& self) { return self.reader->rows(); })
      .def_property_readonly(
          "rows_per_shard",
          [](const ReaderObject& self) { return self.reader->layout().rows_per_shard; })
      .def_property_readonly("dtype", [](const ReaderObject& self) { return self.dtype; })
      .def_property_readonly(
          "sample_shape",
          [](const ReaderObject& self) { return py::tuple(py::cast(self.sample_shape)); })
      .def("read", &read_one, py::arg("row"), py::arg("out") = py::none(),
           "One sample; the GIL is released.")
      .def("read_batch", &read_many, py::arg("rows"), py::arg("out") = py::none(), py::kw_only(),
           py::arg("threads") = 0, "Many samples over threads, in the order asked for.")
      .def("extents", &extents_of, py::arg("rows"),
           "Where rows are stored: (shard, offset, nbytes) arrays.")
      .def(
          "shard_path",
          [](const ReaderObject& self, std::uint64_t n) { return self.reader->shard_path(n); },
          py::arg("shard"))
      .def("verify_shard", &verify_one, py::arg("shard"), py::kw_only(), py::arg("threads") = 0,
           "Decode every chunk of a shard: (bytes, digest, present, holes, [(row, message)]).")
      .def("close", [](const ReaderObject& self) { self.reader->close(); });
}

}  // namespace irtd::python
