#include "irtd/recipe.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cache_size.hpp"
#include "irtd/error.hpp"
#include "irtd/parallel.hpp"
#include "irtd/statistics.hpp"
#include "recipe_table.hpp"
#include "runs.hpp"

namespace irtd {
namespace {

class Stretch final : public NativeRecipe {
 public:
  Stretch(const Normalize& normalize, Meaning meaning) : normalize_(normalize), meaning_(meaning) {
    IRTD_REQUIRE(std::isfinite(normalize.low) && std::isfinite(normalize.high),
                 "the bounds of a stretch are finite");
  }

  Toned tone(const Picture& in, const ValidMask& valid, float top, ToneScratch&) const override {
    Normalize scaled = normalize_;
    if (meaning_ == Meaning::shares) {
      scaled.out_low *= top;
      scaled.out_high *= top;
      scaled.clip_low *= top;
      scaled.clip_high *= top;
    }
    Toned toned{in, line_for(in, valid, scaled)};
    if (gives_temperatures()) toned.line.fill = std::numeric_limits<float>::quiet_NaN();
    return toned;
  }
  bool gives_temperatures() const noexcept override { return meaning_ == Meaning::temperatures; }
  bool is_pointwise() const noexcept override { return normalize_.mode == NormalizeMode::fixed; }

 private:
  Normalize normalize_;
  Meaning meaning_;
};

class Chain final : public NativeRecipe {
 public:
  explicit Chain(const std::vector<RecipePtr>& steps) {
    IRTD_REQUIRE(!steps.empty(), "a chain has at least one step");
    for (const RecipePtr& step : steps) {
      // A chain in a chain is its steps: two would share the memory between steps.
      const auto* chain = dynamic_cast<const Chain*>(step.get());
      if (chain == nullptr) {
        steps_.push_back(step);
      } else {
        steps_.insert(steps_.end(), chain->steps_.begin(), chain->steps_.end());
      }
    }
  }

  Toned tone(const Picture& in, const ValidMask& valid, float top,
             ToneScratch& scratch) const override {
    return steps_.back()->tone(before_last(in, valid, scratch), valid, top, scratch);
  }

  void render(const Picture& in, const ValidMask& valid, ToneType type, void* out,
              ToneScratch& scratch) const override {
    steps_.back()->render(before_last(in, valid, scratch), valid, type, out, scratch);
  }

  bool gives_temperatures() const noexcept override {
    for (const RecipePtr& step : steps_) {
      if (step->gives_temperatures()) return true;
    }
    return false;
  }

  bool is_pointwise() const noexcept override {
    return std::all_of(steps_.begin(), steps_.end(),
                       [](const RecipePtr& step) { return step->is_pointwise(); });
  }

 private:
  Picture before_last(const Picture& in, const ValidMask& valid, ToneScratch& scratch) const {
    Picture picture = in;
    const Stores last = std::exchange(scratch.stores, Stores::cached);  // the next step reads them
    for (std::size_t i = 0; i + 1 < steps_.size(); ++i) {
      const bool warm = steps_[i]->gives_temperatures() || picture.itemsize == 4;
      const ToneType type =
          warm ? ToneType::f32 : (picture.itemsize == 1 ? ToneType::u8 : ToneType::u16);
      // A step may use the scratch itself, so its result is kept in memory of its own.
      thread_local std::vector<std::uint8_t> kept[2];
      std::vector<std::uint8_t>& to = kept[i % 2];
      if (to.size() < picture.size() * tone_bytes(type)) {
        to.resize(picture.size() * tone_bytes(type));
      }
      steps_[i]->render(picture, valid, type, to.data(), scratch);
      picture =
          packed_picture(to.data(), picture.rows, picture.cols, picture.channels, tone_bytes(type));
    }
    scratch.stores = last;
    return picture;
  }

  std::vector<RecipePtr> steps_;
};

class ByteLevels final : public NativeRecipe {
 public:
  ByteLevels(RecipePtr first, RecipePtr then) : first_(std::move(first)), then_(std::move(then)) {
    IRTD_REQUIRE(first_ != nullptr && then_ != nullptr && !first_->gives_temperatures(),
                 "levels are made by a recipe that does not give temperatures");
  }

  Toned tone(const Picture& in, const ValidMask& valid, float top,
             ToneScratch& scratch) const override {
    // Both recipes may use the scratch, and so may the one before in a chain.
    thread_local std::vector<std::uint8_t> levels;
    if (levels.size() < in.size()) levels.resize(in.size());
    const Stores last = std::exchange(scratch.stores, Stores::cached);  // they are read at once
    first_->render(in, valid, ToneType::u8, levels.data(), scratch);
    scratch.stores = last;
    return then_->tone(packed_picture(levels.data(), in.rows, in.cols, in.channels, 1), valid, top,
                       scratch);
  }
  bool gives_temperatures() const noexcept override { return then_->gives_temperatures(); }

