// Any affine: positions in 32.32 fixed point, the four pixels around each, mixed.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "irtd/error.hpp"
#include "resample_copy.hpp"
#include "resample_line.hpp"
#include "resample_paths.hpp"

namespace irtd::detail {
namespace {

constexpr double kOne = 4294967296.0;  // 1 pixel in 32.32 fixed point
constexpr int kMaxSamples = 64;        // along a side of an output pixel

struct Scratch {
  std::vector<std::int32_t> place;
  std::vector<float> wx, wy;
  std::vector<std::uint32_t> quads8;  // four neighbours of each place
  std::vector<std::uint64_t> quads16;
  std::vector<float> top_f, bottom_f;
  std::array<std::vector<float>, 3> rows;  // one sample of every pixel, by channel
  std::array<std::vector<float>, 3> sums;  // of all samples
  std::vector<float> gray;
};

template <typename T>
class WarpEngine {
 public:
  WarpEngine(const Request<T>& request, const Geometry& geometry, Scratch& scratch)
      : request_(request),
        geometry_(geometry),
        src_(request.src),
        scratch_(scratch),
        table_(resample_kernels()),
        width_(static_cast<std::size_t>(request.out_w)),
        channels_(static_cast<std::size_t>(request.src.channels())) {
    Inverse& m = inverse_;
    m = geometry.inverse;
    if (geometry.straight) {
      const AxisMap& cols = geometry.cols;
      const AxisMap& rows = geometry.rows;
      m = geometry.transposed ? Inverse{0, cols.step, cols.begin, rows.step, 0, rows.begin}
                              : Inverse{cols.step, 0, cols.begin, 0, rows.step, rows.begin};
    }
    const std::ptrdiff_t stride = src_.stride() < 0 ? -src_.stride() : src_.stride();
    addressable_ = stride <= (std::ptrdiff_t{1} << 31) / (src_.rows() + 1) - 1;
    at_least(scratch.place, width_);
    at_least(scratch.wx, width_);
    at_least(scratch.wy, width_);
  }

  /// Rows of mixed values.
  void run_mixed() {
    RowWriter writer(request_);
    const Filter filter = request_.options.filter;
    const bool many = filter == Filter::area || filter == Filter::antialias;
    const int nx = many ? samples(std::hypot(inverse_.a, inverse_.d)) : 1;
    const int ny = many ? samples(std::hypot(inverse_.b, inverse_.e)) : 1;
    for (int r = 0; r < request_.out_h; ++r) {
      if (filter == Filter::nearest) {
        nearest_row(r);
      } else if (nx * ny == 1) {
        mixed_row(line(0.5, r + 0.5, 0.5));
      } else {
        mean_row(r, nx, ny);
      }
      writer.write(r, 0, width_, finished());
    }
  }

  /// Rows of values taken as they are.
  void run_values() {
    T* out = static_cast<T*>(request_.dst);
    for (int r = 0; r < request_.out_h; ++r, out += width_ * channels_) {
      const Line at = line(0.5, r + 0.5, 0.0);
      const Range touch = touching(at, 0);
      const Range range = find_places(at, 0);
      fill_values(at, 0, range.begin, touch, out);
      pick(range, out);
      fill_values(at, range.end, static_cast<std::int64_t>(width_), touch, out);
    }
  }

 private:
  static int samples(double reach) {
    return static_cast<int>(std::clamp(std::ceil(reach - 1e-6), 1.0, double{kMaxSamples}));
  }

  Line line(double x, double y, double half) const {
    const Inverse& m = inverse_;
    const auto fixed = [](double v) { return static_cast<std::int64_t>(std::nearbyint(v * kOne)); };
    return {fixed(m.a * x + m.b * y + m.c - half), fixed(m.d * x + m.e * y + m.f - half),
            fixed(m.a), fixed(m.d)};
  }

  /// First and last source pixel that may be read along an axis, within the picture.
  Range columns() const {
    if (!geometry_.straight) return {0, src_.cols() - 1};
    return {std::max<std::int64_t>(0, geometry_.cols.lo),
            std::min<std::int64_t>(src_.cols() - 1, geometry_.cols.hi)};
  }
  Range rows() const {
    if (!geometry_.straight) return {0, src_.rows() - 1};
    return {std::max<std::int64_t>(0, geometry_.rows.lo),
            std::min<std::int64_t>(src_.rows() - 1, geometry_.rows.hi)};
  }

