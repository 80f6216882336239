// JPEG, probing, hashing and value statistics.
#include <optional>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "irtd/hash.hpp"
#include "irtd/jpeg.hpp"
#include "irtd/normalize.hpp"
#include "irtd/probe.hpp"
#include "paths.hpp"
#include "pictures.hpp"

namespace irtd::python {
namespace {

using Shape = std::vector<py::ssize_t>;

JpegLimits limits_of(std::int64_t max_pixels, int max_scans) { return {max_pixels, max_scans}; }

py::tuple read_header(const py::buffer& data, std::int64_t max_pixels, int max_scans) {
  const ByteView view(data);
  const JpegHeader header = read_jpeg_header(view.bytes(), limits_of(max_pixels, max_scans));
  return py::make_tuple(header.height, header.width, header.components, header.progressive);
}

py::array decode_target(const std::optional<py::array>& out, int height, int width, int channels) {
  Shape shape{height, width};
  if (channels == 3) shape.push_back(3);
  if (!out) return py::array_t<std::uint8_t>(shape);
  IRTD_REQUIRE(holds<std::uint8_t>(*out) && out->writeable(), "out is a writable uint8 array");
  IRTD_REQUIRE(static_cast<std::size_t>(out->ndim()) == shape.size() &&
                   std::equal(shape.begin(), shape.end(), out->shape()),
               "out has another shape than the decoded picture");
  return *out;
}

py::array decode(const py::buffer& data, int channels, std::pair<int, int> scale,
                 std::int64_t max_pixels, int max_scans, const std::optional<py::array>& out) {
  IRTD_REQUIRE(channels == 1 || channels == 3, "channels is 1 or 3");
  const ByteView bytes(data);
  const JpegLimits limits = limits_of(max_pixels, max_scans);
  int height = 0;
  int width = 0;
  scaled_size(read_jpeg_header(bytes.bytes(), limits), scale.first, scale.second, &height, &width);
  py::array target = decode_target(out, height, width, channels);
  const ImageView<const std::uint8_t> view = image_view<std::uint8_t>(target);
  const ImageView<std::uint8_t> pixels(static_cast<std::uint8_t*>(target.mutable_data()), height,
                                       width, channels, view.stride());
  {
    const GilRelease release;
    decode_jpeg(bytes.bytes(), pixels, scale.first, scale.second, limits);
  }
  return target;
}

int chroma_deviation(const py::buffer& data) {
  const ByteView bytes(data);
  const GilRelease release;
  const JpegHeader header = read_jpeg_header(bytes.bytes());
  if (header.components == 1) return 0;
  std::vector<std::uint8_t> luma(static_cast<std::size_t>(header.height) *
                                 static_cast<std::size_t>(header.width));
  return decode_jpeg_gray_checked(bytes.bytes(), {luma.data(), header.height, header.width});
}

py::bytes encode(const py::array& image, int quality, const std::string& subsampling,
                 bool progressive) {
  IRTD_REQUIRE(holds<std::uint8_t>(image), "a JPEG is encoded from uint8 pixels");
  const int code = subsampling == "444"   ? 444
                   : subsampling == "422" ? 422
                   : subsampling == "420" ? 420
                                          : 0;
  IRTD_REQUIRE(code != 0, "subsampling is \"444\", \"422\" or \"420\"");
  const ImageView<const std::uint8_t> view = image_view<std::uint8_t>(image);
  std::vector<std::uint8_t> file;
  {
    const GilRelease release;
    file = encode_jpeg(view, quality, code, progressive);
  }
  return {reinterpret_cast<const char*>(file.data()), file.size()};
}

py::tuple describe_probe(const ImageProbe& probe) {
  if (!probe.ok()) {
    return py::make_tuple(py::none(), probe.code, text_of(probe.message));
  }
  return py::make_tuple(probe.encoding, probe.height, probe.width, probe.channels, probe.bits,
                        probe.size, probe.mtime_ns, probe.orientation);
}

py::list probe_many(const py::list& paths, int threads) {
  const std::vector<std::string> names = os_paths(paths);
  std::vector<ImageProbe> probes;
  {
    const GilRelease release;
    probes = probe_images({names.data(), names.size()}, threads);
  }
  py::list result;
  for (const ImageProbe& probe : probes) result.append(describe_probe(probe));
  return result;
}

py::tuple value_range(const py::array& image) {
  const ValueRange range = with_image(image, [](const auto& view) {
    const GilRelease release;
    return min_max(view);
  });
  return py::make_tuple(range.lo, range.hi);
}

std::vector<double> value_percentiles(const py::array& image, const std::vector<double>& percents) {
  std::vector<double> result(percents.size());
  with_image(image, [&](const auto& view) {
    const GilRelease release;
    percentiles(view, percents, result);
  });
  return result;
}

void register_jpeg(py::module_& m) {
  m.def("read_jpeg_header", &read_header, py::arg("data"), py::kw_only(),
        py::arg("max_pixels") = std::int64_t{1} << 28, py::arg("max_scans") = 500,
        "(height, width, components, progressive) of a JPEG, from its markers alone.\n\n"
        "Raises DecodeError for anything that is no JPEG we decode or is beyond the limits.");
  m.def("decode_jpeg", &decode, py::arg("data"), py::kw_only(), py::arg("channels") = 1,
        py::arg("scale") = std::pair<int, int>(1, 1), py::arg("max_pixels") = std::int64_t{1} << 28,
        py::arg("max_scans") = 500, py::arg("out").noconvert() = py::none(),
        "Decode a JPEG to uint8 (h, w) with channels=1 (the Y plane of a colour file) or RGB\n"
        "(h, w, 3) with channels=3.\n\n"
        "scale is (num, den), one of n/8 with n from 1 to 16. What libjpeg would only warn about,\n"
        "such as a truncated file, raises DecodeError. EXIF orientation is not applied.");
  m.def("jpeg_chroma_deviation", &chroma_deviation, py::arg("data"),
        "Largest |Cb - 128| or |Cr - 128| of the stored chroma samples; 0 for a gray file.");
  m.def("encode_jpeg", &encode, py::arg("image").noconvert(), py::kw_only(),
        py::arg("quality") = 95, py::arg("subsampling") = "444", py::arg("progressive") = false,
        "Encode uint8 (h, w) as a gray JPEG or (h, w, 3) RGB as a colour one.");
}

void register_statistics(py::module_& m) {
  m.def("image_min_max", &value_range, py::arg("image").noconvert(),
        "(lowest, highest) value of a uint8 or uint16 image, all channels together.");
  m.def("image_percentiles", &value_percentiles, py::arg("image").noconvert(), py::arg("percents"),
        "Percentiles in [0, 100] of a uint8 or uint16 image, all channels together, exactly as\n"
        "numpy.percentile gives them (method \"linear\"), by histogram.");
}

}  // namespace

void register_image(py::module_& m) {
  register_jpeg(m);
  register_statistics(m);
  m.def(
      "probe_images", &probe_many, py::arg("paths"), py::kw_only(), py::arg("threads") = 0,
      "What each file is, by content, from its header alone.\n\n"
      "Per path (encoding, height, width, file_channels, bits, size, mtime_ns, orientation), or\n"
      "(None, code, message) with code empty-file, lfs-pointer, unreadable, not-an-image,\n"
      "truncated-image or huge-image. Height and width are those stored, before the orientation\n"
      "is undone. For fff, and a tiff that is not plain, height, width, channels and bits are 0.");
  m.def(
      "probe_bytes",
      [](const py::buffer& data) {
        const ByteView view(data);
        return describe_probe(probe_bytes(view.bytes()));
      },
      py::arg("data"), "The same as probe_images, of one file that is in memory; mtime_ns is 0.");
  m.def(
      "xxh64",
      [](const py::buffer& data, std::uint64_t seed) {
        const ByteView view(data);
        const Bytes bytes = view.bytes();
        const GilRelease release;
        return xxh64(bytes, seed);
      },
      py::arg("data"), py::arg("seed") = 0, "XXH64 of a contiguous buffer.");
}

}  // namespace irtd::python
