#include "irtd/batch.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <string>
#include <utility>

#include "irtd/error.hpp"
#include "irtd/jpeg.hpp"
#include "irtd/jpeg_rows.hpp"
#include "irtd/parallel.hpp"
#include "resample_plan.hpp"

namespace irtd {
namespace {

std::size_t pixel_bytes(const Pixels& shape) {
  return static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(shape.width) *
         static_cast<std::size_t>(shape.channels) * static_cast<std::size_t>(shape.itemsize);
}

/// Refuses a shape whose views could reach beyond its bytes.
void check_pixels(const Pixels& shape) {
  constexpr int kMaxSide = 1 << 24;  // keeps every product of sides far from 2^64
  IRTD_REQUIRE(
      shape.height >= 1 && shape.height <= kMaxSide && shape.width >= 1 && shape.width <= kMaxSide,
      "pictures must have 1 to 2^24 rows and columns");
  IRTD_REQUIRE(shape.channels >= 1 && shape.channels <= 64, "pictures have 1 to 64 channels");
  IRTD_REQUIRE(shape.itemsize == 1 || shape.itemsize == 2, "pictures are uint8 or uint16");
}

class BucketSource final : public PixelSource {
 public:
  BucketSource(std::shared_ptr<const ShardReader> reader, Pixels shape)
      : reader_(std::move(reader)), shape_(shape) {
    check_pixels(shape_);
    IRTD_REQUIRE(pixel_bytes(shape_) == reader_->chunk_bytes(), "shape does not fit the array");
  }
  std::uint64_t rows() const override { return reader_->rows(); }
  Pixels shape(std::uint64_t) const override { return shape_; }
  Pixels fetch(std::uint64_t row, std::vector<std::uint8_t>& scratch, const Need&) const override {
    const std::size_t n = pixel_bytes(shape_);
    if (scratch.size() < n) scratch.resize(n);
    reader_->read(row, MutableBytes(scratch.data(), n));
    Pixels pixels = shape_;
    pixels.data = scratch.data();
    return pixels;
  }
  FileExtent extent(std::uint64_t row) const override { return reader_->file_extent(row); }

 private:
  std::shared_ptr<const ShardReader> reader_;
  Pixels shape_;
};

class PackedSource final : public PixelSource {
 public:
  PackedSource(std::shared_ptr<const PackedReader> reader, std::vector<Pixels> shapes, bool jpeg)
      : reader_(std::move(reader)), shapes_(std::move(shapes)), jpeg_(jpeg) {
    IRTD_REQUIRE(shapes_.size() == reader_->rows(), "one shape for each packed sample");
    for (const Pixels& shape : shapes_) {
      check_pixels(shape);
      IRTD_REQUIRE(!jpeg_ || shape.itemsize == 1, "JPEG pictures are uint8");
    }
  }
  std::uint64_t rows() const override { return shapes_.size(); }
  bool can_leave_out() const noexcept override { return jpeg_; }
  Pixels shape(std::uint64_t row) const override {
    IRTD_REQUIRE(row < shapes_.size(), "row " + std::to_string(row) + " is out of range");
    return shapes_[static_cast<std::size_t>(row)];
  }
  Pixels fetch(std::uint64_t row, std::vector<std::uint8_t>& scratch,
               const Need& need) const override {
    Pixels pixels = shape(row);
    const auto stored = static_cast<std::size_t>(reader_->length(row));
    if (jpeg_) {
      const int height = pixels.height;
      cut_to(need, &pixels);
      const std::size_t n = pixel_bytes(pixels);
      // Pixels first, the file behind them: one scratch buffer serves both.
      if (scratch.size() < n + stored) scratch.resize(n + stored);
      const MutableBytes file(scratch.data() + n, stored);
      reader_->read(row, file);
      decode(file, pixels, pixels.height == height, scratch.data(), row);
    } else {
      const std::size_t n = pixel_bytes(pixels);
      if (stored != n) throw Error(Errc::corrupt, "packed sample has a wrong length");
      if (scratch.size() < n) scratch.resize(n);
      reader_->read(row, MutableBytes(scratch.data(), n));
    }
    pixels.data = scratch.data();
    return pixels;
  }
  FileExtent extent(std::uint64_t row) const override { return reader_->file_extent(row); }

