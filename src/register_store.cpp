// Codec chain, shard and packed readers and writers, ceilings.
#include <memory>

#include "arrays.hpp"
#include "bindings.hpp"
#include "irtd/ceiling.hpp"
#include "irtd/codec.hpp"
#include "irtd/ingest.hpp"
#include "irtd/packed.hpp"
#include "irtd/parallel.hpp"
#include "irtd/shard_reader.hpp"
#include "irtd/shard_writer.hpp"
#include "irtd/verify.hpp"
#include "reader_object.hpp"

namespace irtd::python {
namespace {

template <typename T>
T option(const py::dict& options, const char* name, T fallback) {
  return options.contains(name) ? options[name].cast<T>() : fallback;
}

CodecSpec make_codec(const std::string& name, const py::dict& options) {
  CodecSpec spec;
  if (name == "crc32c") {
    spec.kind = CodecKind::crc32c;
  } else if (name == "zstd") {
    spec.kind = CodecKind::zstd;
    spec.level = option(options, "level", 3);
    spec.checksum = option(options, "checksum", false);
  } else if (name == "gzip") {
    spec.kind = CodecKind::gzip;
    spec.level = option(options, "level", 6);
  } else if (name == "blosc") {
    spec.kind = CodecKind::blosc;
    spec.cname = option<std::string>(options, "cname", "lz4");
    spec.level = option(options, "clevel", 5);
    const auto shuffle = option<std::string>(options, "shuffle", "noshuffle");
    spec.shuffle = shuffle == "bitshuffle" ? 2 : (shuffle == "shuffle" ? 1 : 0);
    spec.typesize = option(options, "typesize", 1);
    spec.blocksize = option(options, "blocksize", 0);
  } else {
    throw Error(Errc::unsupported, "codec '" + name + "' is not one of blosc, zstd, gzip, crc32c");
  }
  return spec;
}

CodecChain make_chain(const std::vector<std::pair<std::string, py::dict>>& codecs, int itemsize,
                      bool big_endian) {
  std::vector<CodecSpec> specs;
  for (const auto& [name, options] : codecs) specs.push_back(make_codec(name, options));
  return CodecChain(std::move(specs), itemsize, big_endian);
}

using Stamps = std::vector<std::pair<std::int64_t, std::int64_t>>;

std::vector<FileStamp> make_stamps(const Stamps& planned) {
  std::vector<FileStamp> stamps;
  stamps.reserve(planned.size());
  for (const auto& [size, mtime_ns] : planned) stamps.push_back({size, mtime_ns});
  return stamps;
}

py::list results_to_python(const std::vector<IngestResult>& results) {
  py::list out;
  for (const IngestResult& r : results) {
    out.append(py::make_tuple(r.ok, r.digest, r.crc32c, r.code, r.message));
  }
  return out;
}

py::tuple summary_to_python(const FileSummary& summary) {
  return py::make_tuple(summary.bytes, summary.digest, summary.present);
}

void register_codec(py::module_& m) {
  py::class_<CodecChain>(m, "CodecChain", "Bytes-to-bytes codecs of a Zarr v3 chunk.")
      .def(py::init(&make_chain), py::arg("codecs"), py::arg("itemsize") = 1,
           py::arg("big_endian") = false)
      .def(
          "decode",
          [](const CodecChain& chain, const py::buffer& data, std::size_t nbytes) {
            const ByteView view(data);
            py::array out = pooled_array(py::dtype("u1"), {static_cast<py::ssize_t>(nbytes)});
            const MutableBytes target = mutable_bytes(out);
            const Bytes bytes = view.bytes();
            {
              const GilRelease release;
              chain.decode(bytes, target);
            }
            return out;
          },
          py::arg("data"), py::arg("nbytes"), "Decode to exactly nbytes (uint8).")
      .def(
          "encode",
          [](const CodecChain& chain, const py::buffer& data) {
            const ByteView view(data);
            const Bytes bytes = view.bytes();
            std::vector<std::uint8_t> out;
            {
              const GilRelease release;
              chain.encode(bytes, out);
            }
            return py::bytes(reinterpret_cast<const char*>(out.data()), out.size());
          },
          py::arg("data"), "Encode a contiguous buffer.")
      .def_property_readonly("stores_raw", &CodecChain::stores_raw);
}

void register_shard_writer(py::module_& m) {
  py::class_<ShardWriter>(m, "ShardWriter", "One shard file; appears under its name on finish().")
      .def(py::init<std::string, std::uint64_t, std::uint64_t, std::uint64_t, CodecChain>(),
           py::arg("path"), py::arg("rows"), py::arg("used"), py::arg("chunk_bytes"),
           py::arg("chain"))
      .def(
          "put",
          [](ShardWriter& writer, std::uint64_t row, const py::buffer& data) {
            const ByteView view(data);
            const Bytes bytes = view.bytes();
            const GilRelease release;
            writer.put(row, bytes);
          },
          py::arg("row"), py::arg("data"), "Encode one sample; safe from many threads.")
      .def(
          "put_jpeg_files",
          [](ShardWriter& writer, const std::vector<std::uint64_t>& rows,
             const std::vector<std::string>& paths, int height, int width, int channels,
             int chroma_tolerance, int threads, const Stamps& planned) {
            const std::vector<FileStamp> stamps = make_stamps(planned);
            std::vector<IngestResult> results;
            {
              const GilRelease release;
              results =
                  put_jpeg_files(writer, rows, paths, {height, width, channels, chroma_tolerance},
                                 threads, stamps);
            }
            return results_to_python(results);
          },
          py::arg("rows"), py::arg("paths"), py::kw_only(), py::arg("height"), py::arg("width"),
          py::arg("channels") = 1, py::arg("chroma_tolerance") = 0, py::arg("threads") = 1,
          py::arg("planned") = Stamps{},
          "Decode JPEG files into rows; returns (ok, digest, crc32c, code, message) for each.")
      .def("skip", &ShardWriter::skip, py::arg("row"), "Leave a hole.")
      .def(
          "finish",
          [](ShardWriter& writer) {
            FileSummary summary;
            {
              const GilRelease release;
              summary = writer.finish();
            }
            return summary_to_python(summary);
          },
          "Write the index, sync, rename; returns (bytes, digest, chunks).");
}

void register_packed(py::module_& m) {
  py::class_<PackedReader, std::shared_ptr<PackedReader>>(m, "PackedReader",
                                                          "Random reader of packed samples.")
      .def(py::init([](std::string prefix, std::uint64_t chunk_bytes,
                       const py::array_t<std::uint64_t, py::array::c_style>& offsets,
                       const py::array_t<std::uint64_t, py::array::c_style>& lengths,
                       const py::array_t<std::uint32_t, py::array::c_style>& crcs) {
             return std::make_shared<PackedReader>(
                 PackedLayout{std::move(prefix), chunk_bytes, vector_of(offsets),
                              vector_of(lengths), vector_of(crcs)});
           }),
           py::arg("prefix"), py::arg("chunk_bytes"), py::arg("offsets"), py::arg("lengths"),
           py::arg("crcs"))
      .def("__len__", &PackedReader::rows)
      .def("file_path", &PackedReader::file_path, py::arg("row"))
      .def(
          "read",
          [](const PackedReader& reader, std::uint64_t row) {
            const auto n = static_cast<py::ssize_t>(reader.length(row));
            py::array out = pooled_array(py::dtype("u1"), {n});
            const MutableBytes target = mutable_bytes(out);
            {
              const GilRelease release;
              reader.read(row, target);
            }
            return out;
          },
          py::arg("row"), "Stored bytes of a sample (uint8), crc32c checked.");
  py::class_<PackedWriter>(m, "PackedWriter", "One packed chunk file.")
      .def(py::init<std::string, std::uint64_t>(), py::arg("path"), py::arg("chunk_bytes"))
      .def(
          "put",
          [](PackedWriter& writer, std::uint64_t offset, const py::buffer& data) {
            const ByteView view(data);
            const Bytes bytes = view.bytes();
            const GilRelease release;
            return put_packed(writer, offset, bytes);
          },
          py::arg("offset"), py::arg("data"), "Copy one sample in; returns its crc32c.")
      .def(
          "pack_jpeg_files",
          [](PackedWriter& writer, const std::vector<std::uint64_t>& offsets,
             const std::vector<std::uint64_t>& lengths, const std::vector<std::string>& paths,
             const std::vector<std::tuple<int, int, int>>& shapes, int chroma_tolerance,
             int threads, const Stamps& planned) {
            const std::vector<FileStamp> stamps = make_stamps(planned);
            std::vector<JpegExpectation> expected;
            for (const auto& [h, w, c] : shapes) expected.push_back({h, w, c, chroma_tolerance});
            std::vector<IngestResult> results;
            {
              const GilRelease release;
              results = pack_jpeg_files(writer, offsets, lengths, paths, expected, threads, stamps);
            }
            return results_to_python(results);
          },
          py::arg("offsets"), py::arg("lengths"), py::arg("paths"), py::arg("shapes"),
          py::kw_only(), py::arg("chroma_tolerance") = 0, py::arg("threads") = 1,
          py::arg("planned") = Stamps{},
          "Check and copy JPEG files; returns (ok, digest, crc32c, code, message) for each.")
      .def(
          "finish",
          [](PackedWriter& writer, std::uint64_t samples) {
            FileSummary summary;
            {
              const GilRelease release;
              summary = writer.finish(samples);
            }
            return summary_to_python(summary);
          },
          py::arg("samples"), "Append the crc32c, sync, rename; returns (bytes, digest, samples).");
}

}  // namespace

void register_store(py::module_& m) {
  register_codec(m);
  register_reader(m);
  register_shard_writer(m);
  register_packed(m);
}

}  // namespace irtd::python
