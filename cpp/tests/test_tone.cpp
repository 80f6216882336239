#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "half.hpp"
#include "irtd/error.hpp"
#include "irtd/recipe.hpp"
#include "irtd/statistics.hpp"
#include "kernels_radiometry.hpp"

namespace {

using irtd::StridedImage;
using irtd::ToneLine;
using irtd::ToneType;
using irtd::detail::RadiometryKernels;

constexpr ToneType kTypes[] = {ToneType::u8, ToneType::u16, ToneType::f16, ToneType::bf16,
                               ToneType::f32};

template <typename T>
std::vector<T> noise(std::size_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<T> values(n);
  for (T& value : values) {
    if constexpr (std::is_same_v<T, float>) {
      value = static_cast<float>(generator() % 100000) / 37.0F - 200.0F;
    } else {
      value = static_cast<T>(generator());
    }
  }
  return values;
}

/// The output's value as a number, and the distance of its neighbours there.
double number_at(const std::uint8_t* out, std::size_t i, ToneType type) {
  if (type == ToneType::u8) return out[i];
  if (type == ToneType::f32) {
    float value = 0;
    std::memcpy(&value, out + 4 * i, 4);
    return static_cast<double>(value);
  }
  std::uint16_t bits = 0;
  std::memcpy(&bits, out + 2 * i, 2);
  return bits;  // bits of non-negative floats are in their order: neighbours differ by one
}

template <typename T>
void check_lines(const RadiometryKernels& table, const RadiometryKernels::Line* lines,
                 const RadiometryKernels::Line* expected, const std::vector<T>& values) {
  CAPTURE(table.target);
  for (const ToneType type : kTypes) {
    const float top = irtd::top_of(type);
    const ToneLine line =
        irtd::detail::settled_line({12.5F, top / 1800.0F, top * 0.03F, 0.0F, top, top / 2}, type);
    const auto slot = static_cast<std::size_t>(type);
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{16},
                                std::size_t{31}, values.size()}) {
      std::vector<std::uint8_t> got(4 * n + 4, 0xEE);
      std::vector<std::uint8_t> wanted(4 * n + 4, 0xEE);
      lines[slot](values.data(), n, line, got.data());
      expected[slot](values.data(), n, line, wanted.data());
      // Targets without a fused multiply-add round once more.
      const double unit = type == ToneType::f32 ? 3e-7 : 1.0;
      for (std::size_t i = 0; i < n; ++i) {
        REQUIRE(std::abs(number_at(got.data(), i, type) - number_at(wanted.data(), i, type)) <=
                unit);
      }
      const std::size_t end = n * irtd::tone_bytes(type);
      REQUIRE(std::all_of(got.begin() + static_cast<std::ptrdiff_t>(end), got.end(),
                          [](std::uint8_t byte) { return byte == 0xEE; }));
    }
  }
}

}  // namespace

TEST_CASE("lines of every instruction set are those of the reference") {
  const RadiometryKernels& scalar = irtd::detail::scalar_radiometry_kernels();
  auto floats = noise<float>(1003, 3);
  floats[5] = std::numeric_limits<float>::quiet_NaN();
  floats[900] = std::numeric_limits<float>::infinity();
  floats[1002] = -std::numeric_limits<float>::infinity();
  for (const RadiometryKernels* table : irtd::detail::all_radiometry_kernels()) {
    check_lines(*table, table->line_u8, scalar.line_u8, noise<std::uint8_t>(1003, 1));
    check_lines(*table, table->line_u16, scalar.line_u16, noise<std::uint16_t>(1003, 2));
    check_lines(*table, table->line_f32, scalar.line_f32, floats);
  }
}

