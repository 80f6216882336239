// A strided picture as runs of adjacent values, its invalid pixels left out or not.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "irtd/tone.hpp"

namespace irtd::detail {

/// True if the values of a row are adjacent and aligned, so that they can be used where they are.
template <typename T>
bool packed_rows(const StridedImage<T>& image) noexcept {
  constexpr auto kItem = static_cast<std::ptrdiff_t>(sizeof(T));
  const auto channels = static_cast<std::ptrdiff_t>(image.channels);
  const bool adjacent = (image.channels == 1 || image.channel_stride == kItem) &&
                        (image.cols <= 1 || image.col_stride == channels * kItem);
  const bool aligned = reinterpret_cast<std::uintptr_t>(image.data) % alignof(T) == 0 &&
                       (image.rows <= 1 || image.row_stride % kItem == 0);
  return adjacent && aligned;
}

/// Row `r` as adjacent values: in place where that is so, else gathered into `scratch`.
template <typename T>
const T* row_of(const StridedImage<T>& image, bool packed, std::size_t r, std::vector<T>& scratch) {
  const std::uint8_t* row = image.data + static_cast<std::ptrdiff_t>(r) * image.row_stride;
  if (packed) return reinterpret_cast<const T*>(row);
  scratch.resize(image.row_values());
  T* to = scratch.data();
  for (std::size_t c = 0; c < image.cols; ++c) {
    const std::uint8_t* from = row + static_cast<std::ptrdiff_t>(c) * image.col_stride;
    for (std::size_t k = 0; k < image.channels; ++k, ++to) {
      std::memcpy(to, from + static_cast<std::ptrdiff_t>(k) * image.channel_stride, sizeof(T));
    }
  }
  return scratch.data();
}

/// True if all rows are one run of adjacent values.
template <typename T>
bool one_run(const StridedImage<T>& image, bool packed) noexcept {
  return packed && (image.rows <= 1 || image.row_stride == static_cast<std::ptrdiff_t>(
                                                               image.row_values() * sizeof(T)));
}

/// Calls body(values, n) for runs of values, in order, those of invalid pixels left out.
template <typename T, typename Body>
void for_each_valid_run(const StridedImage<T>& image, const ValidMask& valid, const Body& body) {
  if (image.size() == 0) return;
  const bool packed = packed_rows(image);
  if (valid.data == nullptr && one_run(image, packed)) {
    body(reinterpret_cast<const T*>(image.data), image.size());
    return;
  }
  thread_local std::vector<T> gathered;
  thread_local std::vector<T> kept;
  thread_local std::vector<std::uint8_t> mask;
  const bool packed_mask = packed_rows(valid);
  for (std::size_t r = 0; r < image.rows; ++r) {
    const T* row = row_of(image, packed, r, gathered);
    std::size_t n = image.row_values();
    if (valid.data != nullptr) {
      const std::uint8_t* use = row_of(valid, packed_mask, r, mask);
      kept.resize(n);
      n = 0;
      for (std::size_t c = 0; c < image.cols; ++c) {
        for (std::size_t k = 0; k < image.channels; ++k) {
          kept[n] = row[c * image.channels + k];
          n += use[c] != 0 ? 1 : 0;
        }
      }
      row = kept.data();
    }
    if (n > 0) body(row, n);
  }
}

}  // namespace irtd::detail
