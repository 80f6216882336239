// Counting integers, and percentiles of what was counted.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "irtd/view.hpp"

namespace irtd::detail {

/// Copies of a histogram of so many values that are filled in turns: neighbours in a thermal
/// picture are often equal, and one counter would wait for itself. Beyond the cache it is one.
inline std::size_t histogram_lanes(std::size_t range) noexcept { return range <= 8192 ? 4 : 1; }

/// As many adjacent values as 64 bits hold, less `lo` each.
template <typename T>
std::uint64_t load_block(const T* p, std::uint32_t lo) noexcept {
  constexpr std::uint64_t kOnes = ~std::uint64_t{0} / ((std::uint64_t{1} << (8 * sizeof(T))) - 1);
  std::uint64_t block = 0;
  std::memcpy(&block, p, sizeof block);
  return block - lo * kOnes;
}

template <typename T>
void count_block(std::uint64_t block, std::uint32_t* const* at) noexcept {
  constexpr unsigned kBits = 8 * sizeof(T);
  constexpr std::uint64_t kMask = (std::uint64_t{1} << kBits) - 1;
  ++at[0][block & kMask];
  ++at[1][(block >> kBits) & kMask];
  ++at[2][(block >> (2 * kBits)) & kMask];
  ++at[3][(block >> (3 * kBits)) & kMask];
  if constexpr (sizeof(T) == 1) {
    ++at[0][(block >> (4 * kBits)) & kMask];
    ++at[1][(block >> (5 * kBits)) & kMask];
    ++at[2][(block >> (6 * kBits)) & kMask];
    ++at[3][block >> (7 * kBits)];
  }
}

/// Counts values − lo of a run into `lanes` copies of `range` counters.
template <typename T>
void count_run(const T* p, std::size_t n, std::uint32_t lo, std::size_t range, std::size_t lanes,
               std::uint32_t* counts) {
  std::size_t i = 0;
  if (lanes == 4) {
    std::uint32_t* const at[4] = {counts, counts + range, counts + 2 * range, counts + 3 * range};
    constexpr std::size_t kBlock = sizeof(std::uint64_t) / sizeof(T);
    for (; i + 2 * kBlock <= n; i += 2 * kBlock) {
      // Loads of many values, both before any counter changes, and one subtraction for each (no
      // value borrows from its neighbour).
      const std::uint64_t first = load_block(p + i, lo);
      const std::uint64_t second = load_block(p + i + kBlock, lo);
      count_block<T>(first, at);
      count_block<T>(second, at);
    }
  }
  for (; i < n; ++i) ++counts[p[i] - lo];
}

/// Adds the copies up in the first.
inline void merge_lanes(std::uint32_t* counts, std::size_t range, std::size_t lanes) noexcept {
  for (std::size_t lane = 1; lane < lanes; ++lane) {
    for (std::size_t v = 0; v < range; ++v) counts[v] += counts[lane * range + v];
  }
}

/// The linear rule in the order of operations of NumPy, so that the results are the same double.
inline double linear_between(double a, double b, double t) noexcept {
  return t >= 0.5 ? b - (b - a) * (1 - t) : a + (b - a) * t;
}

/// Where a percentile of sorted values lies: `share` of the way from value `first` to the next.
struct Rank {
  std::size_t first = 0;
  std::size_t next = 0;  ///< first + 1, or first where it is the last
  double share = 0;
};

/// The rank of a percentile among `n` > 0 values.
inline Rank rank_of(double percent, std::size_t n) noexcept {
  const double rank = static_cast<double>(n - 1) * (percent / 100.0);
  const double floor = std::floor(rank);
  const auto first = std::min(static_cast<std::size_t>(floor), n - 1);
  return {first, std::min(first + 1, n - 1), rank - floor};
}

/// The value at a rank, of which `before` values are below lo and counts[v] are lo + v.
template <typename Count>
double value_at(const Rank& rank, Span<const Count> counts, std::uint32_t lo, std::size_t before) {
  std::size_t v = 0;
  std::size_t seen = before + static_cast<std::size_t>(counts[0]);
  while (seen <= rank.first) seen += static_cast<std::size_t>(counts[++v]);
  const auto a = static_cast<double>(lo + v);
  if (rank.next == rank.first) return a;
  while (seen <= rank.next) seen += static_cast<std::size_t>(counts[++v]);
  return linear_between(a, static_cast<double>(lo + v), rank.share);
}

/// A percentile of `n` > 0 values, of which counts[v] are lo + v.
template <typename Count>
double percentile_of(Span<const Count> counts, std::uint32_t lo, std::size_t n, double percent) {
  return value_at(rank_of(percent, n), counts, lo, 0);
}

}  // namespace irtd::detail
