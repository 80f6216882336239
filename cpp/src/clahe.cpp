#include "irtd/clahe.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "filters.hpp"
#include "irtd/error.hpp"
#include "irtd/parallel.hpp"
#include "kernels.hpp"

namespace irtd {
namespace {

/// Where a position beyond the picture lies in it: mirrored at the centres of the edge pixels.
int reflect(int at, int size) {
  if (size == 1) return 0;
  while (at < 0 || at >= size) at = at < 0 ? -at : 2 * (size - 1) - at;
  return at;
}

/// The grid of tiles over the (extended) picture.
struct Grid {
  int tiles_y, tiles_x;
  int tile_h, tile_w;
  std::size_t lanes;   ///< tiles of a row, padded to whole groups
  std::size_t stride;  ///< of a value's levels: one place before the tiles and one behind
                       ///< repeat the first and the last

  Grid(int rows, int cols, const ClaheOptions& options)
      : tiles_y(options.tiles_y), tiles_x(options.tiles_x) {
    // Both sides grow when either is no multiple, by a whole grid where it was one.
    const bool fits = rows % tiles_y == 0 && cols % tiles_x == 0;
    tile_h = rows / tiles_y + (fits ? 0 : 1);
    tile_w = cols / tiles_x + (fits ? 0 : 1);
    const auto tiles = static_cast<std::size_t>(tiles_x);
    lanes = (tiles + detail::kTileLanes - 1) / detail::kTileLanes * detail::kTileLanes;
    stride = lanes + 2;
  }
  std::size_t pixels() const {
    return static_cast<std::size_t>(tile_h) * static_cast<std::size_t>(tile_w);
  }
};

/// Which two tiles a position lies between, and how far from the first.
struct Between {
  int first;  ///< -1 before the centre of the first tile
  float weight;
};

Between between(int at, int tile_side) {
  const float inverse = 1.0F / static_cast<float>(tile_side);
  const float place = static_cast<float>(at) * inverse - 0.5F;
  const int first = static_cast<int>(std::floor(place));
  return {first, place - static_cast<float>(first)};
}

/// Columns of which the curves come from the same two tiles.
struct Cell {
  int begin, end;
  std::size_t left;  ///< place of the left tile among a value's levels
};

struct Columns {
  std::vector<float> right, left;
  std::vector<Cell> cells;

  Columns(int cols, const Grid& grid) {
    for (int x = 0; x < cols; ++x) {
      const Between at = between(x, grid.tile_w);
      right.push_back(at.weight);
      left.push_back(1.0F - at.weight);
      const auto place = static_cast<std::size_t>(std::min(at.first, grid.tiles_x - 1) + 1);
      if (cells.empty() || cells.back().left != place) cells.push_back({x, x, place});
      cells.back().end = x + 1;
    }
  }
};

struct Range {
  std::size_t lo = 0;
  std::size_t hi = 0;
  std::size_t size() const { return hi - lo + 1; }
};

template <typename T>
constexpr std::size_t kValues = std::size_t{std::numeric_limits<T>::max()} + 1;

/// One picture's CLAHE: curves of the tiles first, then the picture through them.
template <typename T>
class Equaliser {
 public:
  Equaliser(ImageView<const T> image, ImageView<const std::uint8_t> valid,
            const ClaheOptions& options, std::vector<T>& curves)
      : image_(image),
        valid_(valid),
        grid_(image.rows(), image.cols(), options),
        columns_(image.cols(), grid_),
        clip_limit_(options.clip_limit),
        curves_(curves) {
    for (int x = image.cols(); x < grid_.tile_w * grid_.tiles_x; ++x) {
      beyond_.push_back(reflect(x, image.cols()));
    }
    find_ranges();
    first_.push_back(0);
    for (const Range& range : ranges_) {
      first_.push_back(first_.back() + range.size() * grid_.stride);
    }
    if (curves_.size() < first_.back()) curves_.resize(first_.back());
  }

  int tile_rows() const { return grid_.tiles_y; }

