// Separable filters on bytes: look the taps of each row up, then mix rows.
#include <algorithm>

#include "resample_paths.hpp"

namespace irtd::detail {
namespace {

constexpr std::size_t kMostTaps = 8;  // with more, turned strips are as fast

/// Scratch memory of one thread, grown on demand and kept.
struct Scratch {
  Taps rows;
  Taps cols;
  std::vector<std::int32_t> base;
  std::vector<std::uint8_t> place;
  std::vector<float> weight;
  std::vector<std::uint8_t> separate;  // planes of a row, or a row with what lies beyond it
  std::vector<float> filtered;         // rows that the next output rows may need as well
  std::vector<std::int64_t> kept;      // which
  std::vector<float> weights;          // of the rows that make an output row
  std::vector<const float*> from;
};

class ByteEngine {
 public:
  ByteEngine(const Request<std::uint8_t>& request, const Geometry& geometry, Scratch& scratch)
      : request_(request),
        geometry_(geometry),
        scratch_(scratch),
        table_(resample_kernels()),
        cols_(request.src.cols()),
        channels_(static_cast<std::size_t>(request.src.channels())),
        columns_(static_cast<std::size_t>(geometry.cols.out)),
        padded_((columns_ + table_.group - 1) / table_.group * table_.group),
        writer_(request) {}

  /// False if this picture takes the other way.
  bool plan() {
    const ResampleOptions& options = request_.options;
    if (geometry_.transposed || options.tone != nullptr) return false;
    if (channels_ != request_.planes()) return false;  // colour becomes gray
    plan_taps(geometry_.cols, options.filter, &scratch_.cols);
    if (scratch_.cols.count > kMostTaps || !plan_groups()) return false;
    const bool inside = left_ >= 0 && right_ < cols_;
    if (!inside && options.border == Border::constant) return false;
    plan_taps(geometry_.rows, options.filter, &scratch_.rows);
    // A table must not reach beyond a row, so a short one is copied as well.
    direct_ = inside && channels_ == 1 && right_ - left_ + 1 >= kTable;
    if (direct_) keep_within();
    return true;
  }

  void run() {
    const std::size_t taps = scratch_.rows.count;
    at_least(scratch_.filtered, taps * channels_ * padded_);
    scratch_.kept.assign(taps, -1);
    for (int r = 0; r < geometry_.rows.out; ++r) write_row(static_cast<std::size_t>(r));
  }

 private:
  static constexpr auto kTable = static_cast<std::int64_t>(kTableBytes);

  /// Where each group of columns begins; false if the taps of one are too far apart.
  bool plan_groups() {
    const Taps& taps = scratch_.cols;
    const std::size_t groups = padded_ / table_.group;
    const auto reach = static_cast<std::int64_t>(taps.count) - 1;
    left_ = std::min(taps.first[0], taps.first[columns_ - 1]);
    right_ = std::max(taps.first[0], taps.first[columns_ - 1]) + reach;
    at_least(scratch_.base, groups);
    at_least(scratch_.place, padded_);
    at_least(scratch_.weight, taps.count * padded_);
    for (std::size_t g = 0; g < groups; ++g) {
      const std::size_t begin = g * table_.group;
      const std::size_t end = std::min(begin + table_.group, columns_);
      const std::int64_t low = std::min(taps.first[begin], taps.first[end - 1]);
      const std::int64_t high = std::max(taps.first[begin], taps.first[end - 1]);
      if (high + reach - low >= kTable) return false;
      scratch_.base[g] = static_cast<std::int32_t>(low - left_);
      for (std::size_t j = begin; j < begin + table_.group; ++j) {
        const std::size_t column = std::min(j, columns_ - 1);
        scratch_.place[j] = static_cast<std::uint8_t>(taps.first[column] - low);
        for (std::size_t k = 0; k < taps.count; ++k) {
          scratch_.weight[k * padded_ + j] = taps.weight[column * taps.count + k];
        }
      }
    }
    return true;
  }

