// Many VOC files in one call.
#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "irtd/file.hpp"
#include "irtd/parallel.hpp"
#include "irtd/voc.hpp"

namespace irtd::python {
namespace {

std::vector<VocTag> tags_of(const std::vector<std::string>& names) {
  std::vector<VocTag> tags;
  for (const std::string& name : names) {
    const std::vector<std::string> known = {"bndbox", "polygon", "robndbox", "point", "centroid"};
    const auto at = std::find(known.begin(), known.end(), name);
    IRTD_REQUIRE(at != known.end(), "geometry is bndbox, polygon, robndbox, point or centroid");
    tags.push_back(static_cast<VocTag>(at - known.begin()));
  }
  return tags;
}

/// One file's outcome.
struct Read {
  bool plain = false;
  VocFile file;
};

std::vector<Read> read_all(const std::vector<std::string>& paths, const std::vector<VocTag>& tags,
                           std::uint64_t max_bytes, int threads) {
  std::vector<Read> reads(paths.size());
  const int count = threads > 0 ? threads : available_threads();
  std::vector<std::vector<std::uint8_t>> buffers(static_cast<std::size_t>(count));
  parallel_for(paths.size(), count, [&](std::size_t i, int worker) {
    auto& buffer = buffers[static_cast<std::size_t>(worker)];
    try {
      const std::size_t size = read_file(paths[i], buffer, max_bytes);
      reads[i].plain = read_plain_voc({buffer.data(), size}, tags, reads[i].file);
    } catch (const Error&) {
      reads[i].plain = false;  // whoever reads it again says what is wrong with it
    }
  });
  return reads;
}

py::list objects_of(const VocFile& file, std::unordered_map<std::string, py::str>& names) {
  py::list out;
  for (const VocObject& object : file.objects) {
    auto found = names.find(object.name);
    if (found == names.end()) found = names.emplace(object.name, py::str(object.name)).first;
    const auto& v = object.values;
    out.append(py::make_tuple(found->second, object.line, static_cast<int>(object.shape),
                              object.flags, object.track, v[0], v[1], v[2], v[3], v[4], v[5], v[6],
                              v[7]));
  }
  return out;
}

py::list read_voc(const std::vector<std::string>& paths, const std::vector<std::string>& geometry,
                  std::uint64_t max_bytes, int threads) {
  const std::vector<VocTag> tags = tags_of(geometry);
  std::vector<Read> reads;
  {
    const GilRelease release;
    reads = read_all(paths, tags, max_bytes, threads);
  }
  std::unordered_map<std::string, py::str> names;
  py::list out;
  for (const Read& read : reads) {
    if (read.plain) {
      out.append(py::make_tuple(read.file.height, read.file.width, objects_of(read.file, names)));
    } else {
      out.append(py::none());
    }
  }
  return out;
}

}  // namespace

void register_voc(py::module_& m) {
  m.def(
      "read_plain_voc", &read_voc, py::arg("paths"), py::arg("geometry"), py::kw_only(),
      py::arg("max_bytes") = 16000000, py::arg("threads") = 0,
      "Read Pascal VOC files that are plain.\n\n"
      "geometry names the elements that carry geometry, preferred one first. Returns for every\n"
      "path (height, width, objects), -1 where the file does not say, or None if the file is not\n"
      "plain ASCII XML with complete objects (see irtd/voc.hpp), larger than max_bytes, or cannot\n"
      "be read: then a full parser must say what it is. An object is (name, line, shape, flags,\n"
      "track, eight numbers): shape 0 xmin ymin xmax ymax, 1 x y w h, 2 x1 y1 ... x4 y4,\n"
      "3 cx cy w h angle, 4 and 5 x y; flags have bits for difficult, truncated, occluded, crowd\n"
      "and ignore; track is -1 if not given.");
}

}  // namespace irtd::python