  /// The curves of a row of tiles.
  void find_curves(int ty) {
    thread_local std::vector<std::uint32_t> counts;
    const Range range = ranges_[static_cast<std::size_t>(ty)];
    counts.assign(range.size() * grid_.lanes, 0);
    const std::vector<std::uint32_t> totals = count(ty, counts.data());
    std::vector<std::uint32_t> clipped(grid_.lanes);
    std::vector<std::uint32_t> limit(grid_.lanes, std::numeric_limits<std::uint32_t>::max());
    for (std::size_t t = 0; t < grid_.lanes; ++t) limit[t] = limit_of(totals[t]);
    const detail::FilterKernels& kernels = detail::filter_kernels();
    kernels.clip_counts(counts.data(), range.size(), grid_.lanes, limit.data(), clipped.data());
    Curves curves(grid_.lanes);
    for (std::size_t t = 0; t < grid_.lanes; ++t) {
      if (totals[t] == 0) {  // the identity: one count per value
        curves.batch[t] = 1;
        curves.sum[t] = static_cast<std::uint32_t>(range.lo) - 1U;
        curves.scale[t] = 1.0F;
      } else {
        give_back(clipped[t], range, counts.data() + t, curves, t);
        curves.scale[t] =
            static_cast<float>(kValues<T> - 1) / static_cast<float>(static_cast<int>(totals[t]));
      }
    }
    T* out = curves_.data() + first_[static_cast<std::size_t>(ty)];
    const auto run = sizeof(T) == 1 ? run_u8 : run_u16;
    run(kernels, counts.data(), range.size(), grid_.lanes, curves, out + 1, grid_.stride);
    for (std::size_t v = 0; v < range.size(); ++v) {
      T* levels = out + v * grid_.stride;
      levels[0] = levels[1];
      levels[grid_.tiles_x + 1] = levels[grid_.tiles_x];
    }
  }

  /// Rows [begin, end) of the result.
  void render(int begin, int end, ImageView<T> out) const {
    thread_local std::vector<std::uint32_t> scratch;
    const auto cols = static_cast<std::size_t>(image_.cols());
    const std::size_t table = columns_.cells.size() * kValues<std::uint8_t>;
    scratch.resize(2 * cols + (sizeof(T) == 1 ? table : 0));
    int built = std::numeric_limits<int>::min();
    for (int y = begin; y < end; ++y) {
      const Between at = between(y, grid_.tile_h);
      const detail::ClaheWeights weights{columns_.right.data(), columns_.left.data(), at.weight,
                                         1.0F - at.weight};
      const int upper = std::max(at.first, 0);
      const int lower = std::min(at.first + 1, grid_.tiles_y - 1);
      if constexpr (sizeof(T) == 1) {
        if (built != at.first) pack_cells(upper, lower, scratch.data() + 2 * cols);
        built = at.first;
        row_u8(image_.row(y), weights, scratch.data(), out.row(y));
      } else {
        row_u16(image_.row(y), weights, upper, lower, scratch.data(), out.row(y));
      }
    }
  }

 private:
  struct Curves {
    explicit Curves(std::size_t lanes) : batch(lanes), sum(lanes), scale(lanes) {}
    std::vector<std::uint32_t> batch, sum;
    std::vector<float> scale;
  };

  static void run_u8(const detail::FilterKernels& kernels, const std::uint32_t* counts,
                     std::size_t values, std::size_t lanes, Curves& curves, void* out,
                     std::size_t stride) {
    kernels.curves_u8(counts, values, lanes, curves.batch.data(), curves.scale.data(),
                      curves.sum.data(), static_cast<std::uint8_t*>(out), stride);
  }
  static void run_u16(const detail::FilterKernels& kernels, const std::uint32_t* counts,
                      std::size_t values, std::size_t lanes, Curves& curves, void* out,
                      std::size_t stride) {
    kernels.curves_u16(counts, values, lanes, curves.batch.data(), curves.scale.data(),
                       curves.sum.data(), static_cast<std::uint16_t*>(out), stride);
  }

  /// Values whose curves are needed: those in a row of tiles and in the rows beside it. Thermal
  /// pictures use a small part of 16 bits, and curves of the rest would be most of the work.
  void find_ranges() {
    const Range all{0, kValues<T> - 1};
    ranges_.assign(static_cast<std::size_t>(grid_.tiles_y), all);
    if (sizeof(T) == 1) return;
    std::vector<Range> own;
    for (int ty = 0; ty < grid_.tiles_y; ++ty) {
      T lo = std::numeric_limits<T>::max();
      T hi = 0;
      for (int y = ty * grid_.tile_h; y < (ty + 1) * grid_.tile_h; ++y) {
        widen(image_.row(reflect(y, image_.rows())), &lo, &hi);
      }
      own.push_back({lo, hi});
    }
    for (std::size_t ty = 0; ty < own.size(); ++ty) {
      ranges_[ty] = own[ty];
      for (const std::size_t other : {ty == 0 ? ty : ty - 1, std::min(ty + 1, own.size() - 1)}) {
        ranges_[ty].lo = std::min(ranges_[ty].lo, own[other].lo);
        ranges_[ty].hi = std::max(ranges_[ty].hi, own[other].hi);
      }
    }
  }

