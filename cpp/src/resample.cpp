#include "irtd/resample.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

#include "irtd/error.hpp"
#include "kernels.hpp"

namespace irtd {
namespace {

using detail::AffineClip;
using detail::ColumnBlock;
using detail::ColumnTaps;
using detail::Kernels;

void blend(const Kernels& table, const std::uint8_t* top, const std::uint8_t* bottom, float weight,
           std::size_t n, float* out) {
  table.blend_u8(top, bottom, weight, n, out);
}

void blend(const Kernels& table, const std::uint16_t* top, const std::uint16_t* bottom,
           float weight, std::size_t n, float* out) {
  table.blend_u16(top, bottom, weight, n, out);
}

void blend(const Kernels&, const float* top, const float* bottom, float weight, std::size_t n,
           float* out) {
  for (std::size_t i = 0; i < n; ++i) out[i] = top[i] + (bottom[i] - top[i]) * weight;
}

void round_to(const Kernels& table, const float* p, std::size_t n, std::uint8_t* out) {
  table.to_u8(p, n, out);
}

void round_to(const Kernels& table, const float* p, std::size_t n, std::uint16_t* out) {
  table.to_u16(p, n, out);
}

/// One axis of the resampling: output index → source position, clamped to what the window touches.
class Axis {
 public:
  Axis(double begin, double end, int size, int out, bool flip)
      : origin_(begin), step_((end - begin) / out), out_(out), flip_(flip) {
    first_ = static_cast<int>(std::clamp(std::floor(begin), 0.0, size - 1.0));
    last_ = static_cast<int>(std::clamp(std::ceil(end) - 1.0, double{0} + first_, size - 1.0));
  }

  int first() const noexcept { return first_; }
  int last() const noexcept { return last_; }

  struct Tap {
    int index;     ///< of the first of two neighbours
    float weight;  ///< of the second, which is index + 1 (0 at the last pixel)
  };

  Tap tap(int i) const noexcept {
    const int from = flip_ ? out_ - 1 - i : i;
    const double at =
        std::clamp(origin_ + (from + 0.5) * step_ - 0.5, double{0} + first_, double{0} + last_);
    const int index = static_cast<int>(at);  // not negative, so this is the floor
    return {index, static_cast<float>(at - index)};
  }

 private:
  double origin_;
  double step_;
  int out_;
  bool flip_;
  int first_ = 0;
  int last_ = 0;
};

/// Scratch memory of one thread, grown on demand and kept.
struct Scratch {
  std::vector<ColumnBlock> blocks;
  std::vector<std::int32_t> left;
  std::vector<float> weight;
  std::vector<float> mixed;                 // one row of interleaved colour, blended
  std::array<std::vector<float>, 3> rows;   // the same, or a gray row, by channel
  std::array<std::vector<float>, 3> lines;  // finished rows, by channel
  std::vector<float> packed;                // a finished row of interleaved colour
};

template <typename T>
T* at_least(std::vector<T>& v, std::size_t n) {
  if (v.size() < n) v.resize(n);
  return v.data();
}

ColumnTaps plan_columns(const Axis& axis, int out_w, std::size_t lanes, Scratch& scratch) {
  const auto count = static_cast<std::size_t>(out_w);
  const std::size_t blocks = (count + lanes - 1) / lanes;
  ColumnBlock* block = at_least(scratch.blocks, blocks);
  std::int32_t* left = at_least(scratch.left, blocks * lanes);
  float* weight = at_least(scratch.weight, blocks * lanes);
  for (std::size_t i = 0; i < blocks * lanes; ++i) {
    const Axis::Tap tap = axis.tap(static_cast<int>(std::min(i, count - 1)));
    left[i] = tap.index - axis.first();
    weight[i] = tap.weight;
  }
  for (std::size_t b = 0; b < blocks; ++b) {
    std::int32_t* begin = left + b * lanes;
    const auto [lo, hi] = std::minmax_element(begin, begin + lanes);
    const std::int32_t base = *lo;
    const auto span = static_cast<std::size_t>(*hi - base);
    const ColumnBlock::Kind kind = span < lanes       ? ColumnBlock::one_table
                                   : span < 2 * lanes ? ColumnBlock::two_tables
                                                      : ColumnBlock::gather;
    block[b] = {base, kind};
    std::for_each(begin, begin + lanes, [base](std::int32_t& index) { index -= base; });
  }
  return {count, block, left, weight};
}

/// Everything about one call that its rows share.
template <typename T>
class Resampler {
 public:
  Resampler(ImageView<const T> src, const ResampleOptions& options, int out_h, int out_w,
            int out_channels, Scratch& scratch)
      : src_(src),
        options_(options),
        out_channels_(out_channels),
        scratch_(scratch),
        table_(detail::kernels()),
        rows_axis_(options.y0, options.y1, src.rows(), out_h, false),
        cols_axis_(options.x0, options.x1, src.cols(), out_w, options.flip),
        taps_(plan_columns(cols_axis_, out_w, table_.lanes, scratch)),
        affine_{options.scale, options.offset, options.lo_clip, options.hi_clip} {
    cols_ = static_cast<std::size_t>(cols_axis_.last() - cols_axis_.first()) + 1;
    out_w_ = static_cast<std::size_t>(out_w);
    plane_ = out_w_ * static_cast<std::size_t>(out_h);
    planes_ = src.channels() == 3 && out_channels == 3 ? 3 : 1;
    for (std::size_t c = 0; c < planes_; ++c) {
      at_least(scratch.rows[c], cols_ + table_.row_padding());
      at_least(scratch.lines[c], out_w_);
    }
  }

