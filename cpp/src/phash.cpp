#include "irtd/phash.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "irtd/error.hpp"

namespace irtd {
namespace {

constexpr int kSide = 32;
constexpr int kLow = 8;  // coefficients kept in each direction
constexpr int kGradientCols = kLow + 1;
// What is equal but for rounding counts as equal, so that it does not depend on the encoding.
constexpr float kRankRounding = 0.5F;  // of coefficients, which reach 10^5
constexpr float kRounding = 1e-4F;     // of the sums of an area, in units of the contrast

/// Averages of equal areas, row by row.
template <int Rows, int Cols>
using Grid = std::array<float, static_cast<std::size_t>(Rows* Cols)>;

/// How `cells` equal parts of [0, size) overlap its unit steps: the parts of step i are
/// first[i] .. first[i + 1], each with its weight.
struct Overlaps {
  std::vector<std::size_t> first;
  std::vector<int> cell;
  std::vector<float> weight;

  Overlaps(int size, int cells) {
    const double scale = static_cast<double>(cells) / size;  // of a step, in cells
    first.push_back(0);
    for (int i = 0; i < size; ++i) {
      const double begin = i * scale;
      const double end = i + 1 == size ? cells : (i + 1) * scale;
      int at = static_cast<int>(begin);
      for (double from = begin; at < cells && from < end; ++at) {
        const double to = std::min<double>(end, at + 1);
        if (to - from > 1e-9) {
          cell.push_back(at);
          weight.push_back(static_cast<float>(to - from));
        }
        from = to;
      }
      first.push_back(cell.size());
    }
  }
};

/// Adds rows to the cell of rows they lie in. Rows that lie whole in it, nearly all, are summed as
/// integers, which the compiler turns into a few vector instructions.
template <typename T>
class CellRow {
 public:
  CellRow(std::size_t width, float step) : step_(step), whole_(width, 0), part_(width, 0.0F) {}

  void add(const T* row, float weight) {
    const std::size_t width = whole_.size();
    if (weight > 0.999F * step_) {
      for (std::size_t x = 0; x < width; ++x) whole_[x] += row[x];
    } else {
      for (std::size_t x = 0; x < width; ++x) part_[x] += weight * static_cast<float>(row[x]);
    }
  }

  /// Averages the cells of this row into `out`, and begins anew.
  void finish(const Overlaps& columns, std::size_t channels, float* out) {
    const std::size_t steps = columns.first.size() - 1;
    for (std::size_t x = 0; x < steps; ++x) {
      for (std::size_t c = 0; c < channels; ++c) {
        const std::size_t at = x * channels + c;
        const float sum = step_ * static_cast<float>(whole_[at]) + part_[at];
        for (std::size_t i = columns.first[x]; i < columns.first[x + 1]; ++i) {
          out[static_cast<std::size_t>(columns.cell[i]) * channels + c] += columns.weight[i] * sum;
        }
      }
    }
    std::fill(whole_.begin(), whole_.end(), 0U);
    std::fill(part_.begin(), part_.end(), 0.0F);
  }

 private:
  float step_;
  std::vector<std::uint32_t> whole_;
  std::vector<float> part_;
};

float luma(const float* p, std::size_t channels) {
  return channels == 1 ? p[0] : 0.299F * p[0] + 0.587F * p[1] + 0.114F * p[2];
}

template <typename T>
Grid<kSide, kSide> shrink(const ImageView<const T>& image) {
  const Overlaps columns(image.cols(), kSide);
  const Overlaps rows(image.rows(), kSide);
  const auto channels = static_cast<std::size_t>(image.channels());
  const std::size_t line = kSide * channels;
  const float step = static_cast<float>(kSide) / static_cast<float>(image.rows());
  std::vector<float> sums(kSide * line, 0.0F);
  CellRow<T> cell(static_cast<std::size_t>(image.cols()) * channels, step);
  int current = 0;
  for (int y = 0; y < image.rows(); ++y) {
    const auto at = static_cast<std::size_t>(y);
    for (std::size_t i = rows.first[at]; i < rows.first[at + 1]; ++i) {
      if (rows.cell[i] != current) {
        cell.finish(columns, channels, sums.data() + static_cast<std::size_t>(current) * line);
        current = rows.cell[i];
      }
      cell.add(image.row(y), rows.weight[i]);
    }
  }
  cell.finish(columns, channels, sums.data() + static_cast<std::size_t>(current) * line);
  Grid<kSide, kSide> grid{};
  for (std::size_t i = 0; i < grid.size(); ++i)
    grid[i] = luma(sums.data() + i * channels, channels);
  return grid;
}

/// Ranks from 0; equal values share the mean of theirs.
Grid<kSide, kSide> ranks_of(const Grid<kSide, kSide>& values) {
  std::array<std::uint16_t, kSide * kSide> order{};
  std::iota(order.begin(), order.end(), std::uint16_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::uint16_t a, std::uint16_t b) { return values[a] < values[b]; });
  Grid<kSide, kSide> ranks{};
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i + 1;
    while (end < order.size() && !(values[order[i]] < values[order[end]])) ++end;
    const float mean = 0.5F * static_cast<float>(i + end - 1);
    for (; i < end; ++i) ranks[order[i]] = mean;
  }
  return ranks;
}

