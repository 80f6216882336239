// Digests of files, perceptual hashes, and the search among them.
#include <cstring>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "irtd/phash.hpp"
#include "paths.hpp"
#include "pictures.hpp"

namespace irtd::python {
namespace {

using HashArray = py::array_t<std::uint64_t, py::array::c_style>;

static_assert(sizeof(PerceptualHash) == 2 * sizeof(std::uint64_t));

Span<const PerceptualHash> hashes_of(const HashArray& array) {
  IRTD_REQUIRE(array.ndim() == 2 && array.shape(1) == 2, "hashes are uint64 of shape (n, 2)");
  return {reinterpret_cast<const PerceptualHash*>(array.data()),
          static_cast<std::size_t>(array.shape(0))};
}

py::array hash_picture(const py::array& image) {
  const PerceptualHash hash = with_image(image, [](const auto& view) {
    const GilRelease release;
    return perceptual_hash(view);
  });
  HashArray result(py::ssize_t{2});
  result.mutable_at(0) = hash.structure;
  result.mutable_at(1) = hash.gradient;
  return std::move(result);
}

py::tuple describe(const std::vector<FileHash>& found, bool looks) {
  const auto count = static_cast<py::ssize_t>(found.size());
  HashArray digests(count);
  py::array_t<std::int64_t> sizes(count);
  HashArray hashes(std::vector<py::ssize_t>{count, 2});
  py::list failures;
  for (py::ssize_t i = 0; i < count; ++i) {
    const FileHash& file = found[static_cast<std::size_t>(i)];
    digests.mutable_at(i) = file.digest;
    sizes.mutable_at(i) = file.size;
    hashes.mutable_at(i, 0) = file.looks.structure;
    hashes.mutable_at(i, 1) = file.looks.gradient;
    if (!file.code.empty()) failures.append(py::make_tuple(i, file.code, text_of(file.message)));
  }
  if (looks) return py::make_tuple(digests, sizes, hashes, failures);
  return py::make_tuple(digests, sizes, failures);
}

py::tuple hash_file_list(const py::list& paths, int threads) {
  const std::vector<std::string> names = os_paths(paths);
  std::vector<FileHash> found;
  {
    const GilRelease release;
    found = hash_files({names.data(), names.size()}, threads);
  }
  return describe(found, false);
}

py::tuple hash_jpeg_list(const py::list& paths, int threads) {
  const std::vector<std::string> names = os_paths(paths);
  std::vector<FileHash> found;
  {
    const GilRelease release;
    found = hash_jpeg_files({names.data(), names.size()}, threads);
  }
  return describe(found, true);
}

py::tuple describe_neighbours(const std::vector<Neighbour>& found) {
  const auto count = static_cast<py::ssize_t>(found.size());
  py::array_t<std::int64_t> index(count);
  py::array_t<std::int32_t> distance(count);
  for (py::ssize_t i = 0; i < count; ++i) {
    index.mutable_at(i) = found[static_cast<std::size_t>(i)].index;
    distance.mutable_at(i) = found[static_cast<std::size_t>(i)].distance;
  }
  return py::make_tuple(index, distance);
}

py::tuple leaders(const HashArray& hashes, int radius, int threads) {
  const Span<const PerceptualHash> span = hashes_of(hashes);
  std::vector<Neighbour> found;
  {
    const GilRelease release;
    found = near_leaders(span, radius, threads);
  }
  return describe_neighbours(found);
}

py::tuple neighbours(const HashArray& queries, const HashArray& base, int radius, int threads) {
  const Span<const PerceptualHash> wanted = hashes_of(queries);
  const Span<const PerceptualHash> among = hashes_of(base);
  std::vector<Neighbour> found;
  {
    const GilRelease release;
    found = near_neighbours(wanted, among, radius, threads);
  }
  return describe_neighbours(found);
}

}  // namespace

void register_hash(py::module_& m) {
  m.def("perceptual_hash", &hash_picture, py::arg("image").noconvert(),
        "(structure, gradient) of a uint8 or uint16 image (h, w) or (h, w, 3), as uint64 (2,).\n\n"
        "structure: DCT hash of the ranks of 32 x 32 area averages, so that monotone changes of\n"
        "values hardly matter; gradient: which of neighbouring areas is brighter. Both are 0 for\n"
        "an image without contrast.");
  m.def("hash_files", &hash_file_list, py::arg("paths"), py::kw_only(), py::arg("threads") = 0,
        "XXH64 of whole files: (digests uint64 (n,), sizes int64 (n,), failures), a failure being\n"
        "(number, code, message); its digest and size are 0.");
  m.def("hash_jpeg_files", &hash_jpeg_list, py::arg("paths"), py::kw_only(), py::arg("threads") = 0,
        "XXH64 of JPEG files and perceptual_hash of their luma, decoded at a reduced scale:\n"
        "(digests, sizes, hashes uint64 (n, 2), failures).");
  m.def("near_leaders", &leaders, py::arg("hashes").noconvert(), py::kw_only(), py::arg("radius"),
        py::arg("threads") = 0,
        "Group hashes (n, 2) in order: (leader int64 (n,), distance int32 (n,)).\n\n"
        "Each belongs to the nearest earlier leader within radius bits, or leads itself.");
  m.def("near_neighbours", &neighbours, py::arg("queries").noconvert(), py::arg("base").noconvert(),
        py::kw_only(), py::arg("radius"), py::arg("threads") = 0,
        "For each query the nearest of base within radius bits: (index, -1 if none; distance).");
}

}  // namespace irtd::python