  /// Fills places and weights of the output pixels whose `more` + 1 neighbours all lie inside.
  Range find_places(const Line& at, std::int64_t more) {
    if (!addressable_) return {0, 0};
    const Range xs = inside(at.x, at.dx, columns().begin, columns().end - more);
    const Range ys = inside(at.y, at.dy, rows().begin, rows().end - more);
    Range range{std::max({std::int64_t{0}, xs.begin, ys.begin}),
                std::min({static_cast<std::int64_t>(width_), xs.end, ys.end})};
    if (range.begin >= range.end) return {0, 0};
    const auto first = static_cast<std::size_t>(range.begin);
    LinePositions positions;
    positions.x = at.x_at(first);
    positions.y = at.y_at(first);
    positions.dx = at.dx;
    positions.dy = at.dy;
    positions.stride = static_cast<std::int32_t>(src_.stride());
    positions.step = src_.channels();
    table_.places(positions, static_cast<std::size_t>(range.end - range.begin),
                  scratch_.place.data() + first, scratch_.wx.data() + first,
                  scratch_.wy.data() + first);
    return range;
  }

  /// The output pixels of a row that anything but the constant can reach.
  Range touching(const Line& at, std::int64_t more) const {
    const auto width = static_cast<std::int64_t>(width_);
    if (request_.options.border != Border::constant || geometry_.straight) return {0, width};
    const Range xs = inside(at.x, at.dx, -more, src_.cols() - 1);
    const Range ys = inside(at.y, at.dy, -more, src_.rows() - 1);
    const std::int64_t begin = std::clamp(std::max(xs.begin, ys.begin), std::int64_t{0}, width);
    return {begin, std::clamp(std::min(xs.end, ys.end), begin, width)};
  }

  void pick(const Range& range, T* out) const {
    const T* from = src_.data();
    const std::int32_t* place = scratch_.place.data();
    const auto end = static_cast<std::size_t>(range.end);
    if (channels_ == 1) {
      for (auto j = static_cast<std::size_t>(range.begin); j < end; ++j) out[j] = from[place[j]];
      return;
    }
    for (auto j = static_cast<std::size_t>(range.begin); j < end; ++j) {
      for (std::size_t c = 0; c < channels_; ++c) {
        out[j * channels_ + c] = from[place[j] + static_cast<std::ptrdiff_t>(c)];
      }
    }
  }

  void fill_values(const Line& at, std::int64_t begin, std::int64_t end, const Range& touch,
                   T* out) const {
    const T beyond = border_pixel<T>(request_.options);
    const std::int64_t first = std::clamp(touch.begin, begin, end);
    const std::int64_t last = std::clamp(touch.end, first, end);
    const auto values = [&](std::int64_t pixels) {
      return static_cast<std::size_t>(pixels) * channels_;
    };
    std::fill(out + values(begin), out + values(first), beyond);
    std::fill(out + values(last), out + values(end), beyond);
    for (std::int64_t j = first; j < last; ++j) {
      const T* from = find(at, static_cast<std::size_t>(j));
      T* to = out + values(j);
      to[0] = from == nullptr ? beyond : from[0];
      for (std::size_t c = 1; c < channels_; ++c) to[c] = from == nullptr ? beyond : from[c];
    }
  }

  /// Row and column of the picture that stand at a place, −1 for the constant.
  std::int64_t column_at(std::int64_t x) const {
    if (geometry_.straight) x = std::clamp(x, geometry_.cols.lo, geometry_.cols.hi);
    return border_index(x, src_.cols(), request_.options.border);
  }
  std::int64_t row_at(std::int64_t y) const {
    if (geometry_.straight) y = std::clamp(y, geometry_.rows.lo, geometry_.rows.hi);
    return border_index(y, src_.rows(), request_.options.border);
  }

  /// The pixel of a row and a column, null for the constant.
  const T* pixel(std::int64_t column, std::int64_t row) const {
    if (column < 0 || row < 0) return nullptr;
    return src_.row(static_cast<int>(row)) + column * src_.channels();
  }

  const T* find(const Line& at, std::size_t j) const {
    return pixel(column_at(at.x_at(j) >> 32), row_at(at.y_at(j) >> 32));
  }

  float value(const T* pixel, std::size_t c) const {
    return pixel == nullptr ? request_.options.border_value
                            : toned(request_.options.tone, pixel[c]);
  }

