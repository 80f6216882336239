// Pixels that only move: crops, mirrors and quarter turns at scale one, and the nearest filter.
#include "resample_copy.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "resample_paths.hpp"

namespace irtd::detail {
namespace {

/// Source offsets of every output index of an axis, −1 beyond the picture.
void plan_places(const AxisMap& axis, std::int64_t size, std::ptrdiff_t stride, Border border,
                 std::vector<std::ptrdiff_t>* places) {
  thread_local std::vector<std::int64_t> nearest;
  plan_nearest(axis, &nearest);
  places->resize(nearest.size());
  for (std::size_t i = 0; i < nearest.size(); ++i) {
    const std::int64_t index = border_index(nearest[i], size, border);
    (*places)[i] = index < 0 ? kBeyond : static_cast<std::ptrdiff_t>(index) * stride;
  }
}

/// Whether the places follow each other, so that a row is one run.
bool is_run(const std::vector<std::ptrdiff_t>& places, std::ptrdiff_t step) {
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i] == kBeyond) return false;
    if (i > 0 && places[i] - places[i - 1] != step) return false;
  }
  return true;
}

template <typename T>
void pick_row(const T* row, const std::vector<std::ptrdiff_t>& places, std::size_t channels,
              T beyond, T* out) {
  const std::size_t n = places.size();
  if (channels == 3) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t c = 0; c < 3; ++c) {
        out[3 * i + c] =
            places[i] == kBeyond ? beyond : row[places[i] + static_cast<std::ptrdiff_t>(c)];
      }
    }
    return;
  }
  for (std::size_t i = 0; i < n; ++i) out[i] = places[i] == kBeyond ? beyond : row[places[i]];
}

/// No place lies beyond: nothing to ask for each pixel.
template <typename T>
void pick_inside(const T* row, const std::vector<std::ptrdiff_t>& places, T* out) {
  const std::size_t n = places.size();
  const std::ptrdiff_t* at = places.data();
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const T a = row[at[i]];
    const T b = row[at[i + 1]];
    const T c = row[at[i + 2]];
    const T d = row[at[i + 3]];
    out[i] = a;
    out[i + 1] = b;
    out[i + 2] = c;
    out[i + 3] = d;
  }
  for (; i < n; ++i) out[i] = row[at[i]];
}

/// Rows and columns of the output to places of the source.
struct Places {
  std::vector<std::ptrdiff_t> rows;
  std::vector<std::ptrdiff_t> cols;
};

template <typename T>
void copy_rows(const Request<T>& request, const Places& places) {
  const auto channels = static_cast<std::size_t>(request.src.channels());
  const auto step = static_cast<std::ptrdiff_t>(channels);
  const std::size_t n = places.cols.size() * channels;
  const T beyond = border_pixel<T>(request.options);
  const bool run = is_run(places.cols, step);
  const bool inside = channels == 1 && std::find(places.cols.begin(), places.cols.end(), kBeyond) ==
                                           places.cols.end();
  T* out = static_cast<T*>(request.dst);
  for (std::size_t r = 0; r < places.rows.size(); ++r, out += n) {
    if (places.rows[r] == kBeyond) {
      std::fill_n(out, n, beyond);
      continue;
    }
    const T* row = request.src.data() + places.rows[r];
    if (r > 0 && places.rows[r] == places.rows[r - 1]) {
      std::memcpy(out, out - n, n * sizeof(T));
    } else if (run) {
      std::memcpy(out, row + places.cols[0], n * sizeof(T));
    } else if (inside) {
      pick_inside(row, places.cols, out);
    } else {
      pick_row(row, places.cols, channels, beyond, out);
    }
  }
}

/// Gray rows at scale one that only need affine and cast.
template <typename T>
bool convert_rows(const Request<T>& request, const Places& places, bool mirrored) {
  const std::ptrdiff_t step = mirrored ? -1 : 1;
  const bool inside =
      std::find(places.rows.begin(), places.rows.end(), kBeyond) == places.rows.end();
  if (request.src.channels() != 1 || !inside || !is_run(places.cols, step)) return false;
  thread_local std::vector<float> scratch;
  thread_local std::vector<float> turned;
  const std::size_t n = places.cols.size();
  float* line = at_least(scratch, n);
  float* back = at_least(turned, n);
  const std::ptrdiff_t left = mirrored ? places.cols[n - 1] : places.cols[0];
  RowWriter writer(request);
  const auto mix = mix_of(resample_kernels(), request.src.data());
  const float one = 1.0F;
  for (std::size_t r = 0; r < places.rows.size(); ++r) {
    const T* row = request.src.data() + places.rows[r] + left;
    if (request.options.tone != nullptr) {
      for (std::size_t i = 0; i < n; ++i) line[i] = toned(request.options.tone, row[i]);
    } else {
      mix(&row, &one, 1, 0.0F, n, line);
    }
    if (mirrored) std::reverse_copy(line, line + n, back);
    const float* done = mirrored ? back : line;
    writer.write(static_cast<int>(r), 0, n, {done, done, done});
  }
  return true;
}

}  // namespace

template <typename T>
bool copy_pixels(const Request<T>& request, const Geometry& geometry) {
  const bool nearest = request.options.filter == Filter::nearest;
  const auto whole = [](const AxisMap& axis) {
    return std::abs(axis.step) == 1 && axis.begin == std::nearbyint(axis.begin);
  };
  if (!nearest && !(whole(geometry.cols) && whole(geometry.rows))) return false;
  thread_local Places places;
  const ImageView<const T>& src = request.src;
  const AxisMap& rows = geometry.transposed ? geometry.cols : geometry.rows;
  const AxisMap& cols = geometry.transposed ? geometry.rows : geometry.cols;
  const std::ptrdiff_t pixel = src.channels();
  plan_places(rows, geometry.transposed ? src.cols() : src.rows(),
              geometry.transposed ? pixel : src.stride(), request.options.border, &places.rows);
  plan_places(cols, geometry.transposed ? src.rows() : src.cols(),
              geometry.transposed ? src.stride() : pixel, request.options.border, &places.cols);
  if (keeps_values(request)) {
    copy_rows(request, places);
    return true;
  }
  if constexpr (!std::is_same_v<T, std::int32_t>) {
    if (!geometry.transposed && request.type != PixelType::i32) {
      return convert_rows(request, places, geometry.cols.step < 0);
    }
  }
  return false;
}

template bool copy_pixels(const Request<std::uint8_t>&, const Geometry&);
template bool copy_pixels(const Request<std::uint16_t>&, const Geometry&);
template bool copy_pixels(const Request<float>&, const Geometry&);
template bool copy_pixels(const Request<std::int32_t>&, const Geometry&);

}  // namespace irtd::detail
