#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "histogram.hpp"
#include "irtd/statistics.hpp"
#include "select.hpp"

namespace {

constexpr std::size_t kRows = 256;
constexpr std::size_t kCols = 320;

using Pixels = std::vector<std::uint16_t>;
using Make = std::function<std::uint16_t(std::mt19937&, std::size_t)>;

Pixels picture(const Make& make) {
  std::mt19937 generator(4);
  Pixels pixels(kRows * kCols);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = make(generator, i);
  return pixels;
}

irtd::StridedImage<std::uint16_t> view(const Pixels& pixels) {
  return {reinterpret_cast<const std::uint8_t*>(pixels.data()), kRows, kCols, 1, 2 * kCols, 2, 2};
}

std::uint16_t clipped(double v) { return static_cast<std::uint16_t>(std::clamp(v, 0.0, 65535.0)); }

/// The definition, on sorted values.
double percentile(Pixels values, double percent) {
  std::sort(values.begin(), values.end());
  const irtd::detail::Rank rank = irtd::detail::rank_of(percent, values.size());
  return irtd::detail::linear_between(values[rank.first], values[rank.next], rank.share);
}

/// How often selection did the work, of five times; where it does not, the histogram must. It does
/// not for five percentiles, nor for the median of a picture whose sample is as small as here.
int selected(const Pixels& pixels) {
  int count = 0;
  for (const std::vector<double>& percents :
       {std::vector<double>{2, 98}, {0, 100}, {0.01, 50, 99.99}, {1}, {1, 5, 95, 99, 50}}) {
    std::vector<double> out(percents.size(), -1);
    const bool done = irtd::detail::select_percentiles(view(pixels), {}, percents, out);
    if (done) {
      ++count;
    } else {
      CHECK(out == std::vector<double>(percents.size(), -1));
    }
    irtd::value_percentiles(view(pixels), {}, percents, out);
    for (std::size_t i = 0; i < percents.size(); ++i) {
      CHECK(out[i] == percentile(pixels, percents[i]));
    }
  }
  return count;
}

}  // namespace

TEST_CASE("selected percentiles are those of the sorted pixels") {
  std::normal_distribution<double> normal;
  SUBCASE("a thermal frame") {
    CHECK(selected(picture([&](std::mt19937& g, std::size_t i) {
            return clipped(7500 + static_cast<double>(i % kCols) + 60 * normal(g));
          })) == 3);
  }
  SUBCASE("all of sixteen bits") {
    CHECK(selected(picture(
              [](std::mt19937& g, std::size_t) { return static_cast<std::uint16_t>(g()); })) == 3);
  }
  SUBCASE("long tails") {
    CHECK(selected(picture([&](std::mt19937& g, std::size_t) {
            return clipped(8000 * std::exp(normal(g) * 0.7));
          })) >= 2);
  }
}

TEST_CASE("what selection cannot do is left to the histogram") {
  SUBCASE("one count") {
    CHECK(selected(picture([](std::mt19937&, std::size_t) { return std::uint16_t{9}; })) == 0);
  }
  SUBCASE("few counts") {
    CHECK(selected(picture([](std::mt19937& g, std::size_t) {
            return static_cast<std::uint16_t>(500 + g() % 3);
          })) == 0);
  }
  SUBCASE("a sample that misleads") {  // every sampled pixel is 1000, none of the others
    CHECK(selected(picture([](std::mt19937& g, std::size_t i) {
            return i % 37 == 0 ? std::uint16_t{1000} : static_cast<std::uint16_t>(2000 + g() % 99);
          })) <= 1);
  }
  SUBCASE("many pixels between that the sample does not show") {
    CHECK(selected(picture([](std::mt19937& g, std::size_t i) {
            return static_cast<std::uint16_t>(i % 37 == 0 ? g() % 60000 : 30000);
          })) <= 2);
  }
}

TEST_CASE("a small picture is counted") {
  const Pixels pixels(100, 7);
  const irtd::StridedImage<std::uint16_t> small{
      reinterpret_cast<const std::uint8_t*>(pixels.data()), 10, 10, 1, 20, 2, 2};
  std::vector<double> out(1, -1);
  CHECK_FALSE(irtd::detail::select_percentiles(small, {}, std::vector<double>{50}, out));
  CHECK(out[0] == -1);
}