TEST_CASE("both 16-bit floats are rounded alike on every instruction set") {
  std::vector<float> values{0.0F,     -0.0F,         1.0F,        -1.5F,         65504.0F,
                            65519.9F, 65520.0F,      1e30F,       -1e30F,        6.1035156e-5F,
                            6.0e-5F,  5.9604645e-8F, 2.98e-8F,    2.9802322e-8F, 1e-20F,
                            2049.0F,  2051.0F,       1.00390625F, 1.01171875F};
  std::mt19937 generator(9);
  for (int i = 0; i < 20000; ++i) {
    const auto bits = static_cast<std::uint32_t>(generator());
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (std::isfinite(value) && std::abs(value) < 1e38F) values.push_back(value);
  }
  const ToneLine same{0.0F, 1.0F, 0.0F, -3e38F, 3e38F, 0.0F};
  for (const RadiometryKernels* table : irtd::detail::all_radiometry_kernels()) {
    CAPTURE(table->target);
    std::vector<std::uint16_t> half(values.size());
    std::vector<std::uint16_t> brain(values.size());
    table->line_f32[static_cast<std::size_t>(ToneType::f16)](values.data(), values.size(), same,
                                                             half.data());
    table->line_f32[static_cast<std::size_t>(ToneType::bf16)](values.data(), values.size(), same,
                                                              brain.data());
    for (std::size_t i = 0; i < values.size(); ++i) {
      CAPTURE(values[i]);
      REQUIRE(half[i] == irtd::detail::to_f16(values[i] + 0.0F));
      REQUIRE(brain[i] == irtd::detail::to_bf16(values[i] + 0.0F));
    }
  }
}

TEST_CASE("bytes of every count are those of the reference, wherever the line clips") {
  std::vector<std::uint16_t> counts(65536 + 3);
  for (std::size_t v = 0; v < counts.size(); ++v) counts[v] = static_cast<std::uint16_t>(v);
  const auto slot = static_cast<std::size_t>(ToneType::u8);
  const auto expected = irtd::detail::scalar_radiometry_kernels().line_u16[slot];
  const ToneLine lines[] = {
      {7457.36F, 1.05F, 0, 0, 255, 0},       // a stretch
      {0, 255.0F / 65535.0F, 0, 0, 255, 0},  // of everything
      {30000.5F, 400.0F, 3, 0, 255, 0},      // less than a count from black to white
      {30000, 3.0e38F, 0, 0, 255, 0},        // a step
      {70000, 0.5F, 0, 0, 255, 0},           // black
      {-9e6F, 0.5F, 0, 0, 255, 0},           // white
      {1e6F, 0.25F, 250000, 0, 255, 0},      // offset and base that cancel
      {9000, 0, 77, 0, 255, 0},              // flat
      {9000, -0.5F, 255, 0, 255, 0},         // falling
      {9000, 0.5F, 20, 20, 200, 0},          // other bounds
  };
  for (const RadiometryKernels* table : irtd::detail::all_radiometry_kernels()) {
    CAPTURE(table->target);
    for (const ToneLine& line : lines) {
      CAPTURE(line.scale);
      std::vector<std::uint8_t> got(counts.size());
      std::vector<std::uint8_t> wanted(counts.size());
      table->line_u16[slot](counts.data(), counts.size(), line, got.data());
      expected(counts.data(), counts.size(), line, wanted.data());
      std::size_t apart = 0;
      for (std::size_t i = 0; i < counts.size(); ++i) {
        REQUIRE(std::abs(int{got[i]} - int{wanted[i]}) <= 1);
        apart += got[i] != wanted[i] ? 1 : 0;
      }
      // Targets without a fused multiply-add may round a tie otherwise.
      CHECK(apart <= 64);
    }
  }
  irtd::detail::CountReach reach;
  CHECK(irtd::detail::count_reach(lines[0], &reach));
  CHECK(reach.lo == 7455);
  CHECK(reach.hi == 7703);
  for (const std::size_t k : {std::size_t{3}, std::size_t{7}, std::size_t{8}, std::size_t{9}}) {
    CHECK_FALSE(irtd::detail::count_reach(lines[k], &reach));
  }
}

