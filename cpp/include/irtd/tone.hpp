// Point-wise maps from counts to output: a clipped line, or a table of one entry per count.
#pragma once

#include <cstddef>
#include <cstdint>

#include "irtd/view.hpp"

namespace irtd {

/// Types a recipe writes. bf16 is the upper half of a float32, rounded half to even.
enum class ToneType { u8, u16, f16, bf16, f32 };

/// Bytes of one value.
std::size_t tone_bytes(ToneType type) noexcept;

/// Pixels anywhere in memory: strides in bytes, of any sign and alignment.
template <typename T>
struct StridedImage {
  const std::uint8_t* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t channels = 1;
  std::ptrdiff_t row_stride = 0;
  std::ptrdiff_t col_stride = static_cast<std::ptrdiff_t>(sizeof(T));
  std::ptrdiff_t channel_stride = static_cast<std::ptrdiff_t>(sizeof(T));

  static constexpr std::size_t item() noexcept { return sizeof(T); }
  std::size_t row_values() const noexcept { return cols * channels; }
  std::size_t size() const noexcept { return rows * row_values(); }
};

template <typename T>
StridedImage<T> strided(ImageView<const T> image) noexcept {
  constexpr auto kItem = static_cast<std::ptrdiff_t>(sizeof(T));
  return {reinterpret_cast<const std::uint8_t*>(image.data()),
          static_cast<std::size_t>(image.rows()),
          static_cast<std::size_t>(image.cols()),
          static_cast<std::size_t>(image.channels()),
          image.stride() * kItem,
          image.channels() * kItem,
          kItem};
}

/// Which pixels of a picture count: one byte each, 0 for an invalid one. Without data all count.
using ValidMask = StridedImage<std::uint8_t>;

/// (v − base) · scale + offset in float32, clipped to lo..hi; integer outputs are rounded half to
/// even and saturate. An invalid pixel, and a NaN, becomes `fill`. With the base, the bottom of a
/// stretch is met exactly.
struct ToneLine {
  float base = 0;
  float scale = 1;
  float offset = 0;
  float lo = 0;
  float hi = 1;
  float fill = 0;
};

/// Where results go: through the caches, or past them (float32 of counts only, else the same).
enum class Stores { cached, streamed };

/// Applies a line; `out` is contiguous, of the image's size and of `type`.
void apply_line(const StridedImage<std::uint8_t>& image, const ValidMask& valid,
                const ToneLine& line, ToneType type, void* out, Stores stores = Stores::cached);
void apply_line(const StridedImage<std::uint16_t>& image, const ValidMask& valid,
                const ToneLine& line, ToneType type, void* out, Stores stores = Stores::cached);
void apply_line(const StridedImage<float>& image, const ValidMask& valid, const ToneLine& line,
                ToneType type, void* out, Stores stores = Stores::cached);

/// Looks every count up in `table`, which has an entry for each value of the image's type, of
/// `item` (1, 2 or 4) bytes. An invalid pixel becomes the `item` bytes at `fill`.
void apply_table(const StridedImage<std::uint8_t>& image, const ValidMask& valid, const void* table,
                 std::size_t item, const void* fill, void* out);
void apply_table(const StridedImage<std::uint16_t>& image, const ValidMask& valid,
                 const void* table, std::size_t item, const void* fill, void* out);

}  // namespace irtd
