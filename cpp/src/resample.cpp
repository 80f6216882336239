#include "irtd/resample.hpp"

#include <algorithm>
#include <cmath>

#include "irtd/error.hpp"
#include "resample_paths.hpp"

namespace irtd {
namespace detail {

RowWriter::RowWriter(const ResampleOptions& options, void* dst, PixelType type, int out_h,
                     int out_w, int out_channels)
    : table_(resample_kernels()),
      dst_(static_cast<std::uint8_t*>(dst)),
      item_(pixel_bytes(type)),
      width_(static_cast<std::size_t>(out_w)),
      plane_(width_ * static_cast<std::size_t>(out_h)),
      channels_(static_cast<std::size_t>(out_channels)),
      interleaved_(options.layout == Layout::hwc && out_channels == 3),
      streamed_(options.stream && type == PixelType::f32),
      finish_(streamed_ ? table_.finish_streamed : table_.finish[static_cast<std::size_t>(type)]),
      to_float_(table_.finish[static_cast<std::size_t>(PixelType::f32)]) {
  for (std::size_t c = 0; c < 3; ++c) {
    affine_[c] = {options.scale[c], options.offset[c], options.lo_clip, options.hi_clip,
                  options.base};
    alike_ =
        alike_ && options.scale[c] == options.scale[0] && options.offset[c] == options.offset[0];
  }
  if (interleaved_) return;
  if (type == PixelType::u8) blend_ = table_.blend_u8;
  if (type == PixelType::f32) blend_ = streamed_ ? table_.blend_streamed : table_.blend_f32;
}

void RowWriter::write(int r, int c, std::size_t n, const std::array<const float*, 3>& planes) {
  const std::size_t at = static_cast<std::size_t>(r) * width_ + static_cast<std::size_t>(c);
  if (!interleaved_) {
    for (std::size_t k = 0; k < channels_; ++k) {
      finish_(planes[k], n, affine_[k], dst_ + (k * plane_ + at) * item_);
    }
    return;
  }
  thread_local std::vector<float> separate;
  thread_local std::vector<float> merged;
  float* rows = at_least(separate, 3 * n);
  float* row = at_least(merged, 3 * n);
  for (std::size_t k = 0; k < 3; ++k) to_float_(planes[k], n, affine_[k], rows + k * n);
  table_.merge3(rows, rows + n, rows + 2 * n, n, row);
  const AffineClip same{1.0F, 0.0F, affine_[0].lo, affine_[0].hi};
  finish_(row, 3 * n, same, dst_ + at * 3 * item_);
}

void RowWriter::write_mixed(int r, std::size_t planes, std::size_t step, MixedRow row) {
  const std::size_t at = static_cast<std::size_t>(r) * width_;
  thread_local std::vector<const float*> moved;
  thread_local std::vector<float> mixed;
  moved.assign(row.rows, row.rows + row.taps);
  row.rows = moved.data();
  float* to = blend_ == nullptr ? at_least(mixed, planes * width_) : nullptr;
  std::array<const float*, 3> done{};
  for (std::size_t p = 0; p < planes; ++p) {
    if (blend_ == nullptr) {
      table_.mix_f32(row.rows, row.weight, row.taps, row.bias, width_, to + p * width_);
    } else {
      blend(at, p, planes == channels_ ? 1 : channels_, row);
    }
    for (const float*& from : moved) from += step;
  }
  if (blend_ != nullptr) return;
  for (std::size_t c = 0; c < 3; ++c) done[c] = to + (planes == 3 ? c : 0) * width_;
  write(r, 0, width_, done);
}

void RowWriter::blend(std::size_t at, std::size_t first, std::size_t copies, const MixedRow& row) {
  if (copies == 1 || !alike_ || !streamed_) {
    for (std::size_t c = first; c < first + copies; ++c) {
      blend_(row, width_, affine_[c], dst_ + (c * plane_ + at) * item_);
    }
    return;
  }
  // One stream after the other: processors join few of them at once.
  thread_local std::vector<float> finished;
  float* from = at_least(finished, width_);
  table_.blend_f32(row, width_, affine_[0], from);
  auto* to = reinterpret_cast<float*>(dst_) + at;  // f32, as streams are
  for (std::size_t c = 0; c < copies; ++c) table_.copy_streamed(from, width_, to + c * plane_);
}

}  // namespace detail

namespace {

using detail::Geometry;
using detail::Request;

void require_options(const ResampleOptions& options) {
  for (int c = 0; c < 3; ++c) {
    IRTD_REQUIRE(std::isfinite(options.scale[c]) && std::isfinite(options.offset[c]),
                 "scale and offset are finite");
  }
  IRTD_REQUIRE(std::isfinite(options.base), "the base is finite");
  IRTD_REQUIRE(options.lo_clip <= options.hi_clip, "the clip bounds are in order");
  IRTD_REQUIRE(std::isfinite(options.border_value), "the border's value is finite");
}

template <typename T>
void require_request(const Request<T>& request) {
  const ImageView<const T>& src = request.src;
  constexpr int kMaxSide = 1 << 20;
  IRTD_REQUIRE(src.rows() > 0 && src.cols() > 0, "resampling needs a picture with pixels");
  IRTD_REQUIRE(src.channels() == 1 || src.channels() == 3, "resampling reads 1 or 3 channels");
  IRTD_REQUIRE(request.out_channels == 1 || request.out_channels == 3,
               "resampling writes 1 or 3 channels");
  IRTD_REQUIRE(request.out_h > 0 && request.out_w > 0 && request.out_h <= kMaxSide &&
                   request.out_w <= kMaxSide,
               "the size to resample to has sides from 1 to 2**20");
  IRTD_REQUIRE(request.options.tone == nullptr || sizeof(T) <= 2,
               "a tone table is for 8-bit and 16-bit pictures");
  require_options(request.options);
}

template <typename T>
bool filtered_bytes(const Request<T>& request, const Geometry& geometry) {
  if constexpr (std::is_same_v<T, std::uint8_t>) {
    return geometry.straight && detail::filter_bytes(request, geometry);
  } else {
    return false;
  }
}

template <typename T>
void run(const Request<T>& request) {
  require_request(request);
  const Geometry geometry =
      detail::make_geometry(request.options.matrix, request.out_h, request.out_w);
  if (geometry.straight && detail::copy_pixels(request, geometry)) return;
  if constexpr (std::is_same_v<T, std::int32_t>) {
    detail::warp(request, geometry);
  } else {
    IRTD_REQUIRE(request.type != PixelType::i32, "int32 is written from int32 pictures only");
    if (!filtered_bytes(request, geometry)) {
      if (geometry.straight) {
        detail::filter_strips(request, geometry);
      } else {
        detail::warp(request, geometry);
      }
    }
  }
  if (request.options.stream) detail::resample_kernels().fence();
}

}  // namespace

std::size_t pixel_bytes(PixelType type) noexcept {
  if (type == PixelType::u8) return 1;
  return type == PixelType::f32 || type == PixelType::i32 ? 4 : 2;
}

void set_window(ResampleOptions* options, const double window[4], int out_h, int out_w, bool flip) {
  const double sx = out_w / (window[2] - window[0]);
  const double sy = out_h / (window[3] - window[1]);
  const double matrix[6] = {
      flip ? -sx : sx, 0, flip ? out_w + window[0] * sx : -window[0] * sx, 0, sy, -window[1] * sy};
  std::copy(matrix, matrix + 6, options->matrix);
}

void set_affine(ResampleOptions* options, float scale, float offset) noexcept {
  std::fill_n(options->scale, 3, scale);
  std::fill_n(options->offset, 3, offset);
}

void resample(ImageView<const std::uint8_t> src, const ResampleOptions& options, void* dst,
              PixelType dst_type, int out_h, int out_w, int out_channels) {
  run(Request<std::uint8_t>{src, options, dst, dst_type, out_h, out_w, out_channels});
}

void resample(ImageView<const std::uint16_t> src, const ResampleOptions& options, void* dst,
              PixelType dst_type, int out_h, int out_w, int out_channels) {
  run(Request<std::uint16_t>{src, options, dst, dst_type, out_h, out_w, out_channels});
}

void resample(ImageView<const float> src, const ResampleOptions& options, void* dst,
              PixelType dst_type, int out_h, int out_w, int out_channels) {
  run(Request<float>{src, options, dst, dst_type, out_h, out_w, out_channels});
}

void resample(ImageView<const std::int32_t> src, const ResampleOptions& options, void* dst,
              PixelType dst_type, int out_h, int out_w, int out_channels) {
  IRTD_REQUIRE(options.filter == Filter::nearest && dst_type == PixelType::i32,
               "int32 pictures are resampled with the nearest filter, to int32");
  IRTD_REQUIRE(src.channels() == 1 && out_channels == 1, "int32 pictures have one channel");
  run(Request<std::int32_t>{src, options, dst, dst_type, out_h, out_w, out_channels});
}

}  // namespace irtd
