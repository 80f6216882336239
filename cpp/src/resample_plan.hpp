// What a matrix asks for: which source pixels make an output pixel, and with which weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "irtd/resample.hpp"

namespace irtd::detail {

/// One source axis: the edges between the output pixels along it lie at begin + i · step.
struct AxisMap {
  double begin = 0;
  double step = 1;  ///< negative where mirrored
  int out = 0;      ///< output pixels
  std::int64_t lo =
      0;  ///< first and last source pixel that may be read, perhaps beyond the picture
  std::int64_t hi = 0;
};

/// The inverse: source = (a x' + b y' + c, d x' + e y' + f).
struct Inverse {
  double a, b, c, d, e, f;
};

struct Geometry {
  Inverse inverse{};
  bool straight = false;    ///< axes stay axes: `cols` and `rows` say everything
  bool transposed = false;  ///< source columns run along output rows
  AxisMap cols;             ///< of the source
  AxisMap rows;
};

/// Analyses the matrix; throws Errc::invalid_argument for one that cannot be used.
Geometry make_geometry(const double matrix[6], int out_h, int out_w);

/// Weighted runs of source pixels, one for every output pixel of an axis.
struct Taps {
  std::size_t count = 0;            ///< of every run
  std::vector<std::int64_t> first;  ///< source pixel of its first tap, perhaps beyond the picture
  std::vector<float> weight;        ///< out × count
};

/// The pixel that holds the centre of every output pixel.
void plan_nearest(const AxisMap& axis, std::vector<std::int64_t>* index);

void plan_taps(const AxisMap& axis, Filter filter, Taps* taps);

/// The pixel of 0..size − 1 that stands at `index`, or −1 for the constant.
inline std::int64_t border_index(std::int64_t index, std::int64_t size, Border border) noexcept {
  if (index >= 0 && index < size) return index;
  if (border == Border::constant) return -1;
  if (border == Border::replicate || size == 1) return index < 0 ? 0 : size - 1;
  const std::int64_t skip = border == Border::reflect101 ? 1 : 0;
  const std::int64_t period = 2 * (size - skip);
  const std::int64_t place = (index % period + period) % period;
  return place < size ? place : 2 * size - 1 - skip - place;
}

}  // namespace irtd::detail
