// The private table of inner loops of resampling: scalar reference and Highway.
//
// Filtering runs on strips of `lanes` output rows at once. Down the columns rows are mixed as they
// lie; then the strip is turned, so that a vector holds one column of it, and across the rows every
// tap is one multiply-add of whole vectors, whatever the filter, the scale or the direction. Where
// the taps of a group of neighbouring columns of bytes are within one table, which is so up to
// reductions of nearly two, they are looked up instead and rows are mixed afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "irtd/resample.hpp"

namespace irtd::detail {

inline constexpr std::size_t kPixelTypes = 6;  // the last, i32, has no kernel
inline constexpr std::size_t kMaxLanes = 64;

/// (v − base) · scale + offset, then clamped.
struct AffineClip {
  float scale;
  float offset;
  float lo;
  float hi;
  float base = 0;
};

/// One plane of a turned strip under the taps of its columns.
struct ColumnRuns {
  const float* strip = nullptr;         ///< columns of `lanes` values
  std::size_t step = 1;                 ///< from a column to the next of the same channel
  const std::int32_t* first = nullptr;  ///< first tap of each output column, in floats from `strip`
  const float* weight = nullptr;        ///< count × taps
  std::size_t taps = 0;
  std::size_t count = 0;     ///< output columns
  std::size_t out_step = 0;  ///< floats from one output column to the next
};

inline constexpr std::size_t kTableBytes = 16;  ///< what one look-up chooses from

/// A row of bytes under the taps of its output columns, group by group of `ResampleKernels::group`.
struct ByteTaps {
  const std::int32_t* base = nullptr;   ///< where each group's kTableBytes source bytes begin
  const std::uint8_t* place = nullptr;  ///< first tap of each output column, from its group's base
  const float* weight = nullptr;        ///< taps × count
  std::size_t taps = 0;
  std::size_t count = 0;  ///< output columns, a multiple of the group
};

/// Positions along an output row in 32.32 fixed point, so that every instruction set agrees.
struct LinePositions {
  std::int64_t x = 0;  ///< of the first output pixel
  std::int64_t y = 0;
  std::int64_t dx = 0;
  std::int64_t dy = 0;
  std::int32_t stride = 0;  ///< source values from row to row
  std::int32_t step = 1;    ///< and from pixel to pixel
};

/// A row as a sum: bias + Σ weight[k] · rows[k][i], all of them numbers.
struct MixedRow {
  const float* const* rows = nullptr;
  const float* weight = nullptr;
  std::size_t taps = 0;
  float bias = 0;
};

struct ResampleKernels {
  const char* target;  ///< name of the instruction set
  std::size_t lanes;   ///< rows of a strip: 1 or a multiple of 4
  /// out[i] = bias + Σ weight[k] · rows[k][i].
  template <typename T>
  using Mix = void (*)(const T* const* rows, const float* weight, std::size_t taps, float bias,
                       std::size_t n, float* out);
  Mix<std::uint8_t> mix_u8;
  Mix<std::uint16_t> mix_u16;
  Mix<float> mix_f32;
  /// `lanes` rows, `stride` apart, to n columns of `lanes`; n a multiple of 4.
  void (*turn)(const float* rows, std::size_t stride, std::size_t n, float* strip);
  /// n columns, `step` apart, back to `lanes` rows, `stride` apart; n a multiple of `lanes`.
  void (*turn_back)(const float* strip, std::size_t step, std::size_t n, float* rows,
                    std::size_t stride);
  /// Colour columns (r, g, b, r, …) to gray ones, in place.
  void (*luma)(float* strip, std::size_t n);
  void (*filter)(const ColumnRuns& runs, float* out);
  std::size_t group;  ///< output columns that share a table of bytes
  void (*across)(const ByteTaps& taps, const std::uint8_t* row, float* out);
  /// Interleaved colour to n pixels of three planes.
  void (*split3)(const std::uint8_t* rgb, std::size_t n, std::uint8_t* r, std::uint8_t* g,
                 std::uint8_t* b);
  /// n pixels to interleaved colour.
  void (*merge3)(const float* r, const float* g, const float* b, std::size_t n, float* rgb);
  /// Affine, clip, cast: a NaN stays one in float types and becomes 0 in integers.
  using Finish = void (*)(const float* in, std::size_t n, const AffineClip& affine, void* out);
  Finish finish[kPixelTypes];
  /// finish for f32 that writes around the caches where it can; `fence` before others read it.
  Finish finish_streamed;
  void (*fence)();
  /// Mixes, finishes and writes n pixels in one pass.
  using Blend = void (*)(const MixedRow& row, std::size_t n, const AffineClip& affine, void* out);
  Blend blend_u8;
  Blend blend_f32;
  Blend blend_streamed;  ///< as finish_streamed
  void (*copy_streamed)(const float* row, std::size_t n, float* out);
  /// Places (in values from the source's first) and weights of n output pixels.
  void (*places)(const LinePositions& line, std::size_t n, std::int32_t* place, float* wx,
                 float* wy);
  /// Mixes four neighbours (upper left and right, lower left and right), packed into one word.
  void (*quads_u8)(const std::uint32_t* quads, const float* wx, const float* wy, std::size_t n,
                   float* out);
  void (*quads_u16)(const std::uint64_t* quads, const float* wx, const float* wy, std::size_t n,
                    float* out);
  /// The same from pairs (left, right) of two rows.
  void (*pairs_f32)(const float* top, const float* bottom, const float* wx, const float* wy,
                    std::size_t n, float* out);
};

/// The reference, in plain C++.
const ResampleKernels& scalar_resample_kernels();
/// The best table for this processor.
const ResampleKernels& best_resample_kernels();
/// The same, unless a test asked for another.
const ResampleKernels& resample_kernels();
/// Every table this processor can run, for tests.
std::vector<const ResampleKernels*> all_resample_kernels();
/// Makes resample() use this table in this thread; null for the best one again. For tests.
void use_resample_kernels(const ResampleKernels* table) noexcept;

}  // namespace irtd::detail