 private:
  RecipePtr first_;
  RecipePtr then_;
};

}  // namespace

Picture packed_picture(const void* data, std::size_t rows, std::size_t cols, std::size_t channels,
                       std::size_t itemsize) noexcept {
  const auto item = static_cast<std::ptrdiff_t>(itemsize);
  const auto pixel = static_cast<std::ptrdiff_t>(channels) * item;
  return {static_cast<const std::uint8_t*>(data),    rows,  cols, channels,
          static_cast<std::ptrdiff_t>(cols) * pixel, pixel, item, itemsize};
}

void* ToneScratch::beside(const Picture& in, std::size_t bytes) {
  const std::vector<std::uint8_t>& first = buffers_[0];
  const bool taken =
      !first.empty() && in.data >= first.data() && in.data < first.data() + first.size();
  std::vector<std::uint8_t>& buffer = buffers_[taken ? 1 : 0];
  if (buffer.size() < bytes) buffer.resize(bytes);
  return buffer.data();
}

float top_of(ToneType type) noexcept {
  if (type == ToneType::u8) return 255.0F;
  return type == ToneType::u16 ? 65535.0F : 1.0F;
}

ToneLine line_for(const Picture& in, const ValidMask& valid, const Normalize& normalize) {
  double bounds[2] = {normalize.low, normalize.high};
  if (normalize.mode == NormalizeMode::percentile) {
    const double wanted[2] = {normalize.low, normalize.high};
    with_type(in, [&](const auto& image) {
      value_percentiles(image, valid, Span<const double>(wanted, 2), Span<double>(bounds, 2));
    });
  } else if (normalize.mode == NormalizeMode::min_max) {
    const ValueMoments range =
        with_type(in, [&](const auto& image) { return value_range(image, valid); });
    bounds[0] = range.lo;
    bounds[1] = range.hi;
  } else if (normalize.mode == NormalizeMode::sigma) {
    const ValueMoments found =
        with_type(in, [&](const auto& image) { return value_moments(image, valid); });
    bounds[0] = found.mean - normalize.low * found.std;
    bounds[1] = found.mean + normalize.high * found.std;
  }
  // A line is in single precision: bounds of a float picture may go beyond it, and the contrast of
  // one may be too small for it.
  constexpr double kMost = std::numeric_limits<float>::max();
  for (double& bound : bounds) bound = std::clamp(bound, -kMost, kMost);
  const double span = bounds[1] - bounds[0];
  double scale =
      span > 0 ? (static_cast<double>(normalize.out_high) - normalize.out_low) / span : 0;
  // A flat picture has no contrast to stretch: it maps to out_low.
  if (!(std::abs(scale) <= kMost)) scale = 0;
  ToneLine line;
  line.scale = static_cast<float>(scale);
  line.base = static_cast<float>(bounds[0]);
  line.offset = normalize.out_low;
  line.lo = normalize.clip_low;
  line.hi = normalize.clip_high;
  return line;
}

void NativeRecipe::render(const Picture& in, const ValidMask& valid, ToneType type, void* out,
                          ToneScratch& scratch) const {
  const Toned toned = tone(in, valid, top_of(type), scratch);
  with_type(toned.picture, [&](const auto& image) {
    apply_line(image, valid, toned.line, type, out, scratch.stores);
  });
}

RecipePtr make_stretch(const Normalize& normalize, Meaning meaning) {
  return std::make_shared<Stretch>(normalize, meaning);
}

RecipePtr make_chain(const std::vector<RecipePtr>& steps) { return std::make_shared<Chain>(steps); }

RecipePtr make_byte_levels(RecipePtr first, RecipePtr then) {
  return std::make_shared<ByteLevels>(std::move(first), std::move(then));
}

void render_many(const NativeRecipe& recipe, Span<const Picture> pictures,
                 Span<const ValidMask> valid, ToneType type, Span<void* const> outs, int threads) {
  IRTD_REQUIRE(pictures.size() == valid.size() && pictures.size() == outs.size(),
               "one mask and one output for each picture");
  std::size_t bytes = 0;
  for (const Picture& in : pictures) bytes += in.size() * (in.itemsize + tone_bytes(type));
  const Stores stores = bytes > detail::cache_bytes() / 2 ? Stores::streamed : Stores::cached;
  parallel_for(pictures.size(), threads, [&](std::size_t i, int) {
    thread_local ToneScratch scratch;
    scratch.stores = stores;
    recipe.render(pictures[i], valid[i], type, outs[i], scratch);
  });
}

}  // namespace irtd