  static float weight(std::int64_t position) {
    const auto low = static_cast<std::uint32_t>(static_cast<std::uint64_t>(position));
    return static_cast<float>(low >> 8U) * 0x1p-24F;
  }

  /// One output pixel some of whose neighbours are not at hand.
  void mixed_pixel(const Line& at, std::size_t j) {
    const std::int64_t x = at.x_at(j) >> 32;
    const std::int64_t y = at.y_at(j) >> 32;
    const std::int64_t left = column_at(x);
    const std::int64_t right = column_at(x + 1);
    const std::int64_t above_row = row_at(y);
    const std::int64_t below_row = row_at(y + 1);
    const T* around[4] = {pixel(left, above_row), pixel(right, above_row), pixel(left, below_row),
                          pixel(right, below_row)};
    const float wx = weight(at.x_at(j));
    const float wy = weight(at.y_at(j));
    for (std::size_t c = 0; c < channels_; ++c) {
      const float a = value(around[0], c);
      const float b = value(around[2], c);
      const float above = a + (value(around[1], c) - a) * wx;
      const float below = b + (value(around[3], c) - b) * wx;
      scratch_.rows[c][j] = above + (below - above) * wy;
    }
  }

  /// One sample of every pixel of a row into scratch_.rows.
  void mixed_row(const Line& at) {
    const Range touch = touching(at, 1);
    const Range range = find_places(at, 1);
    for (std::size_t c = 0; c < channels_; ++c) at_least(scratch_.rows[c], width_);
    mixed_pixels(at, 0, range.begin, touch);
    if (range.end > range.begin) {
      const auto count = static_cast<std::size_t>(range.end - range.begin);
      for (std::size_t c = 0; c < channels_; ++c) {
        mix_inside(static_cast<std::size_t>(range.begin), count, c);
      }
    }
    mixed_pixels(at, range.end, static_cast<std::int64_t>(width_), touch);
  }

  void mixed_pixels(const Line& at, std::int64_t begin, std::int64_t end, const Range& touch) {
    const std::int64_t first = std::clamp(touch.begin, begin, end);
    const std::int64_t last = std::clamp(touch.end, first, end);
    for (std::size_t c = 0; c < channels_; ++c) {
      float* row = scratch_.rows[c].data();
      std::fill(row + begin, row + first, request_.options.border_value);
      std::fill(row + last, row + end, request_.options.border_value);
    }
    for (std::int64_t j = first; j < last; ++j) mixed_pixel(at, static_cast<std::size_t>(j));
  }

  void mix_inside(std::size_t begin, std::size_t n, std::size_t c) {
    const float* wx = scratch_.wx.data() + begin;
    const float* wy = scratch_.wy.data() + begin;
    const std::int32_t* place = scratch_.place.data() + begin;
    float* out = scratch_.rows[c].data() + begin;
    const T* from = src_.data() + c;
    if (request_.options.tone != nullptr || std::is_same_v<T, float>) {
      float* top = at_least(scratch_.top_f, 2 * n);
      float* bottom = at_least(scratch_.bottom_f, 2 * n);
      const float* tone = request_.options.tone;
      const auto step = static_cast<std::ptrdiff_t>(channels_);
      for (std::size_t i = 0; i < n; ++i) {
        const T* at = from + place[i];
        top[2 * i] = toned(tone, at[0]);
        top[2 * i + 1] = toned(tone, at[step]);
        bottom[2 * i] = toned(tone, at[src_.stride()]);
        bottom[2 * i + 1] = toned(tone, at[src_.stride() + step]);
      }
      table_.pairs_f32(top, bottom, wx, wy, n, out);
    } else if constexpr (std::is_same_v<T, std::uint8_t>) {
      std::uint32_t* quads = at_least(scratch_.quads8, n);
      gather_quads(from, place, n, quads);
      table_.quads_u8(quads, wx, wy, n, out);
    } else if constexpr (std::is_same_v<T, std::uint16_t>) {
      std::uint64_t* quads = at_least(scratch_.quads16, n);
      gather_quads(from, place, n, quads);
      table_.quads_u16(quads, wx, wy, n, out);
    }
  }

