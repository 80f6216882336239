// What the machine can do at best: the same reads and decodes with nothing around them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "irtd/codec.hpp"
#include "irtd/view.hpp"

namespace irtd {

/// One stored chunk: which file, where, how long.
struct StoredExtent {
  std::uint32_t file = 0;
  std::uint64_t offset = 0;
  std::uint64_t nbytes = 0;
};

/// Reads (pread) and decodes every extent over `threads` threads into consecutive slots of `out`,
/// wrapping round when `out` is full; returns seconds. With `chain` null it only reads.
double read_ceiling(const std::vector<std::string>& paths, const std::vector<StoredExtent>& extents,
                    const CodecChain* chain, std::size_t chunk_bytes, MutableBytes out,
                    int threads);

/// Reads whole JPEG files and decodes them to gray over `threads` threads, keeping nothing;
/// returns seconds. This is what an ingest of gray JPEG cannot beat.
double jpeg_ceiling(const std::vector<std::string>& paths, int height, int width, int threads);

}  // namespace irtd