  void widen(const T* row, T* lo, T* hi) const {
    const auto n = static_cast<std::size_t>(image_.cols());
    if constexpr (sizeof(T) == 1) {
      detail::kernels().min_max_u8(row, n, lo, hi);
    } else {
      detail::kernels().min_max_u16(row, n, lo, hi);
    }
  }

  /// Counts a row of tiles; gives the number of pixels counted per tile.
  std::vector<std::uint32_t> count(int ty, std::uint32_t* counts) const {
    const Range range = ranges_[static_cast<std::size_t>(ty)];
    std::vector<std::uint32_t> totals(grid_.lanes);
    if (valid_.data() == nullptr) {
      std::fill_n(totals.begin(), grid_.tiles_x, static_cast<std::uint32_t>(grid_.pixels()));
    }
    for (int y = ty * grid_.tile_h; y < (ty + 1) * grid_.tile_h; ++y) {
      const int source = reflect(y, image_.rows());
      if (valid_.data() == nullptr) {
        count_row(image_.row(source), range.lo, counts);
      } else {
        count_valid(image_.row(source), valid_.row(source), range.lo, counts, totals.data());
      }
    }
    return totals;
  }

  /// Tiles take turns: neighbouring pixels are often equal, and a counter would wait for itself.
  void count_row(const T* row, std::size_t lo, std::uint32_t* counts) const {
    const int whole = image_.cols() / grid_.tile_w;  // tiles without reflected columns
    for (int i = 0; i < grid_.tile_w; ++i) {
      const T* at = row + i;
      for (int t = 0; t < whole; ++t, at += grid_.tile_w) {
        ++counts[(*at - lo) * grid_.lanes + static_cast<std::size_t>(t)];
      }
    }
    for (int x = whole * grid_.tile_w; x < grid_.tiles_x * grid_.tile_w; ++x) {
      ++counts[(row[column(x)] - lo) * grid_.lanes + static_cast<std::size_t>(x / grid_.tile_w)];
    }
  }

  void count_valid(const T* row, const std::uint8_t* valid, std::size_t lo, std::uint32_t* counts,
                   std::uint32_t* totals) const {
    for (int x = 0; x < grid_.tiles_x * grid_.tile_w; ++x) {
      const int source = column(x);
      if (valid[source] == 0) continue;
      const auto t = static_cast<std::size_t>(x / grid_.tile_w);
      ++counts[(row[source] - lo) * grid_.lanes + t];
      ++totals[t];
    }
  }

  int column(int x) const {
    return x < image_.cols() ? x : beyond_[static_cast<std::size_t>(x - image_.cols())];
  }

  std::uint32_t limit_of(std::uint32_t total) const {
    if (!(clip_limit_ > 0)) return std::numeric_limits<std::uint32_t>::max();
    const double limit = clip_limit_ * static_cast<double>(total) / static_cast<double>(kValues<T>);
    return static_cast<std::uint32_t>(std::clamp(limit, 1.0, 2147483647.0));
  }

  /// Gives the clipped counts back: a whole batch to each value, the rest one by one at equal
  /// distances from value 0, of which some lie below the range.
  static void give_back(std::uint32_t clipped, Range range, std::uint32_t* counts, Curves& curves,
                        std::size_t t) {
    const auto values = static_cast<std::uint32_t>(kValues<T>);
    const std::uint32_t batch = clipped / values;
    const std::uint32_t residual = clipped % values;
    const auto lo = static_cast<std::uint32_t>(range.lo);
    curves.batch[t] = batch;
    curves.sum[t] = batch * lo;
    if (residual == 0) return;
    const std::uint32_t step = std::max(values / residual, 1U);
    const std::uint32_t below = std::min((lo + step - 1) / step, residual);
    curves.sum[t] += below;
    for (std::uint32_t k = below; k < residual && std::size_t{k} * step <= range.hi; ++k) {
      ++counts[(k * step - lo) * curves.batch.size()];
    }
  }

  /// For each cell and value the levels of its four curves, packed.
  void pack_cells(int upper, int lower, std::uint32_t* tables) const {
    const T* above = curves_.data() + first_[static_cast<std::size_t>(upper)];
    const T* below = curves_.data() + first_[static_cast<std::size_t>(lower)];
    for (const Cell& cell : columns_.cells) {
      for (std::size_t v = 0; v < kValues<std::uint8_t>; ++v, ++tables) {
        const T* a = above + v * grid_.stride + cell.left;
        const T* b = below + v * grid_.stride + cell.left;
        *tables = std::uint32_t{a[0]} | std::uint32_t{a[1]} << 8 | std::uint32_t{b[0]} << 16 |
                  std::uint32_t{b[1]} << 24;
      }
    }
  }

