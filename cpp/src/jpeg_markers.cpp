#include "jpeg_markers.hpp"

#include <algorithm>
#include <cstring>

#include "probe_source.hpp"

namespace irtd::detail {
namespace {

// Marker codes of ITU-T T.81 table B.1.
constexpr std::uint8_t kSoi = 0xD8;
constexpr std::uint8_t kEoi = 0xD9;
constexpr std::uint8_t kSos = 0xDA;
constexpr std::uint8_t kApp0 = 0xE0;
constexpr std::uint8_t kApp1 = 0xE1;
constexpr std::size_t kExifHead = 1024;  // the first directory, where the orientation is
constexpr std::uint8_t kApp14 = 0xEE;

constexpr bool is_frame(std::uint8_t m) noexcept {
  return m >= 0xC0 && m <= 0xCF && m != 0xC4 && m != 0xC8 && m != 0xCC;  // not DHT, JPG, DAC
}

constexpr bool is_standalone(std::uint8_t m) noexcept {
  return m == 0x01 || (m >= 0xD0 && m <= 0xD7);  // TEM, RST0..7
}

constexpr int big16(const std::uint8_t* p) noexcept { return (p[0] << 8) | p[1]; }

}  // namespace

JpegWalk::Status JpegWalk::feed(Bytes window, std::uint64_t base) noexcept {
  if (base > position_) return Status::more;
  while (!finished_) {
    const std::uint64_t offset = position_ - base;
    if (offset >= window.size()) return Status::more;
    const auto start = static_cast<std::size_t>(offset);
    const Status status = step(window.subspan(start, window.size() - start));
    if (status != Status::done) return status;
  }
  return Status::done;
}

/// One marker at the front of `rest`; Status::done means the walk may go on.
JpegWalk::Status JpegWalk::step(Bytes rest) noexcept {
  if (rest.size() < 2) return Status::more;
  if (rest[0] != 0xFF) return fail("no marker where one must be");
  const std::uint8_t marker = rest[1];
  if (marker == 0xFF) {  // fill byte
    ++position_;
    return Status::done;
  }
  if (position_ == 0) {
    if (marker != kSoi) return fail("does not start with SOI");
    position_ = 2;
    return Status::done;
  }
  if (marker == kSoi || marker == 0x00) return fail("a marker that cannot be here");
  if (marker == kEoi) return fail("ends before the first scan");
  if (is_standalone(marker)) {
    position_ += 2;
    return Status::done;
  }
  return segment(marker, rest);
}

JpegWalk::Status JpegWalk::segment(std::uint8_t marker, Bytes rest) noexcept {
  if (rest.size() < 4) return Status::more;
  const int length = big16(rest.data() + 2);
  if (length < 2) return fail("a segment shorter than its own length field");
  const std::size_t total = 2 + static_cast<std::size_t>(length);
  const bool frame_marker = is_frame(marker);
  const bool exif = marker == kApp1 && until_ == Until::frame;
  if (frame_marker || marker == kSos || marker == kApp0 || marker == kApp14 || exif) {
    // The application segments tell in their first bytes; the others are needed whole.
    const std::size_t needed = frame_marker || marker == kSos
                                   ? total
                                   : std::min<std::size_t>(total, 4 + (exif ? kExifHead : 14));
    if (rest.size() < needed) return Status::more;
    const Bytes payload = rest.subspan(4, needed - 4);
    if (frame_marker || marker == kSos) {
      const Status status = frame_marker ? frame(marker, payload) : scan(payload);
      if (status != Status::done) return status;
    } else {
      note_app(marker, payload);
    }
  }
  position_ += total;
  return Status::done;
}

JpegWalk::Status JpegWalk::frame(std::uint8_t marker, Bytes payload) noexcept {
  if (have_frame_) return fail("two frame headers");
  const bool decodable = marker <= 0xC2 || marker == 0xC9 || marker == 0xCA;
  if (!decodable) return fail("a lossless or hierarchical JPEG, which is not supported");
  if (payload.size() < 6) return fail("a frame header that is too short");
  precision_ = payload[0];
  header_.height = big16(payload.data() + 1);
  header_.width = big16(payload.data() + 3);
  header_.components = payload[5];
  header_.progressive = marker == 0xC2 || marker == 0xCA;
  const auto count = static_cast<std::size_t>(header_.components);
  if (payload.size() != 6 + 3 * count) return fail("a frame header of the wrong length");
  if (header_.height == 0 || header_.width == 0 || count == 0) {
    return fail("a frame header with a zero size");
  }
  for (std::size_t i = 0; i < std::min(count, ids_.size()); ++i) {
    ids_[i] = payload[6 + 3 * i];
    sampling_[i] = payload[7 + 3 * i];
  }
  have_frame_ = true;
  finished_ = until_ == Until::frame;
  return Status::done;
}

JpegWalk::Status JpegWalk::scan(Bytes payload) noexcept {
  if (!have_frame_) return fail("a scan before the frame header");
  if (payload.empty()) return fail("a scan header that is too short");
  multi_scan_ = header_.progressive || int{payload[0]} < header_.components;
  finished_ = true;
  return Status::done;
}

void JpegWalk::note_app(std::uint8_t marker, Bytes payload) noexcept {
  if (marker == kApp0) {
    jfif_ = jfif_ || (payload.size() >= 14 && std::memcmp(payload.data(), "JFIF", 5) == 0);
  } else if (marker == kApp1) {
    if (payload.size() >= 6 && std::memcmp(payload.data(), "Exif\0", 6) == 0) {
      orientation_ = exif_orientation(payload.subspan(6, payload.size() - 6));
    }
  } else if (payload.size() >= 12 && std::memcmp(payload.data(), "Adobe", 5) == 0) {
    adobe_transform_ = payload[11];
  }
}

JpegColor JpegWalk::color() const noexcept {
  if (header_.components == 1) return JpegColor::gray;
  if (header_.components != 3) return JpegColor::other;
  if (jfif_) return JpegColor::ycc;
  if (adobe_transform_ >= 0) return adobe_transform_ == 0 ? JpegColor::rgb : JpegColor::ycc;
  const bool rgb = ids_[0] == 'R' && ids_[1] == 'G' && ids_[2] == 'B';
  return rgb ? JpegColor::rgb : JpegColor::ycc;
}

int count_scans(Bytes data, std::size_t position, int limit) noexcept {
  int scans = 1;
  while (scans <= limit && position < data.size()) {
    const void* found = std::memchr(data.data() + position, 0xFF, data.size() - position);
    if (found == nullptr) break;
    position = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - data.data());
    if (data.size() - position < 2) break;
    const std::uint8_t marker = data[position + 1];
    if (marker == kEoi) break;
    if (marker == 0xFF) {
      position += 1;
    } else if (marker == 0x00 || is_standalone(marker) || data.size() - position < 4) {
      position += 2;
    } else {
      if (marker == kSos) ++scans;
      position += 2 + static_cast<std::size_t>(big16(data.data() + position + 2));
    }
  }
  return scans;
}

}  // namespace irtd::detail
