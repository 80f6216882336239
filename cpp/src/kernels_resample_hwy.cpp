// The inner loops of resampling in Google Highway, compiled once per SIMD target.
#ifdef IRTD_HAVE_HIGHWAY

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels_resample_hwy.cpp"
// clang-format off: the order of these two is part of Highway's interface
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

#include <algorithm>

#include "all_targets.hpp"
#include "kernels_finish-inl.hpp"
#include "kernels_resample.hpp"
#include "kernels_warp-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace irtd::detail::HWY_NAMESPACE {
template <typename T>
HWY_INLINE VF MixAt(const T* const* rows, const float* weight, std::size_t taps, VF bias,
                    std::size_t i) {
  const F32 d;
  auto sum = hn::MulAdd(LoadFloats(rows[0] + i), hn::Set(d, weight[0]), bias);
  for (std::size_t k = 1; k < taps; ++k) {
    sum = hn::MulAdd(LoadFloats(rows[k] + i), hn::Set(d, weight[k]), sum);
  }
  return sum;
}

template <typename T>
void Mix(const T* const* rows, const float* weight, std::size_t taps, float bias, std::size_t n,
         float* out) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  if (taps == 0) {
    std::fill_n(out, n, bias);
    return;
  }
  const auto start = hn::Set(d, bias);
  if (taps == 2) {  // bilinear: pointers and weights stay in registers
    const T* top = rows[0];
    const T* bottom = rows[1];
    const auto w0 = hn::Set(d, weight[0]);
    const auto w1 = hn::Set(d, weight[1]);
    for (; i + lanes <= n; i += lanes) {
      const auto sum = hn::MulAdd(LoadFloats(top + i), w0, start);
      hn::StoreU(hn::MulAdd(LoadFloats(bottom + i), w1, sum), d, out + i);
    }
  } else if (taps == 3) {
    const T* top = rows[0];
    const T* middle = rows[1];
    const T* bottom = rows[2];
    const auto w0 = hn::Set(d, weight[0]);
    const auto w1 = hn::Set(d, weight[1]);
    const auto w2 = hn::Set(d, weight[2]);
    for (; i + lanes <= n; i += lanes) {
      auto sum = hn::MulAdd(LoadFloats(top + i), w0, start);
      sum = hn::MulAdd(LoadFloats(middle + i), w1, sum);
      hn::StoreU(hn::MulAdd(LoadFloats(bottom + i), w2, sum), d, out + i);
    }
  } else {
    for (; i + lanes <= n; i += lanes) {
      hn::StoreU(MixAt(rows, weight, taps, start, i), d, out + i);
    }
  }
  for (; i < n; ++i) {
    float sum = bias;
    for (std::size_t k = 0; k < taps; ++k) sum += static_cast<float>(rows[k][i]) * weight[k];
    out[i] = sum;
  }
}

#if HWY_TARGET == HWY_SCALAR

// One lane: a turned strip is the row itself.
void Turn(const float* rows, std::size_t, std::size_t n, float* strip) {
  std::copy_n(rows, n, strip);
}

void TurnBack(const float* strip, std::size_t step, std::size_t n, float* rows, std::size_t) {
  for (std::size_t i = 0; i < n; ++i) rows[i] = strip[i * step];
}

#else

/// Block b of the vector (of 4 floats each) from p + 4 · b · stride.
template <class D>
HWY_INLINE hn::Vec<D> LoadBlocks(D d, const float* p, std::size_t stride) {
  if constexpr (hn::MaxLanes(D()) <= 4) {
    return hn::LoadU(d, p);
  } else {
    const hn::Half<D> half;
    constexpr std::size_t kHalf = hn::MaxLanes(D()) / 2;
    return hn::Combine(d, LoadBlocks(half, p + kHalf * stride, stride),
                       LoadBlocks(half, p, stride));
  }
}

/// 4 × 4 values in every block, turned.
struct Quad {
  VF v0, v1, v2, v3;
};

HWY_INLINE Quad LoadTurned(const float* p, std::size_t stride) {
  const F32 d;
  const U64 d64;
  const auto r0 = LoadBlocks(d, p, stride);
  const auto r1 = LoadBlocks(d, p + stride, stride);
  const auto r2 = LoadBlocks(d, p + 2 * stride, stride);
  const auto r3 = LoadBlocks(d, p + 3 * stride, stride);
  const auto low01 = hn::BitCast(d64, hn::InterleaveLower(d, r0, r1));
  const auto high01 = hn::BitCast(d64, hn::InterleaveUpper(d, r0, r1));
  const auto low23 = hn::BitCast(d64, hn::InterleaveLower(d, r2, r3));
  const auto high23 = hn::BitCast(d64, hn::InterleaveUpper(d, r2, r3));
  return {hn::BitCast(d, hn::InterleaveLower(d64, low01, low23)),
          hn::BitCast(d, hn::InterleaveUpper(d64, low01, low23)),
          hn::BitCast(d, hn::InterleaveLower(d64, high01, high23)),
          hn::BitCast(d, hn::InterleaveUpper(d64, high01, high23))};
}