/// cos(pi (2 x + 1) u / 64), the DCT-II of 32 values without its constant factors: those of a row
/// or column are the same for all bits that are compared but u = 0, which is scaled by 1/sqrt 2.
const std::array<std::array<float, kSide>, kLow>& cosines() {
  static const auto table = [] {
    std::array<std::array<float, kSide>, kLow> made{};
    const double pi = std::acos(-1.0);
    for (std::size_t u = 0; u < kLow; ++u) {
      for (std::size_t x = 0; x < kSide; ++x) {
        const double angle = pi * static_cast<double>(2 * x + 1) * static_cast<double>(u) / 64.0;
        made[u][x] = static_cast<float>(std::cos(angle) * (u == 0 ? std::sqrt(0.5) : 1.0));
      }
    }
    return made;
  }();
  return table;
}

std::uint64_t structure_bits(const Grid<kSide, kSide>& ranks) {
  const auto& c = cosines();
  std::array<std::array<float, kSide>, kLow> half{};  // [v][x]: columns transformed
  for (std::size_t v = 0; v < kLow; ++v) {
    for (std::size_t y = 0; y < kSide; ++y) {
      for (std::size_t x = 0; x < kSide; ++x) half[v][x] += c[v][y] * ranks[y * kSide + x];
    }
  }
  std::array<float, kLow * kLow> low{};
  for (std::size_t v = 0; v < kLow; ++v) {
    for (std::size_t u = 0; u < kLow; ++u) {
      float sum = 0;
      for (std::size_t x = 0; x < kSide; ++x) sum += c[u][x] * half[v][x];
      low[v * kLow + u] = sum;
    }
  }
  std::array<float, kLow * kLow - 1> sorted{};
  std::copy(low.begin() + 1, low.end(), sorted.begin());
  std::nth_element(sorted.begin(), sorted.begin() + sorted.size() / 2, sorted.end());
  const float median = sorted[sorted.size() / 2];
  std::uint64_t bits = 0;
  for (std::size_t i = 1; i < low.size(); ++i)
    bits |= std::uint64_t{low[i] > median + kRankRounding} << i;
  return bits;
}

std::uint64_t gradient_bits(const Grid<kSide, kSide>& values, float contrast) {
  static const Overlaps across(kSide, kGradientCols);
  constexpr std::size_t kBand = kSide / kLow;  // rows of one area
  std::uint64_t bits = 0;
  for (std::size_t y = 0; y < kLow; ++y) {
    std::array<float, kGradientCols> mean{};
    for (std::size_t row = y * kBand; row < (y + 1) * kBand; ++row) {
      for (std::size_t x = 0; x < kSide; ++x) {
        for (std::size_t i = across.first[x]; i < across.first[x + 1]; ++i) {
          mean[static_cast<std::size_t>(across.cell[i])] +=
              across.weight[i] * values[row * kSide + x];
        }
      }
    }
    for (std::size_t x = 0; x < kLow; ++x) {
      bits |= std::uint64_t{mean[x + 1] > mean[x] + kRounding * contrast} << (kLow * y + x);
    }
  }
  return bits;
}

template <typename T>
PerceptualHash hash_of(const ImageView<const T>& image) {
  IRTD_REQUIRE(image.rows() > 0 && image.cols() > 0, "a picture has at least one pixel");
  IRTD_REQUIRE(image.channels() == 1 || image.channels() == 3, "channels must be 1 or 3");
  // The sum of 16-bit values over a thirty-second of the rows fits 32 bits.
  IRTD_REQUIRE(image.rows() <= (1 << 20), "a picture is at most 2**20 rows high");
  const Grid<kSide, kSide> grid = shrink(image);
  const auto [low, high] = std::minmax_element(grid.begin(), grid.end());
  // Averages of equal values differ by rounding only.
  if (!(*high - *low > 1e-4F * std::max(1.0F, std::abs(*high)))) return {};
  return {structure_bits(ranks_of(grid)), gradient_bits(grid, *high - *low)};
}

}  // namespace

PerceptualHash perceptual_hash(const ImageView<const std::uint8_t>& image) {
  return hash_of(image);
}

PerceptualHash perceptual_hash(const ImageView<const std::uint16_t>& image) {
  return hash_of(image);
}

}  // namespace irtd
