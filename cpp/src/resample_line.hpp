// A line of positions in 32.32 fixed point, and which of them fall between two pixels.
#pragma once

#include <cstddef>
#include <cstdint>

namespace irtd::detail {

/// Positions of one output row.
struct Line {
  std::int64_t x, y, dx, dy;

  std::int64_t x_at(std::size_t j) const { return x + static_cast<std::int64_t>(j) * dx; }
  std::int64_t y_at(std::size_t j) const { return y + static_cast<std::int64_t>(j) * dy; }
};

struct Range {
  std::int64_t begin, end;
};

inline std::int64_t floor_div(std::int64_t a, std::int64_t b) {  // b > 0
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/// The j for which lo ≤ (at + j · delta) >> 32 ≤ hi.
inline Range inside(std::int64_t at, std::int64_t delta, std::int64_t lo, std::int64_t hi) {
  if (lo > hi) return {0, 0};
  const std::int64_t low = lo * (std::int64_t{1} << 32) - at;
  const std::int64_t high = (hi + 1) * (std::int64_t{1} << 32) - 1 - at;
  constexpr std::int64_t kAll = std::int64_t{1} << 40;
  if (delta == 0) return low <= 0 && high >= 0 ? Range{-kAll, kAll} : Range{0, 0};
  if (delta > 0) return {-floor_div(-low, delta), floor_div(high, delta) + 1};
  return {-floor_div(high, -delta), floor_div(-low, -delta) + 1};
}

}  // namespace irtd::detail
