// Files of a dump straight into data files of a store, over threads and without Python.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "irtd/error.hpp"
#include "irtd/file.hpp"
#include "irtd/packed.hpp"
#include "irtd/shard_writer.hpp"
#include "irtd/view.hpp"

namespace irtd {

/// How one picture went.
struct IngestResult {
  bool ok = false;
  std::uint64_t digest = 0;  ///< XXH64 of the source file's bytes
  std::uint32_t crc32c = 0;  ///< of the packed bytes (packed writers only)
  std::string code;          ///< short word when not ok, as in types.Problem
  std::string message;
};

/// What the plan expects of a JPEG file.
struct JpegExpectation {
  int height = 0;
  int width = 0;
  int channels = 1;          ///< 1 stores luma, 3 stores RGB
  int chroma_tolerance = 0;  ///< channels 1: largest |Cb-128|, |Cr-128| that still counts as gray
};

/// Decodes `paths[i]` into row `rows[i]` of the shard. A file that cannot be used leaves a hole and
/// says why in its result; the run goes on. Errors of writing are thrown. `planned[i]` is the
/// version of the file that was planned; another one is a defect (no check if `planned` is empty).
std::vector<IngestResult> put_jpeg_files(ShardWriter& writer,
                                         const std::vector<std::uint64_t>& rows,
                                         const std::vector<std::string>& paths,
                                         const JpegExpectation& expected, int threads,
                                         const std::vector<FileStamp>& planned = {});

/// Copies whole JPEG files into a packed chunk after checking that each decodes without a warning.
/// A file that cannot be used leaves zeros in its place and says why.
std::vector<IngestResult> pack_jpeg_files(PackedWriter& writer,
                                          const std::vector<std::uint64_t>& offsets,
                                          const std::vector<std::uint64_t>& lengths,
                                          const std::vector<std::string>& paths,
                                          const std::vector<JpegExpectation>& expected, int threads,
                                          const std::vector<FileStamp>& planned = {});

/// Copies one sample's bytes into a packed chunk; returns their crc32c.
std::uint32_t put_packed(PackedWriter& writer, std::uint64_t offset, Bytes data);

}  // namespace irtd