  void row_u8(const std::uint8_t* row, const detail::ClaheWeights& weights, std::uint32_t* scratch,
              std::uint8_t* out) const {
    const auto cols = static_cast<std::size_t>(image_.cols());
    const std::uint32_t* table = scratch + 2 * cols;
    for (const Cell& cell : columns_.cells) {
      for (int x = cell.begin; x < cell.end; ++x) scratch[x] = table[row[x]];
      table += kValues<std::uint8_t>;
    }
    detail::filter_kernels().blend_curves_u8(scratch, weights, cols, out);
  }

  void row_u16(const std::uint16_t* row, const detail::ClaheWeights& weights, int upper, int lower,
               std::uint32_t* scratch, std::uint16_t* out) const {
    const auto cols = static_cast<std::size_t>(image_.cols());
    const auto levels = [&](int ty, std::size_t left) {
      const auto place = static_cast<std::size_t>(ty);
      return curves_.data() + first_[place] + left;
    };
    const std::size_t lo_above = ranges_[static_cast<std::size_t>(upper)].lo;
    const std::size_t lo_below = ranges_[static_cast<std::size_t>(lower)].lo;
    for (const Cell& cell : columns_.cells) {
      const T* above = levels(upper, cell.left);
      const T* below = levels(lower, cell.left);
      for (int x = cell.begin; x < cell.end; ++x) {
        std::memcpy(scratch + x, above + (row[x] - lo_above) * grid_.stride, 4);
        std::memcpy(scratch + cols + static_cast<std::size_t>(x),
                    below + (row[x] - lo_below) * grid_.stride, 4);
      }
    }
    detail::filter_kernels().blend_curves_u16(scratch, scratch + cols, weights, cols, out);
  }

  ImageView<const T> image_;
  ImageView<const std::uint8_t> valid_;
  Grid grid_;
  Columns columns_;
  double clip_limit_;
  std::vector<int> beyond_;         ///< sources of the columns behind the last one
  std::vector<Range> ranges_;       ///< per row of tiles
  std::vector<std::size_t> first_;  ///< where its curves begin
  std::vector<T>& curves_;
};

template <typename T>
void equalise(ImageView<const T> image, ImageView<const std::uint8_t> valid,
              const ClaheOptions& options, ImageView<T> out, int threads) {
  IRTD_REQUIRE(image.channels() == 1 && out.channels() == 1, "CLAHE takes one channel");
  IRTD_REQUIRE(image.rows() > 0 && image.cols() > 0, "a picture without pixels has no histogram");
  IRTD_REQUIRE(image.size() < std::size_t{1} << 30, "pictures have less than 2^30 pixels");
  IRTD_REQUIRE(std::min(options.tiles_y, options.tiles_x) >= 1 &&
                   std::max(options.tiles_y, options.tiles_x) <= 256,
               "the grid of tiles is 1 x 1 to 256 x 256");
  IRTD_REQUIRE(std::isfinite(options.clip_limit), "the clip limit must be finite");
  IRTD_REQUIRE(image.rows() == out.rows() && image.cols() == out.cols(),
               "the result has the picture's shape");
  IRTD_REQUIRE(valid.data() == nullptr || (valid.rows() == image.rows() &&
                                           valid.cols() == image.cols() && valid.channels() == 1),
               "the mask of valid pixels has the picture's shape");
  thread_local std::vector<T> curves;
  Equaliser<T> equaliser(image, valid, options, curves);
  parallel_for(static_cast<std::size_t>(equaliser.tile_rows()), threads,
               [&](std::size_t ty, int) { equaliser.find_curves(static_cast<int>(ty)); });
  constexpr int kRows = 32;  // of a piece of work
  const int pieces = (image.rows() + kRows - 1) / kRows;
  parallel_for(static_cast<std::size_t>(pieces), threads, [&](std::size_t piece, int) {
    const int begin = static_cast<int>(piece) * kRows;
    equaliser.render(begin, std::min(begin + kRows, image.rows()), out);
  });
}

}  // namespace

void clahe(ImageView<const std::uint8_t> image, ImageView<const std::uint8_t> valid,
           const ClaheOptions& options, ImageView<std::uint8_t> out, int threads) {
  equalise(image, valid, options, out, threads);
}

void clahe(ImageView<const std::uint16_t> image, ImageView<const std::uint8_t> valid,
           const ClaheOptions& options, ImageView<std::uint16_t> out, int threads) {
  equalise(image, valid, options, out, threads);
}

}  // namespace irtd
