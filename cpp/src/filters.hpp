// The private table of inner loops of the filters (recipes that look at neighbours): a scalar
// reference, and the same loops in Google Highway. Every entry gives the same bits on every
// target: no fused multiply-add, no reordered sums.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace irtd::detail {

/// Weights of the four curves around a pixel: of the right one by column, of the lower one by row.
struct ClaheWeights {
  const float* right;
  const float* left;
  float lower;
  float upper;
};

/// Sums over windows of a row as differences of prefixes: of window x, at[x + width] − at[x].
struct WindowPrefix {
  const double* first;
  const double* second;
  std::size_t width;
  const double* inverse;  ///< 1 / pixels of every window
};

/// What becomes of a row of counts x (from an origin), see irtd/detail_enhance.hpp.
struct DetailRow {
  float low;    ///< of x
  float scale;  ///< 1 / (high − low)
  float base_share;
  float noise;
  float gain;
  float top;  ///< of the output
};

struct FilterKernels {
  const char* target;  ///< name of the instruction set
  /// Histograms of `lanes` tiles side by side: counts[value * lanes + tile], `lanes` a multiple of
  /// kTileLanes. Clips every count to its tile's limit and adds what was cut off to `clipped`.
  void (*clip_counts)(std::uint32_t* counts, std::size_t values, std::size_t lanes,
                      const std::uint32_t* limit, std::uint32_t* clipped);
  /// Curves from clipped histograms: sum[t] += counts + batch[t] value by value, and
  /// curve[value * curve_stride + t] = round(sum[t] * scale[t]), saturated. Whole groups of lanes
  /// are stored, those without a tile too: curve_stride is at least `lanes`.
  void (*curves_u8)(const std::uint32_t* counts, std::size_t values, std::size_t lanes,
                    const std::uint32_t* batch, const float* scale, std::uint32_t* sum,
                    std::uint8_t* curve, std::size_t curve_stride);
  void (*curves_u16)(const std::uint32_t* counts, std::size_t values, std::size_t lanes,
                     const std::uint32_t* batch, const float* scale, std::uint32_t* sum,
                     std::uint16_t* curve, std::size_t curve_stride);
  /// Blends levels packed as upper left, upper right, lower left, lower right, lowest byte first.
  void (*blend_curves_u8)(const std::uint32_t* packed, const ClaheWeights& weights, std::size_t n,
                          std::uint8_t* out);
  /// Blends levels packed as left (low half) and right.
  void (*blend_curves_u16)(const std::uint32_t* upper, const std::uint32_t* lower,
                           const ClaheWeights& weights, std::size_t n, std::uint16_t* out);
  /// sum += in − out, square += in² − out².
  void (*change_moments)(const float* in, const float* out, std::size_t n, double* sum,
                         double* square);
  /// first += first_in − first_out, second likewise.
  void (*change_pair)(const float* first_in, const float* first_out, const float* second_in,
                      const float* second_out, std::size_t n, double* first, double* second);
  /// From sums of x and x²: a = variance / (variance + edge), b = (1 − a) · mean.
  void (*fit_lines)(const WindowPrefix& sums, std::size_t n, double edge, float* a, float* b);
  /// From sums of a and b: the enhanced row, 0..top.
  void (*enhance)(const WindowPrefix& sums, const DetailRow& row, const float* x, std::size_t n,
                  float* out);
  /// For each of kMedianLanes columns of values[row * kMedianLanes + column]: the order statistics
  /// of ranks k and k + 1, where low..high holds all values and k + 1 < rows (k, if not).
  void (*middle_pair)(const std::int32_t* values, std::size_t rows, std::size_t k, std::int32_t low,
                      std::int32_t high, std::int32_t* at_k, std::int32_t* after_k);
};

/// Tiles are counted in groups of this many, the vector length of 32-bit counts that is used at
/// most.
inline constexpr std::size_t kTileLanes = 8;

/// Columns of which the medians are found side by side.
inline constexpr std::size_t kMedianLanes = 16;

/// The reference, in plain C++.
const FilterKernels& scalar_filter_kernels();

/// The best table for this processor (the reference in a build without Highway).
const FilterKernels& filter_kernels();

/// Every table this processor can run, for tests.
std::vector<const FilterKernels*> all_filter_kernels();

}  // namespace irtd::detail
