// Training batches: read, check, decode, crop, resize, flip, normalise, lay out, in one pass each.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "irtd/error.hpp"
#include "irtd/packed.hpp"
#include "irtd/photometric.hpp"
#include "irtd/read_ahead.hpp"
#include "irtd/recipe.hpp"
#include "irtd/resample.hpp"
#include "irtd/shard_reader.hpp"
#include "irtd/stage_clock.hpp"
#include "irtd/view.hpp"

namespace irtd {

/// Pixels of one sample in native size.
struct Pixels {
  const std::uint8_t* data = nullptr;
  int height = 0;
  int width = 0;
  int channels = 1;
  int itemsize = 1;   ///< 1 uint8, 2 uint16
  int first_row = 0;  ///< of the shrunk picture; only where less than all was asked for
  int shrink = 1;     ///< how many times smaller than the picture these pixels are
};

/// How much of a picture is needed; a source may always give more.
struct Need {
  int first_row = 0;  ///< of the whole picture
  int end_row = std::numeric_limits<int>::max();
  int shrink = 1;  ///< 1, 2, 4 or 8 times smaller will do
};

/// Somewhere samples can be fetched from in native size.
class PixelSource {
 public:
  virtual ~PixelSource() = default;
  virtual std::uint64_t rows() const = 0;
  /// Shape of a row without reading it (data is null).
  virtual Pixels shape(std::uint64_t row) const = 0;
  /// Whether less work is done where less is needed.
  virtual bool can_leave_out() const noexcept { return false; }
  /// Reads and decodes a row into `scratch`; the view stays valid as long as scratch does.
  virtual Pixels fetch(std::uint64_t row, std::vector<std::uint8_t>& scratch,
                       const Need& need = {}) const = 0;
  /// Where its stored bytes are, for reading ahead.
  virtual FileExtent extent(std::uint64_t row) const = 0;
};

/// A bucket: every row has one shape.
std::unique_ptr<PixelSource> make_bucket_source(std::shared_ptr<const ShardReader> reader,
                                                Pixels shape);
/// Packed raw pixels or packed JPEG files: every row has its own shape.
std::unique_ptr<PixelSource> make_packed_source(std::shared_ptr<const PackedReader> reader,
                                                std::vector<Pixels> shapes, bool jpeg);

/// Batches of this size and more are written around the caches, which do not hold them.
inline constexpr std::size_t kStreamedBytes = std::size_t{16} << 20;

/// The part of a frame that a sample fills; without rows, all of it.
struct Tile {
  int top = 0;
  int left = 0;
  int height = 0;
  int width = 0;
};

/// One sample's place in a batch.
struct BatchItem {
  int source = 0;
  std::uint64_t row = 0;
  double matrix[6] = {1, 0, 0, 0, 1, 0};  ///< native to batch pixels, as in ResampleOptions
  int recipe = 0;                         ///< number of the sample's recipe
  Tile tile;                              ///< the matrix leads to its pixels, not to the frame's
};

struct BatchShape {
  int height = 0;
  int width = 0;
  int channels = 1;
  PixelType type = PixelType::f32;
  Layout layout = Layout::chw;
  Filter filter = Filter::bilinear;
  Border border = Border::replicate;
  /// JPEG pictures may be decoded 2, 4 or 8 times smaller where a filter that averages (area,
  /// antialias) reduces them by more than that: much faster, and a few levels off.
  bool shrink_jpeg = false;
  float border_value = 0;  ///< before the recipe's line: counts, or what a table made of them
  /// What Border::constant puts there in place of border_value, as an output value; NaN: nothing.
  /// (A picture without contrast is of one value, and so is its border.)
  float border_fill = std::numeric_limits<float>::quiet_NaN();
  std::size_t sample_bytes() const;
};

/// How samples make up frames, and what is done to finished frames.
struct BatchFrames {
  /// Items of frame i are [offsets[i], offsets[i + 1]), their tiles cover it; none at all: each
  /// item is a frame.
  std::vector<std::uint64_t> offsets;
  FrameEffects effects;
};

/// Fills `out` (items.size() samples, or as many frames as `frames` tells of) over `threads`
/// threads; gives the nanoseconds of each stage, summed over threads.
///
/// The first failure is rethrown with the sample's position among the items as its row and the
/// array's own text in the message. Random numbers of effects do not depend on threads or on the
/// frame's place in the batch.
StageNanoseconds run_batch(const std::vector<const PixelSource*>& sources,
                           const std::vector<BatchItem>& items,
                           const std::vector<RecipePtr>& recipes, const BatchShape& shape,
                           MutableBytes out, int threads, const BatchFrames& frames = {});
/// The same with one stretch for all samples, its outputs as they are.
StageNanoseconds run_batch(const std::vector<const PixelSource*>& sources,
                           const std::vector<BatchItem>& items, const Normalize& normalize,
                           const BatchShape& shape, MutableBytes out, int threads);

/// Starts reading what of these samples is not in the page cache; gives the bytes asked for. A
/// sample that cannot be found is left to the batch, which says what is wrong.
std::uint64_t read_ahead(const std::vector<const PixelSource*>& sources,
                         const std::vector<BatchItem>& items);

/// Adds the histograms of samples to those of their groups, over `threads` threads.
///
/// `counts` holds groups × 65536 counters; uint8 pictures use the first 256 of a group's. Items
/// need only source and row; `groups` has one number for each. Failures as in run_batch.
void count_samples(const std::vector<const PixelSource*>& sources,
                   const std::vector<BatchItem>& items, const std::vector<int>& groups,
                   Span<std::uint64_t> counts, int threads);

}  // namespace irtd
