#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "filters.hpp"
#include "irtd/clahe.hpp"
#include "irtd/detail_enhance.hpp"
#include "irtd/fixed_pattern.hpp"
#include "support.hpp"

namespace {

using irtd::ImageView;
using irtd::detail::ClaheWeights;
using irtd::detail::FilterKernels;

std::vector<std::uint32_t> numbers(std::size_t n, std::uint32_t top, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_int_distribution<std::uint32_t> value(0, top);
  std::vector<std::uint32_t> result(n);
  for (std::uint32_t& number : result) number = value(generator);
  return result;
}

std::vector<float> shares(std::size_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> value(0, 1);
  std::vector<float> result(n);
  for (float& share : result) share = value(generator);
  return result;
}

struct CurveInput {
  std::size_t values, lanes;
  std::vector<std::uint32_t> counts, batch;
  std::vector<float> scale;
  CurveInput(std::size_t v, std::size_t l)
      : values(v),
        lanes(l),
        counts(numbers(v * l, 40, 1)),
        batch(numbers(l, 3, 2)),
        scale(shares(l, 3)) {}
};

template <typename T, typename Kernel>
std::vector<T> curves(const CurveInput& in, Kernel kernel) {
  std::vector<std::uint32_t> sum(in.lanes, 5);
  std::vector<T> levels(in.values * (in.lanes + 2));
  kernel(in.counts.data(), in.values, in.lanes, in.batch.data(), in.scale.data(), sum.data(),
         levels.data(), in.lanes + 2);
  for (const std::uint32_t total : sum) levels.push_back(static_cast<T>(total));
  return levels;
}

std::vector<std::uint32_t> clipped(const CurveInput& in, const FilterKernels& table) {
  std::vector<std::uint32_t> counts = in.counts;
  std::vector<std::uint32_t> cut(in.lanes, 1);
  const std::vector<std::uint32_t> limit = numbers(in.lanes, 30, 4);
  table.clip_counts(counts.data(), in.values, in.lanes, limit.data(), cut.data());
  counts.insert(counts.end(), cut.begin(), cut.end());
  return counts;
}

}  // namespace

TEST_CASE("filter kernels of every instruction set give the bits of the reference") {
  const FilterKernels& reference = irtd::detail::scalar_filter_kernels();
  for (const FilterKernels* table : irtd::detail::all_filter_kernels()) {
    CAPTURE(table->target);
    for (const std::size_t lanes : {8U, 16U, 24U}) {
      const CurveInput in(301, lanes);
      CHECK(clipped(in, *table) == clipped(in, reference));
      CHECK(curves<std::uint8_t>(in, table->curves_u8) ==
            curves<std::uint8_t>(in, reference.curves_u8));
      CHECK(curves<std::uint16_t>(in, table->curves_u16) ==
            curves<std::uint16_t>(in, reference.curves_u16));
    }
    for (const std::size_t n : {0U, 1U, 3U, 7U, 8U, 16U, 33U, 200U}) {
      const std::vector<std::uint32_t> a = numbers(n, 0xFFFFFFFFU, 5);
      const std::vector<std::uint32_t> b = numbers(n, 0xFFFFFFFFU, 6);
      const std::vector<float> right = shares(n, 7);
      std::vector<float> left;
      for (const float share : right) left.push_back(1.0F - share);
      const ClaheWeights weights{right.data(), left.data(), 0.3F, 0.7F};
      std::vector<std::uint8_t> small(n), small_reference(n);
      table->blend_curves_u8(a.data(), weights, n, small.data());
      reference.blend_curves_u8(a.data(), weights, n, small_reference.data());
      CHECK(small == small_reference);
      std::vector<std::uint16_t> wide(n), wide_reference(n);
      table->blend_curves_u16(a.data(), b.data(), weights, n, wide.data());
      reference.blend_curves_u16(a.data(), b.data(), weights, n, wide_reference.data());
      CHECK(wide == wide_reference);
    }
  }
}