void Turn(const float* HWY_RESTRICT rows, std::size_t stride, std::size_t n,
          float* HWY_RESTRICT strip) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t i = 0; i < n; i += 4) {
    const Quad quad = LoadTurned(rows + i, stride);
    float* to = strip + i * lanes;
    hn::StoreU(quad.v0, d, to);
    hn::StoreU(quad.v1, d, to + lanes);
    hn::StoreU(quad.v2, d, to + 2 * lanes);
    hn::StoreU(quad.v3, d, to + 3 * lanes);
  }
}

void TurnBack(const float* HWY_RESTRICT strip, std::size_t step, std::size_t n,
              float* HWY_RESTRICT rows, std::size_t stride) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t i = 0; i < n; i += lanes) {
    for (std::size_t row = 0; row < lanes; row += 4) {
      const Quad quad = LoadTurned(strip + i * step + row, step);
      float* to = rows + row * stride + i;
      hn::StoreU(quad.v0, d, to);
      hn::StoreU(quad.v1, d, to + stride);
      hn::StoreU(quad.v2, d, to + 2 * stride);
      hn::StoreU(quad.v3, d, to + 3 * stride);
    }
  }
}

#endif  // HWY_TARGET == HWY_SCALAR

void Luma(float* strip, std::size_t n) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  const auto red = hn::Set(d, 0.299F);
  const auto green = hn::Set(d, 0.587F);
  const auto blue = hn::Set(d, 0.114F);
  for (std::size_t i = 0; i < n; ++i) {
    const float* from = strip + 3 * i * lanes;
    auto sum = hn::Mul(hn::LoadU(d, from), red);
    sum = hn::MulAdd(hn::LoadU(d, from + lanes), green, sum);
    sum = hn::MulAdd(hn::LoadU(d, from + 2 * lanes), blue, sum);
    hn::StoreU(sum, d, strip + i * lanes);
  }
}

void FilterColumns(const ColumnRuns& runs, float* HWY_RESTRICT out) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  // In registers: the compiler cannot know that `out` does not overlap `runs`.
  const std::size_t step = runs.step * lanes;
  const std::size_t taps = runs.taps;
  const std::size_t count = runs.count;
  const std::size_t out_step = runs.out_step;
  const float* HWY_RESTRICT strip = runs.strip;
  const float* HWY_RESTRICT weight = runs.weight;
  const std::int32_t* HWY_RESTRICT first = runs.first;
  if (taps == 2) {
    for (std::size_t j = 0; j < count; ++j, weight += 2, out += out_step) {
      const float* at = strip + first[j];
      const auto sum = hn::Mul(hn::LoadU(d, at), hn::Set(d, weight[0]));
      hn::StoreU(hn::MulAdd(hn::LoadU(d, at + step), hn::Set(d, weight[1]), sum), d, out);
    }
    return;
  }
  for (std::size_t j = 0; j < count; ++j, weight += taps, out += out_step) {
    const float* at = strip + first[j];
    auto sum = hn::Mul(hn::LoadU(d, at), hn::Set(d, weight[0]));
    for (std::size_t k = 1; k < taps; ++k) {
      sum = hn::MulAdd(hn::LoadU(d, at + k * step), hn::Set(d, weight[k]), sum);
    }
    hn::StoreU(sum, d, out);
  }
}

#if HWY_TARGET == HWY_SCALAR

constexpr std::size_t kGroup = 1;

void Across(const ByteTaps& taps, const std::uint8_t* row, float* out) {
  for (std::size_t j = 0; j < taps.count; ++j) {
    const std::uint8_t* at = row + taps.base[j] + taps.place[j];
    float sum = 0;
    for (std::size_t k = 0; k < taps.taps; ++k) {
      sum += static_cast<float>(at[k]) * taps.weight[k * taps.count + j];
    }
    out[j] = sum;
  }
}

#else

using G32 = hn::CappedTag<float, 8>;  // columns that are still within a table at reductions by two
using Places8 = hn::Rebind<std::uint8_t, G32>;
using Table8 = hn::CappedTag<std::uint8_t, kTableBytes>;
constexpr std::size_t kGroup = hn::MaxLanes(G32());

HWY_INLINE hn::Vec<G32> LookUp(hn::Vec<Table8> bytes, hn::Vec<Places8> places) {
  const hn::RebindToSigned<G32> di;
  return hn::ConvertTo(G32(), hn::PromoteTo(di, hn::TableLookupBytes(bytes, places)));
}

