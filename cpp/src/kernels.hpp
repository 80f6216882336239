// The private table of inner loops: a scalar reference, and the same loops in Google Highway for
// every SIMD target of the processor family, picked at run time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace irtd::detail {

inline constexpr std::size_t kBetweenMost = 16384;
inline constexpr std::size_t kBetweenSlack = 1;

struct Kernels {
  const char* target;  ///< name of the instruction set
  /// Widen *lo..*hi to hold all values.
  void (*min_max_u8)(const std::uint8_t* p, std::size_t n, std::uint8_t* lo, std::uint8_t* hi);
  void (*min_max_u16)(const std::uint16_t* p, std::size_t n, std::uint16_t* lo, std::uint16_t* hi);
  /// Writes the values lo..lo + width to `out`, in order, adds the number of those below lo to
  /// `*below`, and returns how many it wrote. At most kBetweenMost values; `out` has room for all
  /// of them and kBetweenSlack more, which it may overwrite.
  std::size_t (*between_u16)(const std::uint16_t* p, std::size_t n, std::uint16_t lo,
                             std::uint16_t width, std::uint64_t* below, std::uint16_t* out);
};

/// The reference, in plain C++.
const Kernels& scalar_kernels();

/// The best table for this processor (the reference in a build without Highway).
const Kernels& kernels();

/// Every table this processor can run, for tests.
std::vector<const Kernels*> all_kernels();

}  // namespace irtd::detail