TEST_CASE("sums, lines, details and medians are the same on every instruction set") {
  const FilterKernels& reference = irtd::detail::scalar_filter_kernels();
  for (const FilterKernels* table : irtd::detail::all_filter_kernels()) {
    CAPTURE(table->target);
    for (const std::size_t n : {1U, 2U, 7U, 16U, 61U}) {
      CAPTURE(n);
      const std::vector<float> x = shares(n, 11);
      const std::vector<float> y = shares(n, 12);
      const auto run = [&](const FilterKernels& kernels) {
        std::vector<double> first(n, 3.0), second(n, 4.0), prefix(n + 5), squares(n + 5);
        kernels.change_moments(x.data(), y.data(), n, first.data(), second.data());
        kernels.change_pair(x.data(), y.data(), y.data(), x.data(), n, first.data(), second.data());
        for (std::size_t i = 1; i < n + 5; ++i) {
          prefix[i] = prefix[i - 1] + first[i % n];
          squares[i] = squares[i - 1] + 7 * second[i % n];
        }
        const std::vector<double> inverse(n, 0.2);
        const irtd::detail::WindowPrefix sums{prefix.data(), squares.data(), 5, inverse.data()};
        std::vector<float> a(n), b(n), out(n);
        kernels.fit_lines(sums, n, 0.5, a.data(), b.data());
        kernels.enhance(sums, {0.1F, 0.3F, 0.7F, 0.05F, 2.0F, 255.0F}, x.data(), n, out.data());
        out.insert(out.end(), a.begin(), a.end());
        out.insert(out.end(), b.begin(), b.end());
        for (const double sum : first) out.push_back(static_cast<float>(sum));
        for (const double sum : second) out.push_back(static_cast<float>(sum));
        return out;
      };
      CHECK(run(*table) == run(reference));
    }
  }
}

TEST_CASE("medians by counting are those of sorted columns") {
  constexpr std::size_t kLanes = irtd::detail::kMedianLanes;
  for (const FilterKernels* table : irtd::detail::all_filter_kernels()) {
    CAPTURE(table->target);
    for (const std::size_t rows : {1U, 2U, 3U, 8U, 101U}) {
      for (const std::uint32_t top : {1U, 5U, 100000U}) {
        std::vector<std::int32_t> values;
        for (const std::uint32_t number : numbers(rows * kLanes, 2 * top, 13)) {
          values.push_back(static_cast<std::int32_t>(number) - static_cast<std::int32_t>(top));
        }
        const std::size_t k = (rows - 1) / 2;
        std::vector<std::int32_t> at(kLanes), after(kLanes);
        table->middle_pair(values.data(), rows, k, -static_cast<std::int32_t>(top),
                           static_cast<std::int32_t>(top), at.data(), after.data());
        for (std::size_t c = 0; c < kLanes; ++c) {
          std::vector<std::int32_t> column;
          for (std::size_t r = 0; r < rows; ++r) column.push_back(values[r * kLanes + c]);
          std::sort(column.begin(), column.end());
          CHECK(at[c] == column[k]);
          CHECK(after[c] == column[std::min(k + 1, rows - 1)]);
        }
      }
    }
  }
}

TEST_CASE("filters of any size do not depend on threads or strides") {
  for (const auto& [rows, cols] : {std::pair(1, 9), {9, 1}, {7, 5}, {33, 70}, {150, 41}}) {
    CAPTURE(rows);
    const auto n = static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols);
    std::vector<std::uint16_t> packed, apart;
    for (const std::uint32_t number : numbers(n, 5000, 21)) {
      packed.push_back(static_cast<std::uint16_t>(number));
    }
    const int stride = cols + 3;
    apart.resize(static_cast<std::size_t>(rows * stride));
    for (int y = 0; y < rows; ++y) {
      std::copy_n(packed.begin() + y * cols, cols, apart.begin() + y * stride);
    }
    const ImageView<const std::uint16_t> one(packed.data(), rows, cols);
    const ImageView<const std::uint16_t> other(apart.data(), rows, cols, 1, stride);
    const auto check = [&](const auto& filter) {
      std::vector<std::uint16_t> first(n), second(n);
      filter(one, ImageView<std::uint16_t>(first.data(), rows, cols), 1);
      filter(other, ImageView<std::uint16_t>(second.data(), rows, cols), 3);
      CHECK(first == second);
    };
    using In = ImageView<const std::uint16_t>;
    using To = ImageView<std::uint16_t>;
    check([](In in, To out, int threads) { irtd::clahe(in, {}, {4, 5, 9}, out, threads); });
    check([](In in, To out, int threads) {
      irtd::detail_enhance(in, {}, {100.5, 4000, 4}, out, threads);
    });
    check([](In in, To out, int threads) {
      const std::vector<double> offsets = irtd::column_offsets(in, {}, 3, threads);
      irtd::subtract_columns(in, offsets, out);
    });
    check([&](In in, To out, int threads) {
      std::vector<std::uint8_t> bad(n);
      const ImageView<std::uint8_t> map(bad.data(), rows, cols);
      irtd::find_bad_pixels(in, {}, {1, 0}, map, threads);
      irtd::replace_pixels(in, {}, map, out, threads);
    });
  }
}

