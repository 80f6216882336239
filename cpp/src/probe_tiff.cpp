// TIFF 6.0 and BigTIFF directories, as far as one plain picture needs.
#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "probe_source.hpp"

namespace irtd::detail {
namespace {

constexpr std::size_t kMaxEntries = 256;
constexpr std::uint64_t kMaxStrips = std::uint64_t{1} << 17;
constexpr std::uint64_t kGray = 1;
constexpr std::uint64_t kRgb = 2;

enum Tag : std::uint16_t {
  kWidth = 256,
  kHeight = 257,
  kBits = 258,
  kCompression = 259,
  kPhotometric = 262,
  kStripOffsets = 273,
  kOrientation = 274,
  kSamples = 277,
  kStripCounts = 279,
  kPlanar = 284,
  kTileOffsets = 324,
  kTileCounts = 325,
  kSampleFormat = 339,
};

/// Unsigned numbers in the file's byte order.
class Order {
 public:
  explicit Order(bool big) noexcept : big_(big) {}
  std::uint64_t read(const std::uint8_t* p, std::size_t size) const noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value = (value << 8) | p[big_ ? i : size - 1 - i];
    }
    return value;
  }

 private:
  bool big_;
};

/// Bytes of the integer types BYTE, SHORT, LONG and LONG8; 0 for all others.
std::size_t width_of(std::uint64_t type) noexcept {
  switch (type) {
    case 1:
      return 1;
    case 3:
      return 2;
    case 4:
      return 4;
    case 16:
      return 8;
    default:
      return 0;
  }
}

/// One directory, read whole.
class Directory {
 public:
  Directory(const ProbeSource& source, Bytes head) noexcept
      : source_(source), order_(head[0] == 'M'), big_tiff_(order_.read(head.data() + 2, 2) == 43) {}

  /// False where anything about the directory is not as in a plain file of one page.
  bool load(Bytes head) {
    if (head.size() < 16) return false;
    if (big_tiff_ &&
        (order_.read(head.data() + 4, 2) != 8 || order_.read(head.data() + 6, 2) != 0)) {
      return false;  // the size of an offset, and nothing
    }
    const std::size_t wide = pointer();
    const std::uint64_t at = order_.read(head.data() + (big_tiff_ ? 8 : 4), wide);
    const std::size_t count_size = big_tiff_ ? 8 : 2;
    std::array<std::uint8_t, 8> field{};
    if (!read(field.data(), count_size, at)) return false;
    const std::uint64_t count = order_.read(field.data(), count_size);
    if (count == 0 || count > kMaxEntries) return false;
    entries_.resize(static_cast<std::size_t>(count) * entry_size());
    if (!read(entries_.data(), entries_.size(), at + count_size)) return false;
    if (!read(field.data(), wide, at + count_size + entries_.size())) return false;
    return order_.read(field.data(), wide) == 0;  // no further page
  }

  /// All values of a tag; empty where it is missing, of another type or too long.
  std::vector<std::uint64_t> values(Tag tag) const {
    const std::uint8_t* entry = find(tag);
    if (entry == nullptr) return {};
    const std::size_t size = width_of(order_.read(entry + 2, 2));
    const std::uint64_t count = order_.read(entry + 4, pointer());
    if (size == 0 || count == 0 || count > kMaxStrips) return {};
    const std::size_t bytes = static_cast<std::size_t>(count) * size;
    const std::uint8_t* field = entry + 4 + pointer();
    std::vector<std::uint8_t> outside;
    if (bytes > pointer()) {
      outside.resize(bytes);
      if (!read(outside.data(), bytes, order_.read(field, pointer()))) return {};
      field = outside.data();
    }
    std::vector<std::uint64_t> found(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < found.size(); ++i) found[i] = order_.read(field + i * size, size);
    return found;
  }

  bool has(Tag tag) const noexcept { return find(tag) != nullptr; }

  /// The single value of a tag, or `otherwise` where the tag is missing; 0 for a strange one.
  std::uint64_t value(Tag tag, std::uint64_t otherwise) const {
    if (!has(tag)) return otherwise;
    const std::vector<std::uint64_t> found = values(tag);
    return found.size() == 1 ? found[0] : 0;
  }

