// The Python face of ShardReader: a reader that knows its sample's shape and dtype.
#pragma once

#include <memory>
#include <vector>

#include "bindings.hpp"
#include "irtd/shard_reader.hpp"

namespace irtd::python {

struct ReaderObject {
  std::shared_ptr<ShardReader> reader;
  py::dtype dtype;
  std::vector<py::ssize_t> sample_shape;
};

void register_reader(py::module_& m);

}  // namespace irtd::python
