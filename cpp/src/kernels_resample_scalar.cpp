#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "half.hpp"
#include "kernels_resample.hpp"

namespace irtd::detail {
namespace {

constexpr std::size_t kLanes = 4;

template <typename T>
void mix(const T* const* rows, const float* weight, std::size_t taps, float bias, std::size_t n,
         float* out) {
  for (std::size_t i = 0; i < n; ++i) {
    float sum = bias;
    for (std::size_t k = 0; k < taps; ++k) sum += static_cast<float>(rows[k][i]) * weight[k];
    out[i] = sum;
  }
}

void turn(const float* rows, std::size_t stride, std::size_t n, float* strip) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      strip[i * kLanes + lane] = rows[lane * stride + i];
    }
  }
}

void turn_back(const float* strip, std::size_t step, std::size_t n, float* rows,
               std::size_t stride) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      rows[lane * stride + i] = strip[i * step + lane];
    }
  }
}

void luma(float* strip, std::size_t n) {
  for (std::size_t i = 0; i < n * kLanes; ++i) {
    const float* from = strip + i / kLanes * 3 * kLanes + i % kLanes;
    strip[i] = 0.299F * from[0] + 0.587F * from[kLanes] + 0.114F * from[2 * kLanes];
  }
}

void filter(const ColumnRuns& runs, float* out) {
  for (std::size_t j = 0; j < runs.count; ++j) {
    const float* at = runs.strip + runs.first[j];
    const float* weight = runs.weight + j * runs.taps;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      float sum = 0;
      for (std::size_t k = 0; k < runs.taps; ++k) {
        sum += at[k * runs.step * kLanes + lane] * weight[k];
      }
      out[j * runs.out_step + lane] = sum;
    }
  }
}

void across(const ByteTaps& taps, const std::uint8_t* row, float* out) {
  for (std::size_t j = 0; j < taps.count; ++j) {
    const std::uint8_t* at = row + taps.base[j / kLanes] + taps.place[j];
    float sum = 0;
    for (std::size_t k = 0; k < taps.taps; ++k) {
      sum += static_cast<float>(at[k]) * taps.weight[k * taps.count + j];
    }
    out[j] = sum;
  }
}

void split3(const std::uint8_t* rgb, std::size_t n, std::uint8_t* r, std::uint8_t* g,
            std::uint8_t* b) {
  for (std::size_t i = 0; i < n; ++i) {
    r[i] = rgb[3 * i];
    g[i] = rgb[3 * i + 1];
    b[i] = rgb[3 * i + 2];
  }
}

void merge3(const float* r, const float* g, const float* b, std::size_t n, float* rgb) {
  for (std::size_t i = 0; i < n; ++i) {
    rgb[3 * i] = r[i];
    rgb[3 * i + 1] = g[i];
    rgb[3 * i + 2] = b[i];
  }
}

float affine_of(float value, const AffineClip& affine) {
  const float moved = (value - affine.base) * affine.scale + affine.offset;
  if (std::isnan(moved)) return moved;
  return std::clamp(moved, affine.lo, affine.hi);
}

template <typename T>
void finish_whole(const float* in, std::size_t n, const AffineClip& affine, void* out) {
  constexpr auto kMax = static_cast<float>(std::numeric_limits<T>::max());
  auto* to = static_cast<T*>(out);
  for (std::size_t i = 0; i < n; ++i) {
    const float value = affine_of(in[i], affine);
    // nearbyint: half to even in the default rounding mode, which nothing here changes.
    to[i] =
        std::isnan(value) ? T{0} : static_cast<T>(std::nearbyint(std::clamp(value, 0.0F, kMax)));
  }
}

template <std::uint16_t (*Cast)(float)>
void finish_half(const float* in, std::size_t n, const AffineClip& affine, void* out) {
  auto* to = static_cast<std::uint16_t*>(out);
  for (std::size_t i = 0; i < n; ++i) to[i] = Cast(affine_of(in[i], affine));
}

std::uint16_t f16_of(float value) { return to_f16(value); }
std::uint16_t bf16_of(float value) { return to_bf16(value); }

