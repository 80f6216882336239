#include "recipe_table.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "irtd/error.hpp"
#include "irtd/statistics.hpp"
#include "kernels_radiometry.hpp"

namespace irtd {
namespace detail {

ToneLine TableRecipe::line_to(float top) const noexcept {
  return {0.0F, top, 0.0F, 0.0F, top, 0.0F};
}

const float* TableRecipe::table_of(const Picture& in, const ValidMask& valid, ToneScratch& scratch,
                                   CountRange* range) const {
  IRTD_REQUIRE(in.itemsize <= 2, "this recipe takes counts (uint8 or uint16), not temperatures");
  const std::size_t size = in.itemsize == 1 ? 256 : 65536;
  *range = {0, static_cast<std::uint32_t>(size - 1)};
  if (const float* fixed = fixed_table(in)) return fixed;
  if (scratch.table.size() < size) scratch.table.resize(size);
  *range = fill_table(in, valid, scratch, {scratch.table.data(), size});
  // Counts outside of what is valid belong to invalid pixels only, whose result is not used.
  return scratch.table.data();
}

Toned TableRecipe::tone(const Picture& in, const ValidMask& valid, float top,
                        ToneScratch& scratch) const {
  CountRange range;
  const float* table = table_of(in, valid, scratch, &range);
  void* out = scratch.beside(in, in.size() * sizeof(float));
  const float nothing = 0;
  if (in.itemsize == 1) {
    apply_table(in.as<std::uint8_t>(), {}, table, sizeof(float), &nothing, out);
  } else {
    apply_table(in.as<std::uint16_t>(), {}, table, sizeof(float), &nothing, out);
  }
  return {packed_picture(out, in.rows, in.cols, in.channels, sizeof(float)), line_to(top)};
}

void TableRecipe::render(const Picture& in, const ValidMask& valid, ToneType type, void* out,
                         ToneScratch& scratch) const {
  CountRange range;
  const float* table = table_of(in, valid, scratch, &range);
  const std::size_t item = tone_bytes(type);
  if (scratch.cast.size() < 65536) scratch.cast.resize(65536);
  auto* cast = reinterpret_cast<std::uint8_t*>(scratch.cast.data());
  const ToneLine line = settled_line(line_to(top_of(type)), type);
  const auto kernel = radiometry_kernels().line_f32[static_cast<std::size_t>(type)];
  if (range.hi >= range.lo) {
    kernel(table + range.lo, range.hi - range.lo + 1, line, cast + range.lo * item);
  }
  const std::uint32_t fill = tone_bits(line.fill, type);
  if (in.itemsize == 1) return apply_table(in.as<std::uint8_t>(), valid, cast, item, &fill, out);
  apply_table(in.as<std::uint16_t>(), valid, cast, item, &fill, out);
}

}  // namespace detail

namespace {

using detail::CountRange;
using detail::TableRecipe;

class FixedTable final : public TableRecipe {
 public:
  FixedTable(std::vector<float> of_u8, std::vector<float> of_u16, Meaning meaning)
      : of_u8_(std::move(of_u8)), of_u16_(std::move(of_u16)), meaning_(meaning) {
    IRTD_REQUIRE(
        (of_u8_.empty() || of_u8_.size() == 256) && (of_u16_.empty() || of_u16_.size() == 65536),
        "a table has 256 entries for uint8 and 65536 for uint16");
  }
  bool gives_temperatures() const noexcept override { return meaning_ == Meaning::temperatures; }

 protected:
  CountRange fill_table(const Picture&, const ValidMask&, ToneScratch&,
                        Span<float>) const override {
    return {};
  }
  const float* fixed_table(const Picture& in) const override {
    const std::vector<float>& table = in.itemsize == 1 ? of_u8_ : of_u16_;
    IRTD_REQUIRE(!table.empty(), in.itemsize == 1
                                     ? "this table is for uint16 pictures, found uint8"
                                     : "this table is for uint8 pictures, found uint16");
    return table.data();
  }
  ToneLine line_to(float top) const noexcept override {
    constexpr float kMost = 3.0e38F;
    if (meaning_ == Meaning::shares) return {0.0F, top, 0.0F, 0.0F, top, 0.0F};
    const bool warm = gives_temperatures();
    return {0.0F, 1.0F, 0.0F, -kMost, kMost, warm ? std::numeric_limits<float>::quiet_NaN() : 0.0F};
  }

 private:
  std::vector<float> of_u8_;
  std::vector<float> of_u16_;
  Meaning meaning_;
};

class HistogramRecipe : public TableRecipe {
 protected:
  CountRange fill_table(const Picture& in, const ValidMask& valid, ToneScratch& scratch,
                        Span<float> table) const override {
    std::uint32_t lo = 0;
    const Span<const std::uint32_t> found =
        in.itemsize == 1 ? occurring_counts(in.as<std::uint8_t>(), valid, &lo)
                         : occurring_counts(in.as<std::uint16_t>(), valid, &lo);
    if (found.empty()) {
      std::fill(table.begin(), table.end(), 0.0F);
      return {};
    }
    scratch.histogram.assign(found.begin(), found.end());
    map(scratch.histogram, table.subspan(lo, found.size()));
    return {lo, lo + static_cast<std::uint32_t>(found.size()) - 1};
  }
  /// Shares 0..1 for the counts of a histogram whose first and last counters are not 0.
  virtual void map(Span<const std::uint64_t> counts, Span<float> table) const = 0;
};

class PlateauRecipe final : public HistogramRecipe {
 public:
  explicit PlateauRecipe(const Plateau& plateau) : plateau_(plateau) {
    IRTD_REQUIRE(plateau.plateau > 0 && plateau.max_gain >= 0 && plateau.linear >= 0 &&
                     plateau.linear <= 1 && plateau.tail >= 0 && plateau.tail < 0.5 &&
                     plateau.midpoint >= 0 && plateau.midpoint <= 1 && plateau.extension >= -1,
                 "plateau > 0, max_gain >= 0, linear and midpoint in 0..1, tail in 0..0.5, "
                 "extension >= -1");
  }