  /// Moves tables that would reach beyond column `right_` to the left.
  void keep_within() {
    const auto last = static_cast<std::int32_t>(right_ - left_ + 1 - kTable);
    for (std::size_t g = 0; g < padded_ / table_.group; ++g) {
      const std::int32_t moved = scratch_.base[g] - last;
      if (moved <= 0) continue;
      scratch_.base[g] = last;
      for (std::size_t j = g * table_.group; j < (g + 1) * table_.group; ++j) {
        scratch_.place[j] = static_cast<std::uint8_t>(scratch_.place[j] + moved);
      }
    }
  }

  void write_row(std::size_t r) {
    scratch_.weights.clear();
    scratch_.from.clear();
    const auto take = [&](std::int64_t row, float weight) {
      scratch_.weights.push_back(weight);
      scratch_.from.push_back(filtered(row));
    };
    const float bias = visit_rows(scratch_.rows, r, request_.src.rows(), request_.options, take);
    const MixedRow mixed{scratch_.from.data(), scratch_.weights.data(), scratch_.weights.size(),
                         bias};
    writer_.write_mixed(static_cast<int>(r), channels_, padded_, mixed);
  }

  /// A row of the picture filtered across, plane after plane; kept until another needs its place.
  const float* filtered(std::int64_t row) {
    const std::size_t slot = static_cast<std::size_t>(row) % scratch_.kept.size();
    float* out = scratch_.filtered.data() + slot * channels_ * padded_;
    if (scratch_.kept[slot] == row) return out;
    scratch_.kept[slot] = row;
    const ByteTaps taps{scratch_.base.data(), scratch_.place.data(), scratch_.weight.data(),
                        scratch_.cols.count, padded_};
    const std::uint8_t* source = request_.src.row(static_cast<int>(row));
    if (direct_) {
      table_.across(taps, source + left_, out);
      return out;
    }
    const std::size_t stride = separate(source);
    for (std::size_t p = 0; p < channels_; ++p) {
      table_.across(taps, scratch_.separate.data() + p * stride, out + p * padded_);
    }
    return out;
  }

  /// Columns left..right of a row as planes with room for a table behind; from one to the next.
  std::size_t separate(const std::uint8_t* source) {
    const auto stride = static_cast<std::size_t>(right_ - left_ + 1 + kTable);
    std::uint8_t* planes = at_least(scratch_.separate, channels_ * stride);
    const std::int64_t begin = std::clamp(std::int64_t{0}, left_, right_ + 1);
    const std::int64_t end = std::clamp(cols_, begin, right_ + 1);
    const auto n = static_cast<std::size_t>(end - begin);
    std::uint8_t* inside = planes + (begin - left_);
    const auto step = static_cast<std::int64_t>(channels_);
    if (channels_ == 1) {
      std::copy_n(source + begin, n, inside);
    } else {
      table_.split3(source + step * begin, n, inside, inside + stride, inside + 2 * stride);
    }
    const auto continue_to = [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t k = from; k < to; ++k) {
        const std::uint8_t* pixel = source + step * border_index(k, cols_, request_.options.border);
        for (std::size_t p = 0; p < channels_; ++p) planes[p * stride + at(k)] = pixel[p];
      }
    };
    continue_to(left_, begin);
    continue_to(end, right_ + 1);
    return stride;
  }

  std::size_t at(std::int64_t column) const { return static_cast<std::size_t>(column - left_); }

  const Request<std::uint8_t>& request_;
  const Geometry& geometry_;
  Scratch& scratch_;
  const ResampleKernels& table_;
  std::int64_t cols_;
  std::size_t channels_;
  std::size_t columns_;
  std::size_t padded_;
  RowWriter writer_;
  std::int64_t left_ = 0;  ///< source columns left..right, perhaps beyond the picture
  std::int64_t right_ = 0;
  bool direct_ = false;  ///< rows are read where they lie
};

}  // namespace

bool filter_bytes(const Request<std::uint8_t>& request, const Geometry& geometry) {
  thread_local Scratch scratch;
  ByteEngine engine(request, geometry, scratch);
  if (!engine.plan()) return false;
  engine.run();
  return true;
}

}  // namespace irtd::detail
