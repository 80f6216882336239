// The private table of inner loops: a scalar reference, and the same loops in Google Highway for
// every SIMD target of the processor family, picked at run time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace irtd::detail {

/// Where one block of `lanes` output columns takes its values from.
struct ColumnBlock {
  enum Kind : std::int32_t {
    one_table,   ///< all left taps lie within `lanes` columns from base
    two_tables,  ///< … within 2 · lanes
    gather,      ///< further apart (strong reduction)
  };
  std::int32_t base;
  Kind kind;
};

/// Column taps of a bilinear resampling, laid out for the lane count of one kernel table.
struct ColumnTaps {
  std::size_t count = 0;                ///< output columns
  const ColumnBlock* blocks = nullptr;  ///< ceil(count / lanes)
  const std::int32_t* left = nullptr;   ///< left tap − base, padded to whole blocks
  const float* weight = nullptr;        ///< of the right tap (left + 1), padded likewise
};

/// v · scale + offset, then clamped.
struct AffineClip {
  float scale;
  float offset;
  float lo;
  float hi;
};

struct Kernels {
  const char* target;  ///< name of the instruction set
  std::size_t lanes;   ///< output columns in a ColumnBlock
  /// Floats a row handed to columns() must have behind its last column: they may be read, and are
  /// not used, except the first, which must repeat the last column.
  std::size_t row_padding() const noexcept { return 2 * lanes + 1; }
  /// Widen *lo..*hi to hold all values.
  void (*min_max_u8)(const std::uint8_t* p, std::size_t n, std::uint8_t* lo, std::uint8_t* hi);
  void (*min_max_u16)(const std::uint16_t* p, std::size_t n, std::uint16_t* lo, std::uint16_t* hi);
  /// out = top + (bottom − top) · weight.
  void (*blend_u8)(const std::uint8_t* top, const std::uint8_t* bottom, float weight, std::size_t n,
                   float* out);
  void (*blend_u16)(const std::uint16_t* top, const std::uint16_t* bottom, float weight,
                    std::size_t n, float* out);
  /// out[i] = affine(row[l] + (row[l + 1] − row[l]) · weight[i]), l the left tap of column i.
  void (*columns)(const ColumnTaps& taps, const float* row, const AffineClip& affine, float* out);
  /// Interleaved colour to planes and back; `n` pixels.
  void (*split3)(const float* rgb, std::size_t n, float* r, float* g, float* b);
  void (*merge3)(const float* r, const float* g, const float* b, std::size_t n, float* rgb);
  /// Round half to even and saturate.
  void (*to_u8)(const float* p, std::size_t n, std::uint8_t* out);
  void (*to_u16)(const float* p, std::size_t n, std::uint16_t* out);
};

/// The reference, in plain C++.
const Kernels& scalar_kernels();

/// The best table for this processor (the reference in a build without Highway).
const Kernels& kernels();

/// Every table this processor can run, for tests.
std::vector<const Kernels*> all_kernels();

}  // namespace irtd::detail
