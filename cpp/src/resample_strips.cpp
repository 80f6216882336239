// Separable filters on strips of rows: mix down the columns, turn, filter across, turn back.
#include <algorithm>
#include <cstring>

#include "resample_copy.hpp"
#include "resample_paths.hpp"

namespace irtd::detail {
namespace {

constexpr std::size_t kStripBytes =
    64 * 1024;                     // of a turned strip: it should stay in the nearer caches
constexpr std::size_t kGroup = 8;  // strips of a turned picture that are written together

/// Scratch memory of one thread, grown on demand and kept.
struct Scratch {
  Taps rows;
  Taps cols;
  std::vector<std::int32_t> first;  // column taps, in floats from the first of a chunk
  std::vector<float> mixed;         // rows of a strip
  std::vector<float> strip;         // the same, turned
  std::vector<float> bordered;      // with what lies beyond the picture
  std::array<std::vector<float>, 3> filtered;
  std::array<std::vector<float>, 3> finished;
  std::vector<float> toned;
  std::vector<std::int64_t> toned_row;
};

/// Output columns whose taps are in the cache together.
struct Chunk {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::int64_t left = 0;  ///< source columns left..right, perhaps beyond the picture
  std::int64_t right = 0;
  std::int64_t from = 0;  ///< the columns from..to of the picture that stand for them
  std::int64_t to = -1;   ///< before `from` where the constant is all there is
};

std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

template <typename T>
class StripEngine {
 public:
  StripEngine(const Request<T>& request, const Geometry& geometry, Scratch& scratch)
      : request_(request),
        geometry_(geometry),
        scratch_(scratch),
        table_(resample_kernels()),
        mix_(mix_of(table_, request.src.data())),
        lanes_(table_.lanes),
        channels_(static_cast<std::size_t>(request.src.channels())),
        planes_(request.planes()),
        gray_(channels_ == 3 && planes_ == 1),
        writer_(request) {
    plan_taps(geometry.rows, request.options.filter, &scratch.rows);
    plan_taps(geometry.cols, request.options.filter, &scratch.cols);
    columns_ = static_cast<std::size_t>(geometry.cols.out);
    step_ = geometry.transposed ? kGroup * lanes_ : lanes_;
    for (std::size_t p = 0; p < planes_; ++p) {
      at_least(scratch.filtered[p], round_up(columns_, lanes_) * step_);
      at_least(scratch.finished[p], round_up(columns_, lanes_) * lanes_);
    }
    plan_chunks();
    prepare_tone();
  }

  void run() {
    const auto out = static_cast<std::size_t>(geometry_.rows.out);
    std::size_t group = 0;  // strips waiting to be written
    for (std::size_t row = 0; row < out; row += lanes_) {
      for (const Chunk& chunk : chunks_) filter_chunk(chunk, row, group * lanes_);
      if (!geometry_.transposed) {
        write_rows(row, std::min(lanes_, out - row));
      } else if (++group == kGroup || row + lanes_ >= out) {
        const std::size_t begin = row + lanes_ - group * lanes_;
        write_turned(begin, std::min(group * lanes_, out - begin));
        group = 0;
      }
    }
  }

 private:
  void plan_chunks() {
    const std::size_t limit = kStripBytes / (sizeof(float) * lanes_ * channels_);
    const Taps& taps = scratch_.cols;
    const auto reach = static_cast<std::int64_t>(taps.count) - 1;
    Chunk chunk;
    for (std::size_t j = 0; j < columns_; ++j) {
      const std::int64_t left = taps.first[j];
      const std::int64_t right = left + reach;
      const auto span =
          static_cast<std::size_t>(std::max(chunk.right, right) - std::min(chunk.left, left) + 1);
      if (j > chunk.begin && span > limit) {
        finish_chunk(chunk, j);
        chunk.begin = j;
      }
      chunk.left = j == chunk.begin ? left : std::min(chunk.left, left);
      chunk.right = j == chunk.begin ? right : std::max(chunk.right, right);
    }
    finish_chunk(chunk, columns_);
    std::int32_t* first = at_least(scratch_.first, columns_);
    const auto step = static_cast<std::int64_t>(step_between() * lanes_);
    for (const Chunk& each : chunks_) {
      for (std::size_t j = each.begin; j < each.end; ++j) {
        first[j] = static_cast<std::int32_t>((taps.first[j] - each.left) * step);
      }
    }
  }

