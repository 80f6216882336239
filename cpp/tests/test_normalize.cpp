#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "irtd/error.hpp"
#include "irtd/normalize.hpp"
#include "kernels.hpp"

namespace {

using irtd::ImageView;

template <typename T>
std::vector<T> noise(std::size_t n, int lo, int hi, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_int_distribution<int> value(lo, hi);
  std::vector<T> pixels(n);
  for (T& pixel : pixels) pixel = static_cast<T>(value(generator));
  return pixels;
}

/// The definition, on sorted values.
double sorted_percentile(std::vector<double> values, double percent) {
  std::sort(values.begin(), values.end());
  const double rank = static_cast<double>(values.size() - 1) * (percent / 100);
  const auto below = static_cast<std::size_t>(std::floor(rank));
  const std::size_t above = std::min(below + 1, values.size() - 1);
  const double t = rank - std::floor(rank);
  return values[below] + (values[above] - values[below]) * t;
}

template <typename T>
void check_percentiles(int lo, int hi) {
  const std::vector<double> percents{0, 0.1, 1, 33.3, 50, 75, 99, 99.9, 100};
  for (const int cols : {1, 2, 7, 64, 129}) {
    const int rows = 5;
    const int stride = cols + 3;
    const auto pixels = noise<T>(static_cast<std::size_t>(rows * stride), lo, hi, 7);
    const ImageView<const T> view(pixels.data(), rows, cols, 1, stride);
    std::vector<double> inside;
    for (int r = 0; r < rows; ++r) inside.insert(inside.end(), view.row(r), view.row(r) + cols);
    std::vector<double> out(percents.size());
    irtd::percentiles(view, percents, out);
    for (std::size_t i = 0; i < percents.size(); ++i) {
      CHECK(out[i] == doctest::Approx(sorted_percentile(inside, percents[i])).epsilon(1e-12));
    }
    const irtd::ValueRange range = irtd::min_max(view);
    CHECK(range.lo == *std::min_element(inside.begin(), inside.end()));
    CHECK(range.hi == *std::max_element(inside.begin(), inside.end()));
    std::vector<std::uint64_t> counts(std::size_t{std::numeric_limits<T>::max()} + 1, 1);
    irtd::histogram(view, counts);
    for (const double v : {inside.front(), inside.back()}) {
      const auto expected = std::count(inside.begin(), inside.end(), v) + 1;
      CHECK(counts[static_cast<std::size_t>(v)] == static_cast<std::uint64_t>(expected));
    }
    CHECK(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) ==
          counts.size() + inside.size());
  }
}

template <typename T, typename Kernel>
void check_min_max(const Kernel& kernel) {
  for (std::size_t n = 0; n < 300; n += (n < 20 ? 1 : 23)) {
    auto pixels = noise<T>(n, 100, 200, static_cast<unsigned>(n));
    for (std::size_t at = 0; at < n; at += 11) {  // the extremes in every kind of place
      const T before = pixels[at];
      pixels[at] = at % 2 == 0 ? T{3} : T{251};
      T lo = std::numeric_limits<T>::max();
      T hi = 0;
      kernel(pixels.data(), n, &lo, &hi);
      CHECK(lo == *std::min_element(pixels.begin(), pixels.end()));
      CHECK(hi == *std::max_element(pixels.begin(), pixels.end()));
      pixels[at] = before;
    }
  }
  const T one = 5;
  T lo = 2;
  T hi = 9;  // a wider range than the values stays
  kernel(&one, 1, &lo, &hi);
  CHECK(lo == 2);
  CHECK(hi == 9);
}

}  // namespace

TEST_CASE("min and max of every instruction set are those of the standard library") {
  for (const irtd::detail::Kernels* table : irtd::detail::all_kernels()) {
    CAPTURE(table->target);
    check_min_max<std::uint8_t>(table->min_max_u8);
    check_min_max<std::uint16_t>(table->min_max_u16);
  }
}

TEST_CASE("what lies between two counts is the same on every instruction set") {
  const irtd::detail::Kernels& plain = irtd::detail::scalar_kernels();
  const auto pixels = noise<std::uint16_t>(irtd::detail::kBetweenMost, 0, 65535, 11);
  struct Case {
    std::uint16_t lo, width;
  };
  for (const irtd::detail::Kernels* table : irtd::detail::all_kernels()) {
    CAPTURE(table->target);
    for (const Case c : {Case{30000, 0}, Case{30000, 700}, Case{0, 900}, Case{65000, 535},
                         Case{1, 65534}, Case{0, 65535}, Case{65535, 0}}) {
      for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{97},
                                  std::size_t{1000}, irtd::detail::kBetweenMost}) {
        std::vector<std::uint16_t> expected(n + irtd::detail::kBetweenSlack);
        std::vector<std::uint16_t> found(n + irtd::detail::kBetweenSlack);
        std::uint64_t below = 5;
        std::uint64_t seen = 5;
        const std::size_t count =
            plain.between_u16(pixels.data(), n, c.lo, c.width, &below, expected.data());
        REQUIRE(table->between_u16(pixels.data(), n, c.lo, c.width, &seen, found.data()) == count);
        REQUIRE(seen == below);
        REQUIRE(std::equal(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count),
                           expected.begin()));
      }
    }
  }
}

TEST_CASE("every instruction set of this processor that was compiled is tested") {
  // The reference is one more; a build without Highway has nothing else.
  std::vector<std::string> names;
  for (const irtd::detail::Kernels* table : irtd::detail::all_kernels()) {
    names.emplace_back(table->target);
  }
  CHECK(names.front() == "scalar");
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
  CHECK(std::count(names.begin(), names.end(), irtd::detail::kernels().target) == 1);
  std::string listed;
  for (const std::string& name : names) listed += " " + name;
  MESSAGE("instruction sets:", listed);
}

TEST_CASE("percentiles, range and histogram follow their definitions") {
  check_percentiles<std::uint8_t>(0, 255);
  check_percentiles<std::uint8_t>(17, 17);
  check_percentiles<std::uint16_t>(7000, 7400);  // counters fit the cache: four of them
  check_percentiles<std::uint16_t>(0, 65535);    // one counter per value
}

TEST_CASE("colour channels count together") {
  const std::vector<std::uint8_t> pixels{1, 50, 99, 2, 60, 98};
  const ImageView<const std::uint8_t> view(pixels.data(), 1, 2, 3);
  CHECK(irtd::min_max(view).lo == 1);
  CHECK(irtd::min_max(view).hi == 99);
  const std::vector<double> median{50};
  std::vector<double> out(1);
  irtd::percentiles(view, median, out);
  CHECK(out[0] == 55);
}

TEST_CASE("wrong requests are refused") {
  const std::vector<std::uint8_t> pixels(4);
  const ImageView<const std::uint8_t> view(pixels.data(), 2, 2);
  const ImageView<const std::uint8_t> nothing(pixels.data(), 0, 2);
  std::vector<double> out(1);
  CHECK_THROWS_AS(irtd::min_max(nothing), irtd::Error);
  for (const double percent : {-1.0, 100.5, std::nan("")}) {
    const std::vector<double> wanted{percent};
    CHECK_THROWS_AS(irtd::percentiles(view, wanted, out), irtd::Error);
  }
  const std::vector<double> two{1, 2};
  CHECK_THROWS_AS(irtd::percentiles(view, two, out), irtd::Error);
  std::vector<std::uint64_t> short_counts(255);
  CHECK_THROWS_AS(irtd::histogram(view, short_counts), irtd::Error);
}