void Across(const ByteTaps& taps, const std::uint8_t* HWY_RESTRICT row, float* HWY_RESTRICT out) {
  const G32 d;
  const Places8 d8;
  // In registers: the compiler cannot know that `out` does not overlap `taps`.
  const std::size_t count = taps.count;
  const std::size_t each = taps.taps;
  const std::int32_t* HWY_RESTRICT base = taps.base;
  const std::uint8_t* HWY_RESTRICT place = taps.place;
  const float* HWY_RESTRICT weight = taps.weight;
  const auto one = hn::Set(d8, 1);
  if (each == 2) {
    const float* HWY_RESTRICT right = weight + count;
    for (std::size_t j = 0; j < count; j += kGroup, ++base) {
      const auto bytes = hn::LoadU(Table8(), row + *base);
      const auto at = hn::LoadU(d8, place + j);
      const auto sum = hn::Mul(LookUp(bytes, at), hn::LoadU(d, weight + j));
      const auto next = LookUp(bytes, hn::Add(at, one));
      hn::StoreU(hn::MulAdd(next, hn::LoadU(d, right + j), sum), d, out + j);
    }
    return;
  }
  for (std::size_t j = 0; j < count; j += kGroup, ++base) {
    const auto bytes = hn::LoadU(Table8(), row + *base);
    auto at = hn::LoadU(d8, place + j);
    auto sum = hn::Mul(LookUp(bytes, at), hn::LoadU(d, weight + j));
    for (std::size_t k = 1; k < each; ++k) {
      at = hn::Add(at, one);
      sum = hn::MulAdd(LookUp(bytes, at), hn::LoadU(d, weight + k * count + j), sum);
    }
    hn::StoreU(sum, d, out + j);
  }
}

#endif  // HWY_TARGET == HWY_SCALAR

void Split3(const std::uint8_t* HWY_RESTRICT rgb, std::size_t n, std::uint8_t* HWY_RESTRICT r,
            std::uint8_t* HWY_RESTRICT g, std::uint8_t* HWY_RESTRICT b) {
  const hn::ScalableTag<std::uint8_t> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::Vec<decltype(d)> red;
    hn::Vec<decltype(d)> green;
    hn::Vec<decltype(d)> blue;
    hn::LoadInterleaved3(d, rgb + 3 * i, red, green, blue);
    hn::StoreU(red, d, r + i);
    hn::StoreU(green, d, g + i);
    hn::StoreU(blue, d, b + i);
  }
  for (; i < n; ++i) {
    r[i] = rgb[3 * i];
    g[i] = rgb[3 * i + 1];
    b[i] = rgb[3 * i + 2];
  }
}

// Not HWY_RESTRICT: a gray row is merged with itself.
void Merge3(const float* r, const float* g, const float* b, std::size_t n,
            float* HWY_RESTRICT rgb) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreInterleaved3(hn::LoadU(d, r + i), hn::LoadU(d, g + i), hn::LoadU(d, b + i), d,
                          rgb + 3 * i);
  }
  for (; i < n; ++i) {
    rgb[3 * i] = r[i];
    rgb[3 * i + 1] = g[i];
    rgb[3 * i + 2] = b[i];
  }
}

const ResampleKernels* ResampleTable() {
  static const ResampleKernels table{
      hwy::TargetName(HWY_TARGET),
      hn::Lanes(F32()),
      Mix<std::uint8_t>,
      Mix<std::uint16_t>,
      Mix<float>,
      Turn,
      TurnBack,
      Luma,
      FilterColumns,
      kGroup,
      Across,
      Split3,
      Merge3,
      {Finish<StoreWhole<std::uint8_t>>, Finish<StoreWhole<std::uint16_t>>, Finish<StoreF16>,
       Finish<StoreBf16>, Finish<StoreFloat>, nullptr},
      FinishStreamed,
      Fence,
      Blend<StoreWhole<std::uint8_t>>,
      Blend<StoreFloat>,
      BlendStreamed,
      CopyStreamed,
      Places,
      Quads<std::uint32_t>,
      Quads<std::uint64_t>,
      Pairs};
  return &table;
}

}  // namespace irtd::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace irtd::detail {

HWY_EXPORT(ResampleTable);

const ResampleKernels& best_resample_kernels() {
  static const ResampleKernels* const best = HWY_DYNAMIC_DISPATCH(ResampleTable)();
  return *best;
}

std::vector<const ResampleKernels*> all_resample_kernels() {
  best_resample_kernels();  // fixed before the targets are narrowed down
  return tables_of_all_targets(scalar_resample_kernels(),
                               [] { return HWY_DYNAMIC_DISPATCH(ResampleTable)(); });
}

}  // namespace irtd::detail
#endif  // HWY_ONCE

#endif  // IRTD_HAVE_HIGHWAY