  void finish_chunk(Chunk chunk, std::size_t end) {
    chunk.end = end;
    const std::int64_t cols = request_.src.cols();
    if (chunk.left >= 0 && chunk.right < cols) {
      chunk.from = chunk.left;
      chunk.to = chunk.right;
    } else {
      chunk.from = cols;
      for (std::int64_t k = chunk.left; k <= chunk.right; ++k) {
        const std::int64_t index = border_index(k, cols, request_.options.border);
        if (index < 0) continue;
        chunk.from = std::min(chunk.from, index);
        chunk.to = std::max(chunk.to, index);
      }
    }
    chunks_.push_back(chunk);
  }

  /// Rows that the tone was applied to are kept until others need their place.
  void prepare_tone() {
    if (request_.options.tone == nullptr) return;
    std::size_t widest = 0;
    for (const Chunk& chunk : chunks_) widest = std::max(widest, values_of(chunk));
    toned_stride_ = widest;
    toned_slots_ = scratch_.rows.count;
    at_least(scratch_.toned, toned_slots_ * widest);
    scratch_.toned_row.assign(toned_slots_, -1);
    toned_from_ = -1;
  }

  std::size_t values_of(const Chunk& chunk) const {
    return chunk.to < chunk.from ? 0
                                 : static_cast<std::size_t>(chunk.to - chunk.from + 1) * channels_;
  }

  const float* toned_row(std::int64_t row, const Chunk& chunk) {
    if (toned_from_ != chunk.from) {
      std::fill(scratch_.toned_row.begin(), scratch_.toned_row.end(), -1);
      toned_from_ = chunk.from;
    }
    const std::size_t slot = static_cast<std::size_t>(row) % toned_slots_;
    float* to = scratch_.toned.data() + slot * toned_stride_;
    if (scratch_.toned_row[slot] != row) {
      scratch_.toned_row[slot] = row;
      const T* from = source(row, chunk);
      const std::size_t n = values_of(chunk);
      const float* tone = request_.options.tone;
      for (std::size_t i = 0; i < n; ++i) to[i] = detail::toned(tone, from[i]);
    }
    return to;
  }

  const T* source(std::int64_t row, const Chunk& chunk) const {
    return request_.src.row(static_cast<int>(row)) +
           chunk.from * static_cast<std::int64_t>(channels_);
  }

  /// One output row of a chunk, mixed from the picture's rows.
  void mix_row(std::size_t i, const Chunk& chunk, float* out) {
    weights_.clear();
    counts_.clear();
    floats_.clear();
    const auto take = [&](std::int64_t row, float weight) {
      weights_.push_back(weight);
      if (request_.options.tone == nullptr) {
        counts_.push_back(source(row, chunk));
      } else {
        floats_.push_back(toned_row(row, chunk));
      }
    };
    const float bias = visit_rows(scratch_.rows, i, request_.src.rows(), request_.options, take);
    const std::size_t n = values_of(chunk);
    if (request_.options.tone == nullptr) {
      mix_(counts_.data(), weights_.data(), weights_.size(), bias, n, out);
    } else {
      table_.mix_f32(floats_.data(), weights_.data(), weights_.size(), bias, n, out);
    }
  }

  /// The turned strip of a chunk, `gray_` already applied, and what lies beyond filled in.
  const float* turned_strip(const Chunk& chunk, std::size_t row) {
    const std::size_t n = values_of(chunk);
    const std::size_t stride = round_up(n, 4);
    float* mixed = at_least(scratch_.mixed, lanes_ * stride);
    float* strip = at_least(scratch_.strip, lanes_ * stride);
    const auto last = static_cast<std::size_t>(geometry_.rows.out) - 1;
    for (std::size_t lane = 0; n > 0 && lane < lanes_; ++lane) {
      if (row + lane > last) {
        std::memcpy(mixed + lane * stride, mixed + (last - row) * stride, n * sizeof(float));
      } else {
        mix_row(row + lane, chunk, mixed + lane * stride);
      }
    }
    table_.turn(mixed, stride, stride, strip);
    if (gray_) table_.luma(strip, n / 3);
    const bool inside = chunk.left == chunk.from && chunk.right == chunk.to;
    return inside ? strip : fill_beyond(chunk, strip);
  }

