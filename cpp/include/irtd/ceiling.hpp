// What the machine can do at best: the same reads and decodes with nothing around them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "irtd/batch.hpp"
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

/// How the stored bytes of a picture become pixels for fused_ceiling.
struct StoredPicture {
  Pixels shape;                       ///< without data: one shape for all
  const CodecChain* chain = nullptr;  ///< null: the bytes are pixels, or a JPEG file
  bool jpeg = false;
};

/// What a loader cannot beat: reads (pread) every extent, decodes it if it has to be (checksums are
/// not compared unless the chain does so), resamples it by its matrix with the line v · scale +
/// offset, and writes it to the next slot of `out`, wrapping round; returns seconds. One loop over
/// all of them on `threads` threads, nothing planned, checked or handed over.
double fused_ceiling(const std::vector<std::string>& paths,
                     const std::vector<StoredExtent>& extents, const StoredPicture& stored,
                     Span<const double> matrices, const BatchShape& shape, float scale,
                     float offset, MutableBytes out, int threads);

}  // namespace irtd
