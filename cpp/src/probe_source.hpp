// Where the header probe reads from, and the parts of it that have files of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "irtd/probe.hpp"
#include "irtd/view.hpp"

namespace irtd::detail {

/// Bytes at offsets: a file or memory.
class ProbeSource {
 public:
  ProbeSource() = default;
  ProbeSource(const ProbeSource&) = delete;
  ProbeSource& operator=(const ProbeSource&) = delete;
  virtual ~ProbeSource() = default;
  /// Reads up to `size` bytes at `offset`; fewer only at the end, -1 on an error.
  virtual std::ptrdiff_t read_at(std::uint8_t* buffer, std::size_t size,
                                 std::uint64_t offset) const = 0;
};

/// Makes the probe a failure.
void fail_probe(ImageProbe& probe, const char* code, std::string message);

/// Fills in the probe, or makes it a failure where the size is none we take.
void accept_probe(ImageProbe& probe, const char* encoding, std::int64_t height, std::int64_t width,
                  int channels, int bits);

/// Probes a TIFF or BigTIFF of one page whose directory we understand whole. Leaves `bits` 0, for
/// a TIFF reader to be asked, wherever there is more to it: several pages, other sample formats,
/// damage.
void probe_tiff(ImageProbe& probe, const ProbeSource& source, Bytes head);

/// Probe WebP (RFC 9649) and GIF (version 89a, section 18) by their first bytes.
void probe_webp(ImageProbe& probe, Bytes head);
void probe_gif(ImageProbe& probe, Bytes head);

/// The orientation tag (274) in a TIFF-structured EXIF block, 1 where there is none; only its first
/// directory is looked at.
int exif_orientation(Bytes tiff) noexcept;

}  // namespace irtd::detail
