#include "irtd/tone.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "irtd/error.hpp"
#include "kernels_radiometry.hpp"
#include "runs.hpp"

namespace irtd {
namespace {

using detail::RadiometryKernels;

/// Calls body(row, n, out) for runs of pixels and the place of their results; then overwrites what
/// came of invalid pixels by the `item` bytes at `fill`.
template <typename T, typename Body>
void map_runs(const StridedImage<T>& image, const ValidMask& valid, std::size_t item,
              const void* fill, std::uint8_t* out, const Body& body) {
  if (image.size() == 0) return;
  const bool packed = detail::packed_rows(image);
  if (valid.data == nullptr && detail::one_run(image, packed)) {
    body(reinterpret_cast<const T*>(image.data), image.size(), out);
    return;
  }
  thread_local std::vector<T> gathered;
  thread_local std::vector<std::uint8_t> mask;
  const bool packed_mask = detail::packed_rows(valid);
  const std::size_t pixel = image.channels * item;
  for (std::size_t r = 0; r < image.rows; ++r, out += image.row_values() * item) {
    body(detail::row_of(image, packed, r, gathered), image.row_values(), out);
    if (valid.data == nullptr) continue;
    const std::uint8_t* use = detail::row_of(valid, packed_mask, r, mask);
    for (std::size_t c = 0; c < image.cols; ++c) {
      if (use[c] != 0) continue;
      for (std::size_t k = 0; k < image.channels; ++k) {
        std::memcpy(out + c * pixel + k * item, fill, item);
      }
    }
  }
}

template <typename T>
void check_mask(const StridedImage<T>& image, const ValidMask& valid) {
  IRTD_REQUIRE(valid.data == nullptr || (valid.rows == image.rows && valid.cols == image.cols),
               "the mask of valid pixels has another size than the picture");
}

template <typename T>
void run_line(const StridedImage<T>& image, const ValidMask& valid, const ToneLine& line,
              ToneType type, void* out, RadiometryKernels::Line kernel) {
  check_mask(image, valid);
  IRTD_REQUIRE(std::isfinite(line.base) && std::isfinite(line.scale) &&
                   std::isfinite(line.offset) && line.lo <= line.hi,
               "scale and offset are finite, and the clip bounds in order");
  const ToneLine settled = detail::settled_line(line, type);
  const std::uint32_t fill = detail::tone_bits(settled.fill, type);
  map_runs(image, valid, tone_bytes(type), &fill, static_cast<std::uint8_t*>(out),
           [&](const T* p, std::size_t n, std::uint8_t* to) { kernel(p, n, settled, to); });
}

/// Several lookups a turn: the counts come in one load and no lookup waits for another; bytes are
/// put together for one store.
template <typename T, typename Item>
void look_up(const T* p, std::size_t n, const Item* table, Item* out) {
  std::size_t i = 0;
  if constexpr (sizeof(Item) == 1) {
    for (; i + 8 <= n; i += 8) {
      std::uint32_t low = 0;
      std::uint32_t high = 0;
      for (unsigned k = 0; k < 4; ++k) low |= std::uint32_t{table[p[i + k]]} << (8 * k);
      for (unsigned k = 0; k < 4; ++k) high |= std::uint32_t{table[p[i + 4 + k]]} << (8 * k);
      const std::uint32_t both[2] = {low, high};
      std::memcpy(out + i, both, sizeof both);
    }
  } else if constexpr (sizeof(T) == 2) {
    for (; i + 4 <= n; i += 4) {
      std::uint64_t four = 0;
      std::memcpy(&four, p + i, sizeof four);
      out[i] = table[four & 0xFFFFU];
      out[i + 1] = table[(four >> 16U) & 0xFFFFU];
      out[i + 2] = table[(four >> 32U) & 0xFFFFU];
      out[i + 3] = table[four >> 48U];
    }
  }
  for (; i < n; ++i) out[i] = table[p[i]];
}

template <typename T, typename Item>
void table_of(const StridedImage<T>& image, const ValidMask& valid, const void* table,
              const void* fill, void* out) {
  map_runs(image, valid, sizeof(Item), fill, static_cast<std::uint8_t*>(out),
           [&](const T* p, std::size_t n, std::uint8_t* to) {
             look_up(p, n, static_cast<const Item*>(table), reinterpret_cast<Item*>(to));
           });
}

template <typename T>
void run_table(const StridedImage<T>& image, const ValidMask& valid, const void* table,
               std::size_t item, const void* fill, void* out) {
  check_mask(image, valid);
  IRTD_REQUIRE(item == 1 || item == 2 || item == 4, "table entries have 1, 2 or 4 bytes");
  if (item == 1) return table_of<T, std::uint8_t>(image, valid, table, fill, out);
  if (item == 2) return table_of<T, std::uint16_t>(image, valid, table, fill, out);
  table_of<T, std::uint32_t>(image, valid, table, fill, out);
}

/// Invalid pixels are overwritten afterwards, for which their lines should be in the cache.
bool may_stream(const ValidMask& valid, ToneType type, Stores stores) noexcept {
  return stores == Stores::streamed && type == ToneType::f32 && valid.data == nullptr;
}

std::size_t slot(ToneType type) { return static_cast<std::size_t>(type); }

}  // namespace

namespace detail {

ToneLine settled_line(const ToneLine& line, ToneType type) noexcept {
  if (type != ToneType::u8 && type != ToneType::u16) return line;
  const float top = type == ToneType::u8 ? 255.0F : 65535.0F;
  ToneLine settled = line;
  settled.lo = std::clamp(line.lo, 0.0F, top);
  settled.hi = std::clamp(line.hi, 0.0F, top);
  settled.fill = std::isnan(line.fill) ? 0.0F : std::clamp(line.fill, 0.0F, top);
  return settled;
}

std::uint32_t tone_bits(float value, ToneType type) noexcept {
  std::uint32_t bits = 0;
  scalar_radiometry_kernels().line_f32[static_cast<std::size_t>(type)](
      &value, 1, {0.0F, 1.0F, 0.0F, value, value, value}, &bits);
  return bits;
}

}  // namespace detail

std::size_t tone_bytes(ToneType type) noexcept {
  return type == ToneType::f32 ? 4 : (type == ToneType::u8 ? 1 : 2);
}

void apply_line(const StridedImage<std::uint8_t>& image, const ValidMask& valid,
                const ToneLine& line, ToneType type, void* out, Stores stores) {
  const detail::RadiometryKernels& table = detail::radiometry_kernels();
  const bool past = may_stream(valid, type, stores);
  run_line(image, valid, line, type, out, past ? table.stream_u8 : table.line_u8[slot(type)]);
}

void apply_line(const StridedImage<std::uint16_t>& image, const ValidMask& valid,
                const ToneLine& line, ToneType type, void* out, Stores stores) {
  const detail::RadiometryKernels& table = detail::radiometry_kernels();
  const bool past = may_stream(valid, type, stores);
  run_line(image, valid, line, type, out, past ? table.stream_u16 : table.line_u16[slot(type)]);
}

void apply_line(const StridedImage<float>& image, const ValidMask& valid, const ToneLine& line,
                ToneType type, void* out, Stores) {
  run_line(image, valid, line, type, out, detail::radiometry_kernels().line_f32[slot(type)]);
}

void apply_table(const StridedImage<std::uint8_t>& image, const ValidMask& valid, const void* table,
                 std::size_t item, const void* fill, void* out) {
  run_table(image, valid, table, item, fill, out);
}

void apply_table(const StridedImage<std::uint16_t>& image, const ValidMask& valid,
                 const void* table, std::size_t item, const void* fill, void* out) {
  run_table(image, valid, table, item, fill, out);
}

}  // namespace irtd
