// Build information, thread counts, checksums and durable file operations.
#include "bindings.hpp"
#include "irtd/buffer_pool.hpp"
#include "irtd/build_info.hpp"
#include "irtd/crc32c.hpp"
#include "irtd/file.hpp"
#include "irtd/parallel.hpp"

namespace irtd::python {

void register_build(py::module_& m) {
  m.def(
      "build_info",
      [] {
        py::dict info;
        info["version"] = IRTD_VERSION;
        for (const auto& [name, value] : build_info()) info[py::str(name)] = value;
        return info;
      },
      "Compiler, library versions and optional parts of this build.");
  m.def("available_threads", &available_threads,
        "Hardware threads this process may use (affinity and cgroup quota respected).");
  m.def("pool_size", &pool_size, "Helper threads alive in this process; 0 before first use.");
  m.def("trim_pool", &trim_pool, "Unmap every idle batch buffer.");
  m.def("idle_pool_bytes", &idle_pool_bytes, "Bytes of batch buffers that lie idle now.");
  m.def(
      "crc32c",
      [](const py::buffer& data, std::uint32_t initial) {
        const ByteView view(data);
        const Bytes bytes = view.bytes();
        const GilRelease release;
        return crc32c(bytes, initial);
      },
      py::arg("data"), py::arg("initial") = 0, "CRC-32C (Castagnoli) of a contiguous buffer.");
  m.def(
      "crc32c_reference",
      [](const py::buffer& data) { return crc32c_reference(ByteView(data).bytes()); },
      py::arg("data"), "Table-driven CRC-32C: the oracle of crc32c.");
  m.def("drop_from_cache", &drop_from_cache, py::arg("path"), py::call_guard<GilRelease>(),
        "Drop a file's pages from the page cache.");
  m.def("exchange_paths", &exchange_paths, py::arg("a"), py::arg("b"),
        "Swap two paths in one step; False where the file system cannot.");
  m.def("rename_durably", &rename_durably, py::arg("source"), py::arg("target"),
        "Rename, replacing the target, and sync the directory.");
  m.def("sync_directory", &sync_directory, py::arg("path"), "Make renames in a directory durable.");
}

}  // namespace irtd::python