  template <typename Out>
  void run(Out* dst, int out_h) {
    for (int r = 0; r < out_h; ++r) {
      blend_row(rows_axis_.tap(r));
      const std::size_t row = static_cast<std::size_t>(r) * out_w_;
      if (out_channels_ == 1 || options_.layout == Layout::chw) {
        write_planes(dst + row);
      } else {
        write_interleaved(dst + row * 3);
      }
    }
  }

 private:
  /// Mixes the two source rows of one output row into scratch_.rows.
  void blend_row(Axis::Tap tap) {
    const auto channels = static_cast<std::size_t>(src_.channels());
    const std::ptrdiff_t skip = std::ptrdiff_t{cols_axis_.first()} * src_.channels();
    const T* top = src_.row(tap.index) + skip;
    const T* bottom = src_.row(std::min(tap.index + 1, rows_axis_.last())) + skip;
    if (channels == 1) {
      blend(table_, top, bottom, tap.weight, cols_, scratch_.rows[0].data());
    } else {
      float* mixed = at_least(scratch_.mixed, cols_ * 3);
      blend(table_, top, bottom, tap.weight, cols_ * 3, mixed);
      take_colour(mixed);
    }
    // The right neighbour of the last column is itself (its weight is 0, but 0 · NaN is not).
    for (std::size_t c = 0; c < planes_; ++c) scratch_.rows[c][cols_] = scratch_.rows[c][cols_ - 1];
  }

  /// Splits a colour row into scratch_.rows, and makes it gray in the first of them if so wanted.
  void take_colour(const float* mixed) {
    float* r = scratch_.rows[0].data();
    float* g = at_least(scratch_.rows[1], cols_);
    float* b = at_least(scratch_.rows[2], cols_);
    table_.split3(mixed, cols_, r, g, b);
    if (planes_ == 3) return;
    for (std::size_t i = 0; i < cols_; ++i) r[i] = 0.299F * r[i] + 0.587F * g[i] + 0.114F * b[i];
  }

  /// Finishes plane `c` of the row into `out`.
  void finish(std::size_t c, float* out) {
    table_.columns(taps_, scratch_.rows[c].data(), affine_, out);
  }
  template <typename Out>
  void finish(std::size_t c, Out* out) {
    float* line = scratch_.lines[c].data();
    finish(c, line);
    round_to(table_, line, out_w_, out);
  }

  template <typename Out>
  void write_planes(Out* dst) {
    for (std::size_t c = 0; c < planes_; ++c) finish(c, dst + c * plane_);
    for (std::size_t c = planes_; c < static_cast<std::size_t>(out_channels_); ++c) {
      std::memcpy(dst + c * plane_, dst, out_w_ * sizeof(Out));
    }
  }

