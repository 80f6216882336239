// The ways through a resampling: all give the same picture where more than one can be taken.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "irtd/resample.hpp"
#include "kernels_resample.hpp"
#include "resample_plan.hpp"

namespace irtd::detail {

/// One call of resample(), its arguments checked.
template <typename T>
struct Request {
  ImageView<const T> src;
  const ResampleOptions& options;
  void* dst;
  PixelType type;
  int out_h;
  int out_w;
  int out_channels;

  /// Planes that differ before the affine.
  std::size_t planes() const noexcept { return src.channels() == 3 && out_channels == 3 ? 3 : 1; }
};

/// Grows a scratch buffer, never shrinks it.
template <typename T>
T* at_least(std::vector<T>& v, std::size_t n) {
  if (v.size() < n) v.resize(n);
  return v.data();
}

/// Calls take(row, weight) for each source row that counts for output row r; gives what the
/// constant border adds.
template <typename Take>
float visit_rows(const Taps& taps, std::size_t r, std::int64_t rows, const ResampleOptions& options,
                 const Take& take) {
  float bias = 0;
  for (std::size_t k = 0; k < taps.count; ++k) {
    const float weight = taps.weight[r * taps.count + k];
    if (weight == 0) continue;
    const std::int64_t row =
        border_index(taps.first[r] + static_cast<std::int64_t>(k), rows, options.border);
    if (row < 0) {
      bias += weight * options.border_value;
    } else {
      take(row, weight);
    }
  }
  return bias;
}

inline ResampleKernels::Mix<std::uint8_t> mix_of(const ResampleKernels& t, const std::uint8_t*) {
  return t.mix_u8;
}
inline ResampleKernels::Mix<std::uint16_t> mix_of(const ResampleKernels& t, const std::uint16_t*) {
  return t.mix_u16;
}
inline ResampleKernels::Mix<float> mix_of(const ResampleKernels& t, const float*) {
  return t.mix_f32;
}

/// Takes finished rows of float planes through affine, clip, cast and layout.
class RowWriter {
 public:
  template <typename T>
  explicit RowWriter(const Request<T>& request)
      : RowWriter(request.options, request.dst, request.type, request.out_h, request.out_w,
                  request.out_channels) {}

  /// Writes n pixels of row r from column c on; planes that do not differ are the same pointer.
  void write(int r, int c, std::size_t n, const std::array<const float*, 3>& planes);

  /// Writes the whole row r from rows that are still to be mixed; plane p of the source begins
  /// `p · step` floats after the rows.
  void write_mixed(int r, std::size_t planes, std::size_t step, MixedRow row);

 private:
  void blend(std::size_t at, std::size_t first, std::size_t copies, const MixedRow& row);

  RowWriter(const ResampleOptions& options, void* dst, PixelType type, int out_h, int out_w,
            int out_channels);

  const ResampleKernels& table_;
  std::array<AffineClip, 3> affine_{};
  std::uint8_t* dst_;
  std::size_t item_;
  std::size_t width_;
  std::size_t plane_;
  std::size_t channels_;
  bool interleaved_;
  bool streamed_;  ///< floats, written around the caches
  ResampleKernels::Finish finish_;
  ResampleKernels::Finish to_float_;
  ResampleKernels::Blend blend_ = nullptr;  ///< none: mix first
  bool alike_ = true;                       ///< all channels have the same affine
};

/// Values as they are where nothing has to be mixed or changed; false where that is not so.
template <typename T>
bool copy_pixels(const Request<T>& request, const Geometry& geometry);

/// Separable filters on bytes for matrices that keep axes in their places; false where taps of
/// neighbouring columns are too far apart, or where a tone or a constant border is no byte.
bool filter_bytes(const Request<std::uint8_t>& request, const Geometry& geometry);

/// Separable filters for all matrices that keep the axes.
template <typename T>
void filter_strips(const Request<T>& request, const Geometry& geometry);

/// Any matrix, one output pixel after another.
template <typename T>
void warp(const Request<T>& request, const Geometry& geometry);

/// The same as resample(), by warp() for every matrix. For tests.
template <typename T>
void resample_by_warp(const Request<T>& request);

}  // namespace irtd::detail