 protected:
  void map(Span<const std::uint64_t> counts, Span<float> table) const override {
    plateau_table(counts, plateau_, table);
  }

 private:
  Plateau plateau_;
};

class MatchRecipe final : public HistogramRecipe {
 public:
  explicit MatchRecipe(std::vector<double> quantiles) : quantiles_(std::move(quantiles)) {
    IRTD_REQUIRE(quantiles_.size() >= 2, "a reference has at least two quantiles");
    for (std::size_t i = 0; i < quantiles_.size(); ++i) {
      const double before = i == 0 ? 0.0 : quantiles_[i - 1];
      IRTD_REQUIRE(quantiles_[i] >= before && quantiles_[i] <= 1,
                   "the quantiles of a reference rise from 0 to 1");
    }
  }

 protected:
  void map(Span<const std::uint64_t> counts, Span<float> table) const override {
    double total = 0;
    for (const std::uint64_t count : counts) total += static_cast<double>(count);
    double seen = 0;
    for (std::size_t v = 0; v < counts.size(); ++v) {
      // The middle of the ranks that this count holds.
      const auto here = static_cast<double>(counts[v]);
      table[v] = static_cast<float>(quantile((seen + here / 2) / total));
      seen += here;
    }
  }

 private:
  double quantile(double share) const {
    const double at = share * static_cast<double>(quantiles_.size() - 1);
    const auto below = std::min(static_cast<std::size_t>(at), quantiles_.size() - 2);
    const double t = at - static_cast<double>(below);
    return quantiles_[below] + (quantiles_[below + 1] - quantiles_[below]) * t;
  }

  std::vector<double> quantiles_;
};

/// Counts above first, up to last, that have a part or follow one that has within `reach`.
std::size_t covered(const std::vector<double>& parts, std::size_t first, std::size_t last,
                    std::size_t reach) {
  if (reach >= last - first) return last - first;
  std::size_t total = 0;
  std::size_t used = first;
  for (std::size_t v = first + 1; v <= last; ++v) {
    if (parts[v] > 0) used = v;
    total += v - used <= reach ? 1 : 0;
  }
  return total;
}

}  // namespace

void plateau_table(Span<const std::uint64_t> counts, const Plateau& plateau, Span<float> table) {
  IRTD_REQUIRE(counts.size() == table.size(), "one entry for each count");
  std::fill(table.begin(), table.end(), 0.0F);
  double total = 0;
  for (const std::uint64_t count : counts) total += static_cast<double>(count);
  const double low_end = plateau.tail * total;
  const double high_end = total - low_end;
  thread_local std::vector<double> parts;
  parts.assign(counts.size(), 0.0);
  double seen = 0;
  std::size_t first = counts.size();
  std::size_t last = 0;
  for (std::size_t v = 0; v < counts.size(); ++v) {
    const double next = seen + static_cast<double>(counts[v]);
    // What lies between the two tails, clipped at the plateau.
    const double inside = std::min(next, high_end) - std::max(seen, low_end);
    seen = next;
    if (inside <= 0) continue;
    parts[v] = std::min(inside, plateau.plateau);
    first = std::min(first, v);
    last = v;
  }
  if (first >= last) return;  // at most one count: no contrast
  double mass = 0;
  for (std::size_t v = first + 1; v <= last; ++v) mass += parts[v];
  const std::size_t reach =
      plateau.extension < 0 ? counts.size() : static_cast<std::size_t>(plateau.extension);
  const double even = plateau.linear / static_cast<double>(covered(parts, first, last, reach));
  const double share = (1 - plateau.linear) / mass;
  const double most =
      plateau.max_gain > 0 ? plateau.max_gain / 255.0 : std::numeric_limits<double>::infinity();
  double level = 0;
  std::size_t used = first;  // the last count with pixels
  for (std::size_t v = first + 1; v < counts.size(); ++v) {
    if (parts[v] > 0) used = v;
    const double line = v - used <= reach ? even : 0.0;
    if (v <= last) level += std::min(parts[v] * share + line, most);
    parts[v] = level;
  }
  const double shift = plateau.midpoint - level / 2;
  for (std::size_t v = 0; v < counts.size(); ++v) {
    const double here = v <= first ? 0.0 : parts[v];
    table[v] = static_cast<float>(std::clamp(here + shift, 0.0, 1.0));
  }
}

RecipePtr make_table(std::vector<float> of_u8, std::vector<float> of_u16, Meaning meaning) {
  return std::make_shared<FixedTable>(std::move(of_u8), std::move(of_u16), meaning);
}

RecipePtr make_plateau(const Plateau& plateau) { return std::make_shared<PlateauRecipe>(plateau); }

RecipePtr make_match(std::vector<double> quantiles) {
  return std::make_shared<MatchRecipe>(std::move(quantiles));
}

}  // namespace irtd