  /// The two neighbours in a row as they lie in memory.
  template <typename Pair>
  Pair pair_at(const T* from) const {
    Pair pair = 0;
    if (channels_ == 1) {
      std::memcpy(&pair, from, sizeof(Pair));
    } else {
      const T two[2] = {from[0], from[3]};
      std::memcpy(&pair, two, sizeof(Pair));
    }
    return pair;
  }

  /// The four neighbours of each place in one word: one store each, which is what bounds this.
  template <typename Word>
  void gather_quads(const T* from, const std::int32_t* place, std::size_t n, Word* quads) const {
    using Pair = std::conditional_t<sizeof(Word) == 4, std::uint16_t, std::uint32_t>;
    const T* below = from + src_.stride();
    for (std::size_t i = 0; i < n; ++i) {
      const Word top = pair_at<Pair>(from + place[i]);
      const Word bottom = pair_at<Pair>(below + place[i]);
      quads[i] = top | bottom << (4 * sizeof(Word));
    }
  }

  void nearest_row(int r) {
    const Line at = line(0.5, r + 0.5, 0.0);
    const Range range = find_places(at, 0);
    for (std::size_t c = 0; c < channels_; ++c) at_least(scratch_.rows[c], width_);
    for (std::size_t j = 0; j < width_; ++j) {
      const auto place = static_cast<std::int64_t>(j);
      const bool direct = place >= range.begin && place < range.end;
      const T* from = direct ? src_.data() + scratch_.place[j] : find(at, j);
      for (std::size_t c = 0; c < channels_; ++c) scratch_.rows[c][j] = value(from, c);
    }
  }

  /// The mean of nx × ny samples of every output pixel.
  void mean_row(int r, int nx, int ny) {
    const float share = 1.0F / static_cast<float>(nx * ny);
    for (int sample = 0; sample < nx * ny; ++sample) {
      mixed_row(line((sample % nx + 0.5) / nx, r + (sample / nx + 0.5) / ny, 0.5));
      for (std::size_t c = 0; c < channels_; ++c) {
        const float* rows[2] = {scratch_.rows[c].data(), at_least(scratch_.sums[c], width_)};
        const float weights[2] = {share, 1.0F};
        table_.mix_f32(rows, weights, sample == 0 ? 1 : 2, 0.0F, width_, scratch_.sums[c].data());
      }
    }
    for (std::size_t c = 0; c < channels_; ++c) std::swap(scratch_.rows[c], scratch_.sums[c]);
  }

  std::array<const float*, 3> finished() {
    const float* rows[3] = {scratch_.rows[0].data(), scratch_.rows[1].data(),
                            scratch_.rows[2].data()};
    if (request_.planes() == 3) return {rows[0], rows[1], rows[2]};
    if (channels_ == 1) return {rows[0], rows[0], rows[0]};
    const float luma[3] = {0.299F, 0.587F, 0.114F};
    float* gray = at_least(scratch_.gray, width_);
    table_.mix_f32(rows, luma, 3, 0.0F, width_, gray);
    return {gray, gray, gray};
  }

  const Request<T>& request_;
  const Geometry& geometry_;
  ImageView<const T> src_;
  Scratch& scratch_;
  const ResampleKernels& table_;
  std::size_t width_;
  std::size_t channels_;
  Inverse inverse_{};
  bool addressable_ = false;  // every place fits 32 bits
};

}  // namespace

template <typename T>
void warp(const Request<T>& request, const Geometry& geometry) {
  thread_local Scratch scratch;
  WarpEngine<T> engine(request, geometry, scratch);
  const bool values = request.options.filter == Filter::nearest && keeps_values(request);
  if (values) return engine.run_values();
  if constexpr (std::is_same_v<T, std::int32_t>) {
    throw_invalid("int32 pictures are copied as they are: no affine, no clip");
  } else {
    engine.run_mixed();
  }
}

template <typename T>
void resample_by_warp(const Request<T>& request) {
  warp(request, make_geometry(request.options.matrix, request.out_h, request.out_w));
}

template void warp(const Request<std::uint8_t>&, const Geometry&);
template void warp(const Request<std::uint16_t>&, const Geometry&);
template void warp(const Request<float>&, const Geometry&);
template void warp(const Request<std::int32_t>&, const Geometry&);
template void resample_by_warp(const Request<std::uint8_t>&);
template void resample_by_warp(const Request<std::uint16_t>&);
template void resample_by_warp(const Request<float>&);
template void resample_by_warp(const Request<std::int32_t>&);

}  // namespace irtd::detail