  void write_interleaved(float* dst) {
    std::array<const float*, 3> from{};
    for (std::size_t c = 0; c < planes_; ++c) {
      finish(c, scratch_.lines[c].data());
      from[c] = scratch_.lines[c].data();
    }
    for (std::size_t c = planes_; c < 3; ++c) from[c] = from[0];
    table_.merge3(from[0], from[1], from[2], out_w_, dst);
  }
  template <typename Out>
  void write_interleaved(Out* dst) {
    float* packed = at_least(scratch_.packed, out_w_ * 3);
    write_interleaved(packed);
    round_to(table_, packed, out_w_ * 3, dst);
  }

  ImageView<const T> src_;
  const ResampleOptions& options_;
  int out_channels_;
  Scratch& scratch_;
  const Kernels& table_;
  Axis rows_axis_;
  Axis cols_axis_;
  ColumnTaps taps_;
  AffineClip affine_;
  std::size_t cols_ = 0;  // source columns in use
  std::size_t out_w_ = 0;
  std::size_t plane_ = 0;   // elements of one output plane
  std::size_t planes_ = 0;  // planes that differ
};

template <typename T>
void require_arguments(ImageView<const T> src, const ResampleOptions& o, int out_h, int out_w,
                       int out_channels) {
  IRTD_REQUIRE(src.rows() > 0 && src.cols() > 0, "resampling needs a picture with pixels");
  IRTD_REQUIRE(src.channels() == 1 || src.channels() == 3, "resampling reads 1 or 3 channels");
  IRTD_REQUIRE(out_channels == 1 || out_channels == 3, "resampling writes 1 or 3 channels");
  IRTD_REQUIRE(out_h > 0 && out_w > 0 && out_h <= (1 << 20) && out_w <= (1 << 20),
               "the size to resample to has sides from 1 to 2**20");
  const bool finite =
      std::isfinite(o.x0) && std::isfinite(o.y0) && std::isfinite(o.x1) && std::isfinite(o.y1);
  IRTD_REQUIRE(finite && o.x1 > o.x0 && o.y1 > o.y0, "a window is (x0, y0, x1, y1), not empty");
  IRTD_REQUIRE(o.x1 > 0 && o.y1 > 0 && o.x0 < src.cols() && o.y0 < src.rows(),
               "the window does not touch the picture");
  IRTD_REQUIRE(std::isfinite(o.scale) && std::isfinite(o.offset) && o.lo_clip <= o.hi_clip,
               "scale and offset are finite, and the clip bounds in order");
}

template <typename T>
void resample(ImageView<const T> src, const ResampleOptions& options, void* dst, PixelType dst_type,
              int out_h, int out_w, int out_channels) {
  require_arguments(src, options, out_h, out_w, out_channels);
  thread_local Scratch scratch;
  Resampler<T> resampler(src, options, out_h, out_w, out_channels, scratch);
  switch (dst_type) {
    case PixelType::u8:
      return resampler.run(static_cast<std::uint8_t*>(dst), out_h);
    case PixelType::u16:
      return resampler.run(static_cast<std::uint16_t*>(dst), out_h);
    case PixelType::f32:
      return resampler.run(static_cast<float*>(dst), out_h);
  }
}

}  // namespace

void resample_bilinear(ImageView<const std::uint8_t> src, const ResampleOptions& options, void* dst,
                       PixelType dst_type, int out_h, int out_w, int out_channels) {
  resample(src, options, dst, dst_type, out_h, out_w, out_channels);
}

void resample_bilinear(ImageView<const std::uint16_t> src, const ResampleOptions& options,
                       void* dst, PixelType dst_type, int out_h, int out_w, int out_channels) {
  resample(src, options, dst, dst_type, out_h, out_w, out_channels);
}

void resample_bilinear(ImageView<const float> src, const ResampleOptions& options, void* dst,
                       PixelType dst_type, int out_h, int out_w, int out_channels) {
  resample(src, options, dst, dst_type, out_h, out_w, out_channels);
}

}  // namespace irtd