TEST_CASE("results stored past the caches are the same, from every place to every place") {
  const auto words = noise<std::uint16_t>(300, 5);
  const auto bytes = noise<std::uint8_t>(300, 6);
  const ToneLine line{12.5F, 1.0F / 1800.0F, 0.03F, 0.0F, 1.0F, 0.0F};
  const auto slot = static_cast<std::size_t>(ToneType::f32);
  for (const RadiometryKernels* table : irtd::detail::all_radiometry_kernels()) {
    CAPTURE(table->target);
    for (std::size_t from = 0; from < 18; ++from) {
      for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{15}, std::size_t{16},
                                  std::size_t{33}, std::size_t{257}}) {
        std::vector<float> got(320, -7.0F);
        std::vector<float> wanted(320, -7.0F);
        table->stream_u16(words.data() + from, n, line, got.data() + from);
        table->line_u16[slot](words.data() + from, n, line, wanted.data() + from);
        REQUIRE(got == wanted);
        table->stream_u8(bytes.data() + from, n, line, got.data() + from);
        table->line_u8[slot](bytes.data() + from, n, line, wanted.data() + from);
        REQUIRE(got == wanted);
      }
    }
  }
}

TEST_CASE("sums of every instruction set are exact") {
  for (const RadiometryKernels* table : irtd::detail::all_radiometry_kernels()) {
    CAPTURE(table->target);
    for (const std::size_t n : {std::size_t{0}, std::size_t{5}, std::size_t{700000}}) {
      std::vector<std::uint16_t> largest(n, 65535);
      irtd::detail::RunSums sums;
      table->sums_u16(largest.data(), n, &sums);
      CHECK(sums.sum == n * 65535ULL);
      CHECK(sums.squares == n * 65535ULL * 65535ULL);
      std::vector<std::uint8_t> bytes(n, 255);
      irtd::detail::RunSums small;
      table->sums_u8(bytes.data(), n, &small);
      CHECK(small.sum == n * 255ULL);
      CHECK(small.squares == n * 255ULL * 255ULL);
    }
  }
}

TEST_CASE("a chain hands its pictures on") {
  const std::vector<std::uint16_t> pixels{10, 20, 30, 40};
  const irtd::Picture picture = irtd::packed_picture(pixels.data(), 2, 2, 1, 2);
  std::vector<float> kelvin(65536);
  for (std::size_t v = 0; v < kelvin.size(); ++v) kelvin[v] = 250.0F + static_cast<float>(v);
  const irtd::RecipePtr warm = irtd::make_table({}, kelvin, irtd::Meaning::temperatures);
  const irtd::RecipePtr window =
      irtd::make_stretch({irtd::NormalizeMode::fixed, 260, 290, 0, 1, 0, 1}, irtd::Meaning::shares);
  const irtd::RecipePtr chain = irtd::make_chain({warm, window});
  std::vector<float> out(4);
  irtd::ToneScratch scratch;
  chain->render(picture, {}, ToneType::f32, out.data(), scratch);
  CHECK(out[0] == doctest::Approx(0));
  CHECK(out[1] == doctest::Approx(1.0 / 3));
  CHECK(out[3] == doctest::Approx(1));
  CHECK(chain->gives_temperatures());
  const std::vector<std::uint8_t> bytes(4);
  const irtd::Picture wrong = irtd::packed_picture(bytes.data(), 2, 2, 1, 1);
  CHECK_THROWS_AS(chain->render(wrong, {}, ToneType::f32, out.data(), scratch), irtd::Error);
  CHECK_THROWS_AS(irtd::make_chain({}), irtd::Error);
  CHECK_THROWS_AS(irtd::make_byte_levels(warm, window), irtd::Error);
  CHECK_THROWS_AS(irtd::make_byte_levels(window, nullptr), irtd::Error);
}
