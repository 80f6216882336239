// The private table of inner loops of frame effects: a scalar reference, and the same loops in
// Google Highway. Every entry gives the same bits on every target: no fused multiply-add, no
// reordered sums, and no functions but those that IEEE 754 rounds correctly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace irtd::detail {

/// 32 random bits for every 32-bit counter: two rounds of a multiply-xorshift hash (constants by C.
/// Wellons, "Prospecting for Hash Functions", 2018), one for each half of the key.
struct HashKey {
  std::uint32_t first;
  std::uint32_t second;
  explicit HashKey(std::uint64_t key) noexcept
      : first(static_cast<std::uint32_t>(key)), second(static_cast<std::uint32_t>(key >> 32)) {}
};

std::uint32_t hash_bits(HashKey key, std::uint32_t counter) noexcept;

/// A pair of normal numbers uses counters `n` and `n | kSecondCounter`.
inline constexpr std::uint32_t kSecondCounter = 0x8000;

/// Pixels on each side that a blur reaches at most.
inline constexpr std::size_t kMaxBlurRadius = 96;

/// Standard deviation² of what is added to a value x: constant + per_value · max(x, 0).
struct NoiseModel {
  float constant;
  float per_value;
};

/// x · gain + offset, then (if gamma is not 1) clipped to 0..1 and to that power, then
/// scale · x + shift, then clipped to 0..1.
struct ToneModel {
  float gain;
  float offset;
  float gamma;
  float scale;
  float shift;
  bool clip;
};

struct PhotometricKernels {
  const char* target;  ///< name of the instruction set
  /// Pairs of normal numbers of the counters first..first + n (Box and Muller 1958).
  void (*gaussians)(HashKey key, std::uint32_t first, std::size_t n, float* one, float* other);
  /// With `z`, x += z · sqrt(variance(x)); then, with `columns`, x += columns[i] + row.
  void (*add_noise)(float* x, const float* z, std::size_t n, NoiseModel model, const float* columns,
                    float row);
  void (*tone)(float* x, std::size_t n, const ToneModel& model);
  /// out[i] = sum of taps[|k|] · in[i + k], −radius <= k <= radius; `in` is readable around.
  void (*blur_across)(const float* in, const float* taps, std::size_t radius, std::size_t n,
                      float* out);
  /// The same down: rows holds 2 · radius + 1 rows.
  void (*blur_down)(const float* const* rows, const float* taps, std::size_t radius, std::size_t n,
                    float* out);
};

/// The reference, in plain C++.
const PhotometricKernels& scalar_photometric_kernels();

/// The best table for this processor (the reference in a build without Highway).
const PhotometricKernels& photometric_kernels();

/// Every table this processor can run, for tests.
std::vector<const PhotometricKernels*> all_photometric_kernels();

}  // namespace irtd::detail
