// The marker walk over a JPEG that both the decoder and the header probe use.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "irtd/jpeg.hpp"
#include "irtd/view.hpp"

namespace irtd::detail {

/// How the three components of a colour JPEG are to be understood.
enum class JpegColor { gray, ycc, rgb, other };

/// A resumable walk from SOI to the frame header or to the first scan.
///
/// The file need not be in memory: feed() takes any window of it that starts at or before
/// position() and says whether it needs to see more. Segments that are not needed are skipped
/// without being read, so a radiometric JPEG with a megabyte of APP segments costs a few reads.
class JpegWalk {
 public:
  enum class Status { done, more, bad };
  enum class Until { frame, scan };

  explicit JpegWalk(Until until) noexcept : until_(until) {}

  /// Continues with `window`, the bytes of the file from offset `base` (≤ position()) on.
  Status feed(Bytes window, std::uint64_t base) noexcept;

  /// Offset in the file of the marker the walk stands at (after Until::scan: of the scan's data).
  std::uint64_t position() const noexcept { return position_; }
  const JpegHeader& header() const noexcept { return header_; }
  int precision() const noexcept { return precision_; }
  /// EXIF orientation, 1 to 8; only Until::frame looks for it.
  int orientation() const noexcept { return orientation_; }
  /// Why the walk said Status::bad.
  const char* problem() const noexcept { return problem_; }
  /// True where the first scan does not hold all components, so that more scans must follow.
  bool multi_scan() const noexcept { return multi_scan_; }
  /// Colour space by the rules of libjpeg: JFIF, then Adobe, then component ids.
  JpegColor color() const noexcept;
  /// Horizontal (high four bits) and vertical sampling factor of component `i` < 4.
  std::uint8_t sampling(std::size_t i) const noexcept { return sampling_[i]; }

 private:
  Status step(Bytes rest) noexcept;
  Status segment(std::uint8_t marker, Bytes rest) noexcept;
  Status frame(std::uint8_t marker, Bytes payload) noexcept;
  Status scan(Bytes payload) noexcept;
  void note_app(std::uint8_t marker, Bytes payload) noexcept;
  Status fail(const char* why) noexcept {
    problem_ = why;
    return Status::bad;
  }

  Until until_;
  std::uint64_t position_ = 0;
  JpegHeader header_;
  int precision_ = 0;
  const char* problem_ = "";
  bool finished_ = false;
  bool have_frame_ = false;
  bool multi_scan_ = false;
  bool jfif_ = false;
  int orientation_ = 1;
  int adobe_transform_ = -1;  ///< -1 without an Adobe segment
  std::array<std::uint8_t, 4> ids_{};
  std::array<std::uint8_t, 4> sampling_{};
};

/// Number of SOS markers from `position` (the data of the first scan, which counts) to EOI;
/// stops counting beyond `limit`.
int count_scans(Bytes data, std::size_t position, int limit) noexcept;

}  // namespace irtd::detail