 private:
  /// The shape of what the need leaves of a picture, in shrunk pixels.
  static void cut_to(const Need& need, Pixels* pixels) {
    const int shrink = need.shrink;
    const int end = std::min(need.end_row, pixels->height);
    const auto up = [shrink](int n) { return (n + shrink - 1) / shrink; };
    pixels->shrink = shrink;
    pixels->first_row = need.first_row / shrink;
    pixels->height = up(end) - pixels->first_row;
    pixels->width = up(pixels->width);
  }

  void decode(Bytes file, const Pixels& pixels, bool whole, std::uint8_t* out,
              std::uint64_t row) const {
    const ImageView<std::uint8_t> image(out, pixels.height, pixels.width, pixels.channels);
    try {
      if (whole) {
        decode_jpeg(file, image);
      } else {
        decode_jpeg_rows(file, image, pixels.first_row, pixels.shrink);
      }
    } catch (Error& error) {
      // The shape is the store's own word, so a file of another one is damage, not a wrong request.
      if (error.code() == Errc::invalid_argument) error = Error(Errc::corrupt, error.what());
      throw error.at_path(reader_->file_path(row));
    }
  }

  std::shared_ptr<const PackedReader> reader_;
  std::vector<Pixels> shapes_;
  bool jpeg_;
};

Picture picture_of(const Pixels& pixels) {
  return packed_picture(
      pixels.data, static_cast<std::size_t>(pixels.height), static_cast<std::size_t>(pixels.width),
      static_cast<std::size_t>(pixels.channels), static_cast<std::size_t>(pixels.itemsize));
}

float top_of(PixelType type) {
  if (type == PixelType::u8) return 255.0F;
  return type == PixelType::u16 ? 65535.0F : 1.0F;
}

template <typename T>
void resample_toned(const Toned& toned, const double matrix[6], const BatchShape& shape,
                    bool stream, void* out) {
  const Picture& picture = toned.picture;
  // Buffers come from vectors and maps, aligned for any pixel type.
  const ImageView<const T> image(reinterpret_cast<const T*>(picture.data),
                                 static_cast<int>(picture.rows), static_cast<int>(picture.cols),
                                 static_cast<int>(picture.channels),
                                 picture.row_stride / static_cast<std::ptrdiff_t>(sizeof(T)));
  ResampleOptions options{};
  std::copy(matrix, matrix + 6, options.matrix);
  options.filter = shape.filter;
  options.border = shape.border;
  options.border_value = shape.border_value;
  const ToneLine& line = toned.line;
  if (!std::isnan(shape.border_fill) && line.scale != 0) {
    options.border_value = (shape.border_fill - line.offset) / line.scale + line.base;
  }
  set_affine(&options, toned.line.scale, toned.line.offset);
  options.base = toned.line.base;
  options.lo_clip = toned.line.lo;
  options.hi_clip = toned.line.hi;
  options.layout = shape.layout;
  options.stream = stream;
  resample(image, options, out, shape.type, shape.height, shape.width, shape.channels);
}

/// What of a picture a window touches: fewer rows, and fewer pixels of them where it is reduced
/// anyway. All of it where anything else may matter: beyond the border, or off the axes.
Need need_of(const BatchItem& item, const BatchShape& shape, const Pixels& whole) {
  Need need;
  const detail::Geometry geometry = detail::make_geometry(item.matrix, shape.height, shape.width);
  if (!geometry.straight) return need;
  const detail::AxisMap& rows = geometry.rows;
  const detail::AxisMap& cols = geometry.cols;
  if (rows.lo < 0 || cols.lo < 0 || rows.hi >= whole.height || cols.hi >= whole.width) return need;
  need.first_row = static_cast<int>(rows.lo);
  need.end_row = static_cast<int>(rows.hi) + 1;
  const bool averages = shape.filter == Filter::area || shape.filter == Filter::antialias;
  if (shape.shrink_jpeg && averages) {
    const double reduction = std::min(std::abs(rows.step), std::abs(cols.step));
    while (need.shrink < 8 && reduction >= 2 * need.shrink) need.shrink *= 2;
  }
  return need;
}

/// The matrix from pixels that were shrunk and begin further down.
void matrix_from(const Pixels& pixels, const double matrix[6], double out[6]) {
  const double shrink = pixels.shrink;
  const double down = pixels.first_row * shrink;
  for (int i = 0; i < 6; i += 3) {
    out[i] = matrix[i] * shrink;
    out[i + 1] = matrix[i + 1] * shrink;
    out[i + 2] = matrix[i + 1] * down + matrix[i + 2];
  }
}

/// Sums of all threads.
class StageTotals {
 public:
  void add(const StageNanoseconds& times) {
    for (std::size_t i = 0; i < kStages; ++i) totals_[i] += times[i];
  }
  StageNanoseconds get() const {
    StageNanoseconds times{};
    std::copy(totals_.begin(), totals_.end(), times.begin());
    return times;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kStages> totals_{};
};

void run_item(const std::vector<const PixelSource*>& sources, const BatchItem& item,
              const std::vector<RecipePtr>& recipes, const BatchShape& shape, bool stream,
              void* target) {
  thread_local std::vector<std::uint8_t> scratch;
  thread_local ToneScratch tone_scratch;
  IRTD_REQUIRE(item.source >= 0 && static_cast<std::size_t>(item.source) < sources.size(),
               "batch item names no source");
  IRTD_REQUIRE(item.recipe >= 0 && static_cast<std::size_t>(item.recipe) < recipes.size(),
               "batch item names no recipe");
  const PixelSource& source = *sources[static_cast<std::size_t>(item.source)];
  const NativeRecipe& recipe = *recipes[static_cast<std::size_t>(item.recipe)];
  const StageScope decoding(Stage::decode);
  const Need need = source.can_leave_out() && recipe.is_pointwise()
                        ? need_of(item, shape, source.shape(item.row))
                        : Need{};
  const Pixels pixels = source.fetch(item.row, scratch, need);
  const StageScope normalizing(Stage::normalize);
  const Toned toned = recipe.tone(picture_of(pixels), {}, top_of(shape.type), tone_scratch);
  const StageScope resampling(Stage::resample);
  double matrix[6];
  matrix_from(pixels, item.matrix, matrix);
  if (toned.picture.itemsize == 4) {
    resample_toned<float>(toned, matrix, shape, stream, target);
  } else if (toned.picture.itemsize == 2) {
    resample_toned<std::uint16_t>(toned, matrix, shape, stream, target);
  } else {
    resample_toned<std::uint8_t>(toned, matrix, shape, stream, target);
  }
}

/// Puts a picture of the tile's own shape into its place in the frame.
void place_tile(const std::uint8_t* from, const Tile& tile, const BatchShape& shape,
                std::uint8_t* frame) {
  const bool planes = shape.layout == Layout::chw;
  const std::size_t value = pixel_bytes(shape.type);
  const std::size_t pixel = planes ? value : value * static_cast<std::size_t>(shape.channels);
  const auto width = static_cast<std::size_t>(shape.width) * pixel;
  const auto part = static_cast<std::size_t>(tile.width) * pixel;
  for (int plane = 0; plane < (planes ? shape.channels : 1); ++plane) {
    const auto first = static_cast<std::size_t>(plane * shape.height + tile.top);
    std::uint8_t* to = frame + first * width + static_cast<std::size_t>(tile.left) * pixel;
    for (int y = 0; y < tile.height; ++y, from += part, to += width) std::copy_n(from, part, to);
  }
}

void run_tile(const std::vector<const PixelSource*>& sources, const BatchItem& item,
              const std::vector<RecipePtr>& recipes, const BatchShape& shape, std::uint8_t* frame) {
  thread_local std::vector<std::uint8_t> part;
  const Tile& tile = item.tile;
  IRTD_REQUIRE(tile.top >= 0 && tile.left >= 0 && tile.height > 0 && tile.width > 0 &&
                   tile.height <= shape.height - tile.top && tile.width <= shape.width - tile.left,
               "a tile lies within its frame");
  BatchShape own = shape;
  own.height = tile.height;
  own.width = tile.width;
  if (part.size() < own.sample_bytes()) part.resize(own.sample_bytes());
  run_item(sources, item, recipes, own, false, part.data());
  const StageScope placing(Stage::resample);
  place_tile(part.data(), tile, shape, frame);
}

/// True if the items' pictures, whose sources have been checked, are all gray.
bool are_gray(const std::vector<const PixelSource*>& sources, const BatchItem* first,
              const BatchItem* last) {
  return std::all_of(first, last, [&](const BatchItem& item) {
    return sources[static_cast<std::size_t>(item.source)]->shape(item.row).channels == 1;
  });
}

FrameShape frame_of(const BatchShape& shape) {
  return {shape.height, shape.width, shape.channels, shape.type, shape.layout};
}

}  // namespace

std::unique_ptr<PixelSource> make_bucket_source(std::shared_ptr<const ShardReader> reader,
                                                Pixels shape) {
  return std::make_unique<BucketSource>(std::move(reader), shape);
}

std::unique_ptr<PixelSource> make_packed_source(std::shared_ptr<const PackedReader> reader,
                                                std::vector<Pixels> shapes, bool jpeg) {
  return std::make_unique<PackedSource>(std::move(reader), std::move(shapes), jpeg);
}

std::size_t BatchShape::sample_bytes() const {
  return static_cast<std::size_t>(height) * static_cast<std::size_t>(width) *
         static_cast<std::size_t>(channels) * pixel_bytes(type);
}

StageNanoseconds run_batch(const std::vector<const PixelSource*>& sources,
                           const std::vector<BatchItem>& items,
                           const std::vector<RecipePtr>& recipes, const BatchShape& shape,
                           MutableBytes out, int threads, const BatchFrames& frames) {
  IRTD_REQUIRE(shape.height > 0 && shape.width > 0, "batch pictures must have pixels");
  IRTD_REQUIRE(shape.channels == 1 || shape.channels == 3, "channels must be 1 or 3");
  IRTD_REQUIRE(shape.type != PixelType::i32, "batches of pictures are not int32");
  const std::vector<std::uint64_t>& ends = frames.offsets;
  IRTD_REQUIRE(ends.empty() || (ends.front() == 0 && ends.back() == items.size() &&
                                std::is_sorted(ends.begin(), ends.end())),
               "offsets of frames rise from 0 to the number of items");
  const std::size_t count = ends.empty() ? items.size() : ends.size() - 1;
  const std::size_t stride = shape.sample_bytes();
  IRTD_REQUIRE(out.size() == count * stride, "out must hold exactly the batch");
  const bool effects = !frames.effects.photometric.empty() || !frames.effects.hole_offsets.empty();
  if (effects) require_effects(frames.effects, frame_of(shape), count);
  const bool stream = out.size() >= kStreamedBytes;
  StageTotals totals;
  parallel_for(count, threads, [&](std::size_t i, int) {
    const bool active = effects && frames.effects.active(i);
    std::uint8_t* frame = out.data() + i * stride;
    const std::size_t first = ends.empty() ? i : static_cast<std::size_t>(ends[i]);
    const std::size_t last = ends.empty() ? i + 1 : static_cast<std::size_t>(ends[i + 1]);
    take_stage_times();  // what this thread did before is not this batch's
    std::size_t at = first;
    try {
      for (; at < last; ++at) {
        const BatchItem& item = items[at];
        if (item.tile.height == 0) {
          run_item(sources, item, recipes, shape, stream && !active, frame);
        } else {
          run_tile(sources, item, recipes, shape, frame);
        }
      }
      if (active) {
        const StageScope changing(Stage::effects);
        const bool gray = are_gray(sources, items.data() + first, items.data() + last);
        apply_effects(frames.effects, i, frame_of(shape), gray, frame);
      }
    } catch (Error& error) {  // the caller knows samples by their place among the items
      error.at_row(static_cast<std::int64_t>(at));
      throw;
    }
    totals.add(take_stage_times());
  });
  return totals.get();
}

StageNanoseconds run_batch(const std::vector<const PixelSource*>& sources,
                           const std::vector<BatchItem>& items, const Normalize& normalize,
                           const BatchShape& shape, MutableBytes out, int threads) {
  return run_batch(sources, items, {make_stretch(normalize, Meaning::numbers)}, shape, out,
                   threads);
}

std::uint64_t read_ahead(const std::vector<const PixelSource*>& sources,
                         const std::vector<BatchItem>& items) {
  std::vector<FileExtent> extents;
  extents.reserve(items.size());
  for (const BatchItem& item : items) {
    if (item.source < 0 || static_cast<std::size_t>(item.source) >= sources.size()) continue;
    try {
      extents.push_back(sources[static_cast<std::size_t>(item.source)]->extent(item.row));
    } catch (const Error&) {  // the batch will say so
    }
  }
  return read_ahead(std::move(extents));
}

}  // namespace irtd
