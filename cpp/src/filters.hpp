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
};

/// Tiles are counted in groups of this many, the vector length of 32-bit counts that is used at
/// most.
inline constexpr std::size_t kTileLanes = 8;

/// The reference, in plain C++.
const FilterKernels& scalar_filter_kernels();

/// The best table for this processor (the reference in a build without Highway).
const FilterKernels& filter_kernels();

/// Every table this processor can run, for tests.
std::vector<const FilterKernels*> all_filter_kernels();

}  // namespace irtd::detail
