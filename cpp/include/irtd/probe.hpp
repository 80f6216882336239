// What a picture file is, by its first bytes: for planning a store over a million files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "irtd/view.hpp"

namespace irtd {

/// The facts of one file, or the reason why there are none.
struct ImageProbe {
  /// "jpeg", "png", "bmp", "tiff", "webp", "gif" or "fff"; empty for a failure.
  const char* encoding = "";
  int height = 0;  ///< as stored, before the orientation is undone
  int width = 0;
  int channels = 0;     ///< as stored: palette pictures count as one channel
  int bits = 0;         ///< 8 or 16 per sample once decoded; 0 where another reader must be asked:
                        ///< fff, and a tiff that is not plain
  int orientation = 1;  ///< of EXIF or TIFF, 1 to 8
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;
  /// For a failure: "empty-file", "lfs-pointer", "unreadable", "not-an-image",
  /// "truncated-image" (within the header) or "huge-image"; empty otherwise.
  const char* code = "";
  std::string message;  ///< of a failure

  bool ok() const noexcept { return code[0] == '\0'; }
};

/// Probes one file by content, never by name. Reads 64 KiB, and more only where a JPEG has its
/// frame header further on. Never throws for what it finds in or instead of the file.
ImageProbe probe_image(const std::string& path);

/// Probes a file that is in memory.
ImageProbe probe_bytes(Bytes data);

/// Probes many files over `threads` threads (0: as many as there are).
std::vector<ImageProbe> probe_images(Span<const std::string> paths, int threads = 0);

}  // namespace irtd
