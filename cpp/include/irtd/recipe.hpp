// Native recipes: what becomes of a sample's counts on their way into a batch.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "irtd/tone.hpp"
#include "irtd/view.hpp"

namespace irtd {

/// Pixels of any type anywhere in memory; itemsize 1 is uint8, 2 uint16, 4 float32.
struct Picture {
  const std::uint8_t* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t channels = 1;
  std::ptrdiff_t row_stride = 0;
  std::ptrdiff_t col_stride = 1;
  std::ptrdiff_t channel_stride = 1;
  std::size_t itemsize = 1;

  std::size_t size() const noexcept { return rows * cols * channels; }
  template <typename T>
  StridedImage<T> as() const noexcept {
    return {data, rows, cols, channels, row_stride, col_stride, channel_stride};
  }
};

/// A picture of adjacent pixels.
Picture packed_picture(const void* data, std::size_t rows, std::size_t cols, std::size_t channels,
                       std::size_t itemsize) noexcept;

/// Calls body(StridedImage<T>) for the picture's type.
template <typename Body>
auto with_type(const Picture& picture, const Body& body) {
  if (picture.itemsize == 1) return body(picture.as<std::uint8_t>());
  if (picture.itemsize == 2) return body(picture.as<std::uint16_t>());
  return body(picture.as<float>());
}

/// Memory of one thread for the pictures that recipes make; two of them, for chains.
class ToneScratch {
 public:
  /// At least `bytes` bytes that are not those of `in`.
  void* beside(const Picture& in, std::size_t bytes);
  std::vector<float> table;         ///< one entry per count
  std::vector<std::uint32_t> cast;  ///< the same in an output type
  std::vector<std::uint64_t> histogram;
  Stores stores = Stores::cached;  ///< of final results

 private:
  std::vector<std::uint8_t> buffers_[2];
};

/// A picture short of one line, which whoever writes the pixels applies.
struct Toned {
  Picture picture;
  ToneLine line;
};

/// Top of the output's range: 1 for floats, 255 and 65535 for integers.
float top_of(ToneType type) noexcept;

/// A recipe. Immutable, so that threads share it.
class NativeRecipe {
 public:
  virtual ~NativeRecipe() = default;

  /// The picture as adjacent rows (replaced, or the one given) and the line to the output.
  ///
  /// `top` is the top of the output's range. Pixels that `valid` leaves out are in no statistics;
  /// a replaced picture may hold anything there. The result points into `in` or `scratch`.
  virtual Toned tone(const Picture& in, const ValidMask& valid, float top,
                     ToneScratch& scratch) const = 0;

  /// Writes the whole result, contiguous; invalid pixels become the line's fill.
  virtual void render(const Picture& in, const ValidMask& valid, ToneType type, void* out,
                      ToneScratch& scratch) const;

  /// True if the result is float32 for a following recipe of a chain (temperatures), else it is of
  /// the picture's own type.
  virtual bool gives_temperatures() const noexcept { return false; }

  /// True if an output pixel depends on its own count alone, so that the recipe may be given any
  /// part of a picture.
  virtual bool is_pointwise() const noexcept { return false; }
};

using RecipePtr = std::shared_ptr<const NativeRecipe>;

/// Where the two counts of a stretch come from.
enum class NormalizeMode { fixed, min_max, percentile, sigma };

/// A stretch of the counts low..high to out_low..out_high.
struct Normalize {
  NormalizeMode mode = NormalizeMode::fixed;
  double low = 0;   ///< percentile, or the count that maps to `out_low`; sigma: how many below
  double high = 1;  ///< percentile, or the count that maps to `out_high`; sigma: how many above
  float out_low = 0;
  float out_high = 1;
  float clip_low = 0;   ///< results below become this
  float clip_high = 1;  ///< results above become this
};

/// The line that a stretch means for one picture.
ToneLine line_for(const Picture& in, const ValidMask& valid, const Normalize& normalize);

/// What the outputs of a recipe are.
enum class Meaning {
  shares,        ///< of the output's range: 0 is its bottom, 1 its top
  numbers,       ///< as they are
  temperatures,  ///< as they are; an invalid pixel is NaN, and a chain goes on in float32
};

RecipePtr make_stretch(const Normalize& normalize, Meaning meaning);

/// A fixed value for every count: 256 entries for uint8 pictures, 65536 for uint16 ones (either
/// may be empty: such pictures are then refused).
RecipePtr make_table(std::vector<float> of_u8, std::vector<float> of_u16, Meaning meaning);

/// Parameters of plateau equalisation, see irtd_fast.radiometry.PlateauEqualization.
struct Plateau {
  double plateau = 150;   ///< pixels that one count may weigh at most
  double max_gain = 8;    ///< levels of 255 a count at most; 0: any
  double linear = 0;      ///< share of the output given to a straight line, 0..1
  double tail = 0;        ///< share of the pixels left out at each end, below 0.5
  double midpoint = 0.5;  ///< where the middle of the levels used goes
  int extension = -1;     ///< empty counts after each with pixels that the line covers; -1: all
};

/// The shares 0..1 of the output for as many adjacent counts as `counts` tells of; all 0 if only
/// one of them occurs.
void plateau_table(Span<const std::uint64_t> counts, const Plateau& plateau, Span<float> table);

RecipePtr make_plateau(const Plateau& plateau);

/// Brings the distribution of counts to that of a reference: its quantiles at equally spaced
/// ranks 0..1, not falling, as shares 0..1 of the output.
RecipePtr make_match(std::vector<double> quantiles);

/// Recipes one after another.
RecipePtr make_chain(const std::vector<RecipePtr>& steps);

/// `then` of the 256 levels that `first` makes of a picture.
RecipePtr make_byte_levels(RecipePtr first, RecipePtr then);

/// Renders many pictures over `threads` threads; `outs` one place for each. Where pictures and
/// results together are more than the caches hold, results are stored past them.
void render_many(const NativeRecipe& recipe, Span<const Picture> pictures,
                 Span<const ValidMask> valid, ToneType type, Span<void* const> outs, int threads);

}  // namespace irtd