 private:
  std::size_t pointer() const noexcept { return big_tiff_ ? 8 : 4; }
  std::size_t entry_size() const noexcept { return 4 + 2 * pointer(); }

  bool read(std::uint8_t* out, std::size_t size, std::uint64_t offset) const {
    if (offset > (std::uint64_t{1} << 62)) return false;
    return source_.read_at(out, size, offset) == static_cast<std::ptrdiff_t>(size);
  }

  const std::uint8_t* find(Tag tag) const noexcept {
    for (std::size_t at = 0; at < entries_.size(); at += entry_size()) {
      if (order_.read(entries_.data() + at, 2) == tag) return entries_.data() + at;
    }
    return nullptr;
  }

  const ProbeSource& source_;
  Order order_;
  bool big_tiff_;
  std::vector<std::uint8_t> entries_;
};

bool all_equal(const std::vector<std::uint64_t>& values, std::uint64_t expected) {
  return std::all_of(values.begin(), values.end(),
                     [&](std::uint64_t value) { return value == expected; });
}

/// True where every strip or tile lies inside the file.
bool data_inside(const Directory& directory, std::uint64_t size) {
  const bool tiled = directory.has(kTileOffsets);
  const std::vector<std::uint64_t> offsets = directory.values(tiled ? kTileOffsets : kStripOffsets);
  const std::vector<std::uint64_t> counts = directory.values(tiled ? kTileCounts : kStripCounts);
  if (offsets.empty() || offsets.size() != counts.size()) return false;
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    if (offsets[i] > size || counts[i] > size - offsets[i]) return false;
  }
  return true;
}

}  // namespace

void probe_tiff(ImageProbe& probe, const ProbeSource& source, Bytes head) {
  probe.encoding = "tiff";
  if (head.size() < 16) return;
  Directory directory(source, head);
  if (!directory.load(head)) return;
  const std::uint64_t samples = directory.value(kSamples, 1);
  const std::vector<std::uint64_t> bits = directory.values(kBits);
  const std::uint64_t depth = bits.empty() ? 0 : bits[0];
  const std::uint64_t photometric = directory.value(kPhotometric, 0);
  const std::uint64_t orientation = directory.value(kOrientation, 1);
  const std::uint64_t height = directory.value(kHeight, 0);
  const std::uint64_t width = directory.value(kWidth, 0);
  const bool plain =
      (depth == 8 || depth == 16) && bits.size() == samples && all_equal(bits, depth) &&
      samples >= 1 && samples <= 4 && (photometric == kGray || photometric == kRgb) &&
      directory.value(kPlanar, 1) == 1 && all_equal(directory.values(kSampleFormat), 1) &&
      directory.value(kCompression, 1) != 0 && orientation >= 1 && orientation <= 8 &&
      height <= (1U << 20) && width <= (1U << 20) &&
      data_inside(directory, static_cast<std::uint64_t>(probe.size));
  if (!plain) return;
  probe.orientation = static_cast<int>(orientation);
  accept_probe(probe, "tiff", static_cast<std::int64_t>(height), static_cast<std::int64_t>(width),
               static_cast<int>(samples), static_cast<int>(depth));
}

int exif_orientation(Bytes tiff) noexcept {
  if (tiff.size() < 10 || (tiff[0] != 'I' && tiff[0] != 'M')) return 1;
  const Order order(tiff[0] == 'M');
  const std::uint64_t at = order.read(tiff.data() + 4, 4);
  if (at > tiff.size() - 2) return 1;
  const std::uint64_t count = order.read(tiff.data() + at, 2);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t entry = at + 2 + 12 * i;
    if (entry + 12 > tiff.size()) break;
    const std::uint8_t* p = tiff.data() + entry;
    if (order.read(p, 2) != kOrientation || order.read(p + 2, 2) != 3) continue;
    const std::uint64_t value = order.read(p + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace irtd::detail
