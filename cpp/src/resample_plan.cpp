#include "resample_plan.hpp"

#include <algorithm>
#include <cmath>

#include "irtd/error.hpp"

namespace irtd::detail {
namespace {

constexpr double kFar = 1 << 30;         // pixels; beyond it indices would not be exact
constexpr double kMaxReduction = 32768;  // source pixels for one output pixel
// Edges this close to a whole pixel are meant to be there: a matrix went through rounding.
constexpr double kSnap = 1e-6;
// A centre on the edge between two pixels belongs to the second one, however the edge was rounded.
constexpr double kTie = 1e-7;

double snapped(double edge) {
  const double whole = std::nearbyint(edge);
  return std::abs(edge - whole) < kSnap ? whole : edge;
}

AxisMap make_axis(double begin, double step, int out) {
  const double end = begin + step * out;
  const bool wide = std::abs(end - begin) > 2 * kSnap;
  const double from = wide ? snapped(begin) : begin;
  const double to = wide ? snapped(end) : end;
  AxisMap axis;
  axis.begin = from;
  axis.step = (to - from) / out;
  axis.out = out;
  axis.lo = static_cast<std::int64_t>(std::floor(std::min(from, to)));
  axis.hi = std::max(axis.lo, static_cast<std::int64_t>(std::ceil(std::max(from, to))) - 1);
  return axis;
}

/// The taps of one output pixel, before they are laid out.
struct Run {
  std::int64_t first = 0;
  std::vector<double> weight;
};

void area_run(const AxisMap& axis, double begin, double end, Run* run) {
  // A sliver of a pixel comes from rounding, not from the request.
  const double sliver = 1e-7 * (end - begin);
  const auto first = std::max(axis.lo, static_cast<std::int64_t>(std::floor(begin + sliver)));
  const auto last =
      std::max(first, std::min(axis.hi, static_cast<std::int64_t>(std::ceil(end - sliver)) - 1));
  run->first = first;
  run->weight.clear();
  for (std::int64_t k = first; k <= last; ++k) {
    const auto left = static_cast<double>(k);
    run->weight.push_back(std::max(0.0, std::min(left + 1, end) - std::max(left, begin)));
  }
}

void triangle_run(const AxisMap& axis, double centre, Run* run) {
  const double reach = std::max(1.0, std::abs(axis.step));
  const auto first = std::max(axis.lo, static_cast<std::int64_t>(std::floor(centre - reach + 0.5)));
  const auto last = std::max(
      first, std::min(axis.hi, static_cast<std::int64_t>(std::floor(centre + reach + 0.5)) - 1));
  run->first = first;
  run->weight.clear();
  for (std::int64_t k = first; k <= last; ++k) {
    const double distance = std::abs(static_cast<double>(k) + 0.5 - centre) / reach;
    run->weight.push_back(std::max(0.0, 1 - distance));
  }
}

void make_run(const AxisMap& axis, Filter filter, int i, Run* run) {
  const double centre = axis.begin + (i + 0.5) * axis.step;
  const double half = std::abs(axis.step) / 2;
  if (filter == Filter::area) return area_run(axis, centre - half, centre + half, run);
  triangle_run(axis, centre, run);
}

/// Sums to one and without zeros at its ends.
void tidy(Run* run) {
  std::vector<double>& weight = run->weight;
  while (weight.size() > 1 && weight.back() == 0) weight.pop_back();
  while (weight.size() > 1 && weight.front() == 0) {
    weight.erase(weight.begin());
    ++run->first;
  }
  double sum = 0;
  for (const double w : weight) sum += w;
  if (!(sum > 0)) weight.assign(1, sum = 1);
  for (double& w : weight) w /= sum;
}

/// Gives every run the same number of taps, none beyond `hi`.
void lay_out(const AxisMap& axis, const std::vector<double>& weights,
             const std::vector<std::size_t>& ends, Taps* taps) {
  const auto out = static_cast<std::size_t>(axis.out);
  taps->weight.assign(out * taps->count, 0.0F);
  for (std::size_t i = 0; i < out; ++i) {
    const std::size_t begin = i == 0 ? 0 : ends[i - 1];
    const std::int64_t latest = axis.hi - static_cast<std::int64_t>(taps->count) + 1;
    const std::int64_t moved = std::max<std::int64_t>(0, taps->first[i] - latest);
    taps->first[i] -= moved;
    for (std::size_t k = begin; k < ends[i]; ++k) {
      taps->weight[i * taps->count + static_cast<std::size_t>(moved) + k - begin] =
          static_cast<float>(weights[k]);
    }
  }
}

bool finite(const double matrix[6]) {
  return std::all_of(matrix, matrix + 6, [](double v) { return std::isfinite(v); });
}

/// Whether every corner of the frame comes from somewhere near.
bool within_reach(const Inverse& m, int out_h, int out_w) {
  for (const double x : {0.0, double{0} + out_w}) {
    for (const double y : {0.0, double{0} + out_h}) {
      const double u = m.a * x + m.b * y + m.c;
      const double v = m.d * x + m.e * y + m.f;
      if (!(std::abs(u) < kFar && std::abs(v) < kFar)) return false;
    }
  }
  return std::abs(m.a) + std::abs(m.b) <= kMaxReduction &&
         std::abs(m.d) + std::abs(m.e) <= kMaxReduction;
}

}  // namespace

Geometry make_geometry(const double matrix[6], int out_h, int out_w) {
  IRTD_REQUIRE(finite(matrix), "the matrix is not finite");
  const double a = matrix[0];
  const double b = matrix[1];
  const double d = matrix[3];
  const double e = matrix[4];
  const double determinant = a * e - b * d;
  IRTD_REQUIRE(std::isnormal(determinant), "the matrix is singular");
  Geometry made;
  Inverse& m = made.inverse;
  m.a = e / determinant;
  m.b = -b / determinant;
  m.d = -d / determinant;
  m.e = a / determinant;
  m.c = -(m.a * matrix[2] + m.b * matrix[5]);
  m.f = -(m.d * matrix[2] + m.e * matrix[5]);
  IRTD_REQUIRE(within_reach(m, out_h, out_w),
               "the matrix reaches more than 2**30 pixels away, or 2**15 for one output pixel");
  made.transposed = a == 0 && e == 0;
  made.straight = made.transposed || (b == 0 && d == 0);
  if (!made.straight) return made;
  made.cols = made.transposed ? make_axis(m.c, m.b, out_h) : make_axis(m.c, m.a, out_w);
  made.rows = made.transposed ? make_axis(m.f, m.d, out_w) : make_axis(m.f, m.e, out_h);
  return made;
}

void plan_nearest(const AxisMap& axis, std::vector<std::int64_t>* index) {
  const auto lo = static_cast<double>(axis.lo);
  const auto hi = static_cast<double>(axis.hi);
  index->resize(static_cast<std::size_t>(axis.out));
  for (int i = 0; i < axis.out; ++i) {
    const double centre = std::floor(axis.begin + (i + 0.5) * axis.step + kTie);
    (*index)[static_cast<std::size_t>(i)] =
        static_cast<std::int64_t>(std::min(std::max(centre, lo), hi));
  }
}

namespace {

void plan_bilinear(const AxisMap& axis, Taps* taps) {
  const auto lo = static_cast<double>(axis.lo);
  const auto hi = static_cast<double>(axis.hi);
  const auto out = static_cast<std::size_t>(axis.out);
  taps->count = axis.hi > axis.lo ? 2 : 1;
  taps->first.resize(out);
  taps->weight.resize(out * taps->count);
  for (std::size_t i = 0; i < out; ++i) {
    const double centre = axis.begin + (static_cast<double>(i) + 0.5) * axis.step;
    const double at = std::min(std::max(centre - 0.5, lo), hi);
    // Two neighbours always, so at the last pixel it is the second one that counts.
    const double left = taps->count == 2 ? std::min(std::floor(at), hi - 1) : lo;
    taps->first[i] = static_cast<std::int64_t>(left);
    taps->weight[i * taps->count] = static_cast<float>(taps->count == 2 ? 1 - (at - left) : 1);
    if (taps->count == 2) taps->weight[i * 2 + 1] = static_cast<float>(at - left);
  }
}

void plan_runs(const AxisMap& axis, Filter filter, Taps* taps) {
  thread_local std::vector<double> weights;
  thread_local std::vector<std::size_t> ends;
  thread_local Run run;
  const auto out = static_cast<std::size_t>(axis.out);
  weights.clear();
  ends.clear();
  taps->first.resize(out);
  taps->count = 1;
  for (std::size_t i = 0; i < out; ++i) {
    make_run(axis, filter, static_cast<int>(i), &run);
    tidy(&run);
    taps->first[i] = run.first;
    taps->count = std::max(taps->count, run.weight.size());
    weights.insert(weights.end(), run.weight.begin(), run.weight.end());
    ends.push_back(weights.size());
  }
  lay_out(axis, weights, ends, taps);
}

}  // namespace

void plan_taps(const AxisMap& axis, Filter filter, Taps* taps) {
  if (filter == Filter::nearest) {
    plan_nearest(axis, &taps->first);
    taps->count = 1;
    taps->weight.assign(taps->first.size(), 1.0F);
  } else if (filter == Filter::bilinear ||
             (filter == Filter::antialias && std::abs(axis.step) <= 1)) {
    plan_bilinear(axis, taps);
  } else {
    plan_runs(axis, filter, taps);
  }
}

}  // namespace irtd::detail
