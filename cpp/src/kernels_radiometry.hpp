// The private table of inner loops of radiometry: scalar reference and Highway.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "irtd/tone.hpp"

namespace irtd::detail {

inline constexpr std::size_t kToneTypes = 5;

/// Sums of integers, exact: the caller keeps a run short enough for 64 bits.
struct RunSums {
  std::uint64_t sum = 0;
  std::uint64_t squares = 0;
};

/// The line with its bounds inside of an integer type's range, and no NaN for integers.
ToneLine settled_line(const ToneLine& line, ToneType type) noexcept;
/// The bytes of one value in an output type.
std::uint32_t tone_bits(float value, ToneType type) noexcept;

/// Counts lo..hi: what a rising line gives for those below and above is beyond 0 and 255.
struct CountReach {
  std::uint16_t lo = 0;
  std::uint16_t hi = 0;
};

/// Pixels of a run from which finding the reach is worth it.
inline constexpr std::size_t kWorthReach = 64;

/// Finds the reach of a line whose bounds are 0 and 255. False where it has other bounds, does not
/// rise, or its results within reach do not fit 16 bits.
bool count_reach(const ToneLine& line, CountReach* reach) noexcept;

struct RadiometryKernels {
  const char* target;  ///< name of the instruction set
  /// out[i] = line(in[i]), by input type and ToneType.
  using Line = void (*)(const void* in, std::size_t n, const ToneLine& line, void* out);
  Line line_u8[kToneTypes];
  Line line_u16[kToneTypes];
  Line line_f32[kToneTypes];
  /// The same to float32, past the caches: for results that are not read before others push them
  /// out. `out` is aligned to 4 bytes.
  Line stream_u8;
  Line stream_u16;
  /// Adds to the sums.
  void (*sums_u8)(const std::uint8_t* p, std::size_t n, RunSums* sums);
  void (*sums_u16)(const std::uint16_t* p, std::size_t n, RunSums* sums);
};

/// The reference, in plain C++.
const RadiometryKernels& scalar_radiometry_kernels();
/// The best table for this processor.
const RadiometryKernels& radiometry_kernels();
/// Every table this processor can run, for tests.
std::vector<const RadiometryKernels*> all_radiometry_kernels();

}  // namespace irtd::detail