TEST_CASE("filters take one pixel, and pictures smaller than the grid") {
  const std::uint16_t pixel = 700;
  const ImageView<const std::uint16_t> one(&pixel, 1, 1);
  std::uint16_t out = 0;
  irtd::clahe(one, {}, {}, ImageView<std::uint16_t>(&out, 1, 1));
  CHECK(out == 65535);  // the whole histogram lies at or below it
  irtd::detail_enhance(one, {}, {0, 1400}, ImageView<std::uint16_t>(&out, 1, 1));
  CHECK(out == 32768);  // the middle of the range, without detail
  CHECK(irtd::column_offsets(one, {}, 8) == std::vector<double>{0});
  std::uint8_t bad = 7;
  irtd::find_bad_pixels(one, {}, {}, ImageView<std::uint8_t>(&bad, 1, 1));
  CHECK(bad == 0);  // without neighbours nothing stands out
  bad = 1;
  const ImageView<const std::uint8_t> map(&bad, 1, 1);
  irtd::replace_pixels(one, {}, map, ImageView<std::uint16_t>(&out, 1, 1));
  CHECK(out == 700);
}

TEST_CASE("wrong requests of filters are refused") {
  using irtd::Errc;
  using irtd::testing::throws;
  std::vector<std::uint8_t> pixels(12);
  const ImageView<const std::uint8_t> view(pixels.data(), 2, 2);
  const ImageView<const std::uint8_t> colour(pixels.data(), 2, 2, 3);
  const ImageView<const std::uint8_t> nothing(pixels.data(), 0, 2);
  const ImageView<std::uint8_t> out(pixels.data(), 2, 2);
  const ImageView<std::uint8_t> wrong(pixels.data(), 2, 3);
  const auto refused = [](const auto& body) { return throws(Errc::invalid_argument, body); };
  CHECK(refused([&] { irtd::clahe(view, {}, {2, 0, 8}, out); }));
  CHECK(refused([&] { irtd::clahe(view, {}, {2, 8, 257}, out); }));
  CHECK(refused([&] { irtd::clahe(view, {}, {}, wrong); }));
  CHECK(refused([&] { irtd::clahe(colour, {}, {}, out); }));
  CHECK(refused([&] { irtd::clahe(nothing, {}, {}, out); }));
  CHECK(refused([&] { irtd::clahe(view, wrong, {}, out); }));
  CHECK(refused([&] { irtd::detail_enhance(view, {}, {0, 1, 0}, out); }));
  CHECK(refused([&] { irtd::detail_enhance(view, {}, {0, 1, 8, 0}, out); }));
  CHECK(refused([&] { irtd::detail_enhance(view, {}, {}, wrong); }));
  CHECK(refused([&] { irtd::column_offsets(view, {}, 0); }));
  CHECK(refused([&] { irtd::subtract_columns(view, std::vector<double>{1}, out); }));
  CHECK(refused([&] { irtd::find_bad_pixels(view, {}, {-1, 2}, out); }));
  CHECK(refused([&] { irtd::replace_pixels(view, {}, wrong, out); }));
  const float one[4] = {1, 1, 1, 1};
  const ImageView<const float> map(one, 2, 2);
  const ImageView<const float> short_map(one, 1, 2);
  CHECK(refused([&] { irtd::two_point(view, map, short_map, out); }));
}
