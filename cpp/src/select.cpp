#include "select.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "histogram.hpp"
#include "kernels.hpp"
#include "runs.hpp"

namespace irtd::detail {
namespace {

using Counts = std::vector<std::uint16_t>;

constexpr std::size_t kLeastPixels = 1 << 15;  // below, the histogram is quick enough
constexpr std::size_t kMostPercents = 4;
constexpr std::size_t kStep = 37;  // no divisor of a usual width: all columns are sampled
constexpr double kDeviations = 3.0;
constexpr double kMostBetween = 1.0 / 16;  // of the pixels: more are better counted at once
constexpr std::size_t kCoarse = 1024;

/// Counts between which a percentile is expected, and what was found there.
struct Bracket {
  std::uint16_t lo = 0;
  std::uint16_t width = 0;  ///< less one
  std::uint64_t below = 0;
  std::size_t kept = 0;
  Counts values;
};

/// Every kStep-th valid pixel; returns how many valid ones there are.
std::size_t take_sample(const StridedImage<std::uint16_t>& image, const ValidMask& valid,
                        Counts& sample) {
  sample.resize(image.size() / kStep + 1);
  std::uint16_t* to = sample.data();
  std::size_t total = 0;
  std::size_t next = 0;  // within the run at hand
  for_each_valid_run(image, valid, [&](const std::uint16_t* p, std::size_t n) {
    total += n;
    for (; next < n; next += kStep) *to++ = p[next];
    next -= n;
  });
  sample.resize(static_cast<std::size_t>(to - sample.data()));
  return total;
}

/// A coarse histogram of the sample: counters of 2^shift counts each from `lo`.
struct Coarse {
  std::uint16_t lo = std::numeric_limits<std::uint16_t>::max();
  std::uint16_t hi = 0;
  unsigned shift = 0;
  std::array<std::uint32_t, kCoarse> counts{};

  explicit Coarse(const Counts& sample) {
    kernels().min_max_u16(sample.data(), sample.size(), &lo, &hi);
    while ((unsigned{hi} - lo) >> shift >= kCoarse) ++shift;
    // Two copies in turns: neighbours are often equal, and one counter would wait for itself.
    std::array<std::uint32_t, kCoarse> others{};
    std::size_t i = 0;
    for (; i + 2 <= sample.size(); i += 2) {
      ++counts[(unsigned{sample[i]} - lo) >> shift];
      ++others[(unsigned{sample[i + 1]} - lo) >> shift];
    }
    if (i < sample.size()) ++counts[(unsigned{sample[i]} - lo) >> shift];
    for (std::size_t k = 0; k < kCoarse; ++k) counts[k] += others[k];
  }

  /// The counter that holds the sample's value at a rank, and how many values lie before it.
  std::size_t at(double rank, std::size_t* before) const {
    std::size_t bin = 0;
    std::size_t seen = 0;
    while (static_cast<double>(seen + counts[bin]) <= rank) seen += counts[bin++];
    *before = seen;
    return bin;
  }
};

/// Where the percentile is to be expected; returns the share of the sample that lies there.
double expect(const Coarse& coarse, std::size_t sampled, double percent, Bracket& bracket) {
  const auto m = static_cast<double>(sampled);
  const double p = percent / 100.0;
  const double spread = kDeviations * std::sqrt(m * p * (1 - p)) + 1;
  std::size_t before = 0;
  std::size_t until = sampled;
  unsigned lo = 0;
  unsigned hi = std::numeric_limits<std::uint16_t>::max();
  if (m * p - spread > 0) {
    lo = coarse.lo + (static_cast<unsigned>(coarse.at(m * p - spread, &before)) << coarse.shift);
  }
  if (m * p + spread < m - 1) {
    const std::size_t bin = coarse.at(m * p + spread, &until);
    until += coarse.counts[bin];
    hi = std::min(hi, coarse.lo + (static_cast<unsigned>(bin + 1) << coarse.shift) - 1);
  }
  bracket.lo = static_cast<std::uint16_t>(lo);
  bracket.width = static_cast<std::uint16_t>(hi - lo);
  return static_cast<double>(until - before) / m;
}

/// Keeps what lies in each bracket; false if that is far more than the sample promised.
bool fill(const StridedImage<std::uint16_t>& image, const ValidMask& valid, std::size_t most,
          Span<Bracket> brackets) {
  bool fits = true;
  for_each_valid_run(image, valid, [&](const std::uint16_t* p, std::size_t n) {
    for (std::size_t i = 0; i < n && fits; i += kBetweenMost) {
      const std::size_t here = std::min(kBetweenMost, n - i);
      for (Bracket& b : brackets) {
        b.kept +=
            kernels().between_u16(p + i, here, b.lo, b.width, &b.below, b.values.data() + b.kept);
        fits = fits && b.kept <= most;
      }
    }
  });
  return fits;
}

/// The percentile, if its ranks are among the kept values.
bool settle(const Bracket& bracket, const Rank& rank, double* out) {
  if (rank.first < bracket.below || rank.next >= bracket.below + bracket.kept) return false;
  thread_local std::vector<std::uint32_t> counts;
  std::uint16_t lo = std::numeric_limits<std::uint16_t>::max();
  std::uint16_t hi = 0;
  kernels().min_max_u16(bracket.values.data(), bracket.kept, &lo, &hi);
  const std::size_t range = std::size_t{hi} - lo + 1;
  counts.assign(range, 0);
  count_run(bracket.values.data(), bracket.kept, lo, range, 1, counts.data());
  *out = value_at(rank, Span<const std::uint32_t>(counts.data(), range), lo,
                  static_cast<std::size_t>(bracket.below));
  return true;
}

}  // namespace

bool select_percentiles(const StridedImage<std::uint16_t>& image, const ValidMask& valid,
                        Span<const double> percents, Span<double> out) {
  if (image.size() < kLeastPixels || percents.size() > kMostPercents) return false;
  thread_local Counts sample;
  thread_local std::array<Bracket, kMostPercents> room;
  const std::size_t total = take_sample(image, valid, sample);
  if (total < kLeastPixels) return false;
  const Coarse coarse(sample);
  const Span<Bracket> brackets(room.data(), percents.size());
  const std::size_t most = total / 8;
  double between = 0;
  for (std::size_t i = 0; i < percents.size(); ++i) {
    Bracket& b = brackets[i];
    b.below = b.kept = 0;
    between += expect(coarse, sample.size(), percents[i], b);
    if (b.values.size() < most + kBetweenMost + kBetweenSlack) {
      b.values.resize(most + kBetweenMost + kBetweenSlack);
    }
  }
  if (between > kMostBetween || !fill(image, valid, most, brackets)) return false;
  std::array<double, kMostPercents> found{};
  for (std::size_t i = 0; i < percents.size(); ++i) {
    if (!settle(brackets[i], rank_of(percents[i], total), &found[i])) return false;
  }
  std::copy_n(found.begin(), percents.size(), out.begin());
  return true;
}

}  // namespace irtd::detail