  const float* fill_beyond(const Chunk& chunk, const float* strip) {
    const std::size_t column = step_between() * lanes_;
    const auto n = static_cast<std::size_t>(chunk.right - chunk.left + 1);
    float* to = at_least(scratch_.bordered, n * column);
    for (std::int64_t k = chunk.left; k <= chunk.right; ++k, to += column) {
      const std::int64_t index = border_index(k, request_.src.cols(), request_.options.border);
      if (index < 0) {
        std::fill_n(to, column, request_.options.border_value);
      } else {
        std::memcpy(to, strip + static_cast<std::size_t>(index - chunk.from) * column,
                    column * sizeof(float));
      }
    }
    return scratch_.bordered.data();
  }

  std::size_t step_between() const { return gray_ ? 1 : channels_; }

  void filter_chunk(const Chunk& chunk, std::size_t row, std::size_t lane) {
    const float* strip = turned_strip(chunk, row);
    for (std::size_t p = 0; p < planes_; ++p) {
      ColumnRuns runs;
      runs.strip = strip + p * lanes_;
      runs.step = step_between();
      runs.first = scratch_.first.data() + chunk.begin;
      runs.taps = scratch_.cols.count;
      runs.weight = scratch_.cols.weight.data() + chunk.begin * runs.taps;
      runs.count = chunk.end - chunk.begin;
      runs.out_step = step_;
      table_.filter(runs, scratch_.filtered[p].data() + chunk.begin * step_ + lane);
    }
  }

  void write_rows(std::size_t row, std::size_t count) {
    const std::size_t stride = round_up(columns_, lanes_);
    for (std::size_t p = 0; p < planes_; ++p) {
      table_.turn_back(scratch_.filtered[p].data(), step_, stride, scratch_.finished[p].data(),
                       stride);
    }
    for (std::size_t r = 0; r < count; ++r) {
      writer_.write(static_cast<int>(row + r), 0, columns_, at(scratch_.finished, r * stride));
    }
  }

  void write_turned(std::size_t col, std::size_t count) {
    for (std::size_t j = 0; j < columns_; ++j) {
      writer_.write(static_cast<int>(j), static_cast<int>(col), count,
                    at(scratch_.filtered, j * step_));
    }
  }

  std::array<const float*, 3> at(const std::array<std::vector<float>, 3>& planes,
                                 std::size_t offset) const {
    std::array<const float*, 3> rows{};
    for (std::size_t c = 0; c < 3; ++c) rows[c] = planes[planes_ == 3 ? c : 0].data() + offset;
    return rows;
  }

  const Request<T>& request_;
  const Geometry& geometry_;
  Scratch& scratch_;
  const ResampleKernels& table_;
  ResampleKernels::Mix<T> mix_;
  std::size_t lanes_;
  std::size_t channels_;
  std::size_t planes_;
  bool gray_;
  RowWriter writer_;
  std::size_t columns_ = 0;
  std::size_t step_ = 0;
  std::vector<Chunk> chunks_;
  std::vector<float> weights_;
  std::vector<const T*> counts_;
  std::vector<const float*> floats_;
  std::size_t toned_stride_ = 0;
  std::size_t toned_slots_ = 1;
  std::int64_t toned_from_ = -1;
};

}  // namespace

template <typename T>
void filter_strips(const Request<T>& request, const Geometry& geometry) {
  thread_local Scratch scratch;
  StripEngine<T>(request, geometry, scratch).run();
}

template void filter_strips(const Request<std::uint8_t>&, const Geometry&);
template void filter_strips(const Request<std::uint16_t>&, const Geometry&);
template void filter_strips(const Request<float>&, const Geometry&);

}  // namespace irtd::detail