void finish_float(const float* in, std::size_t n, const AffineClip& affine, void* out) {
  auto* to = static_cast<float*>(out);
  for (std::size_t i = 0; i < n; ++i) to[i] = affine_of(in[i], affine);
}

template <void (*FinishRow)(const float*, std::size_t, const AffineClip&, void*), typename Item>
void blend(const MixedRow& row, std::size_t n, const AffineClip& affine, void* out) {
  for (std::size_t i = 0; i < n; ++i) {
    float sum = row.bias;
    for (std::size_t k = 0; k < row.taps; ++k) sum += row.rows[k][i] * row.weight[k];
    FinishRow(&sum, 1, affine, static_cast<Item*>(out) + i);
  }
}

void copy_row(const float* row, std::size_t n, float* out) { std::copy_n(row, n, out); }

/// The upper 24 bits of a fraction of 32, which a float holds exactly.
float fraction(std::int64_t position) {
  const auto low = static_cast<std::uint32_t>(static_cast<std::uint64_t>(position));
  return static_cast<float>(low >> 8U) * 0x1p-24F;
}

void places(const LinePositions& line, std::size_t n, std::int32_t* place, float* wx, float* wy) {
  std::int64_t x = line.x;
  std::int64_t y = line.y;
  for (std::size_t i = 0; i < n; ++i, x += line.dx, y += line.dy) {
    place[i] = static_cast<std::int32_t>((y >> 32) * line.stride + (x >> 32) * line.step);
    wx[i] = fraction(x);
    wy[i] = fraction(y);
  }
}

float between(float a, float b, float weight) { return a + (b - a) * weight; }

template <typename T, typename Word>
void quads(const Word* words, const float* wx, const float* wy, std::size_t n, float* out) {
  for (std::size_t i = 0; i < n; ++i) {
    T four[4];
    std::memcpy(four, words + i, sizeof(Word));
    const float above = between(static_cast<float>(four[0]), static_cast<float>(four[1]), wx[i]);
    const float below = between(static_cast<float>(four[2]), static_cast<float>(four[3]), wx[i]);
    out[i] = between(above, below, wy[i]);
  }
}

void pairs_f32(const float* top, const float* bottom, const float* wx, const float* wy,
               std::size_t n, float* out) {
  for (std::size_t i = 0; i < n; ++i) {
    const float above = between(top[2 * i], top[2 * i + 1], wx[i]);
    const float below = between(bottom[2 * i], bottom[2 * i + 1], wx[i]);
    out[i] = between(above, below, wy[i]);
  }
}

thread_local const ResampleKernels* chosen = nullptr;

}  // namespace

const ResampleKernels& scalar_resample_kernels() {
  static const ResampleKernels table{
      "scalar",
      kLanes,
      mix<std::uint8_t>,
      mix<std::uint16_t>,
      mix<float>,
      turn,
      turn_back,
      luma,
      filter,
      kLanes,
      across,
      split3,
      merge3,
      {finish_whole<std::uint8_t>, finish_whole<std::uint16_t>, finish_half<f16_of>,
       finish_half<bf16_of>, finish_float, nullptr},
      finish_float,
      [] {},
      blend<finish_whole<std::uint8_t>, std::uint8_t>,
      blend<finish_float, float>,
      blend<finish_float, float>,
      copy_row,
      places,
      quads<std::uint8_t, std::uint32_t>,
      quads<std::uint16_t, std::uint64_t>,
      pairs_f32};
  return table;
}

#ifndef IRTD_HAVE_HIGHWAY
const ResampleKernels& best_resample_kernels() { return scalar_resample_kernels(); }

std::vector<const ResampleKernels*> all_resample_kernels() { return {&scalar_resample_kernels()}; }
#endif

const ResampleKernels& resample_kernels() {
  return chosen != nullptr ? *chosen : best_resample_kernels();
}

void use_resample_kernels(const ResampleKernels* table) noexcept { chosen = table; }

}  // namespace irtd::detail
