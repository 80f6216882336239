#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "irtd/batch.hpp"
#include "shard_support.hpp"

namespace {

using irtd::BatchFrames;
using irtd::BatchItem;
using irtd::BatchShape;
using irtd::Layout;
using irtd::MutableBytes;
using irtd::Normalize;
using irtd::RecipePtr;
using irtd::ShardReader;
using irtd::Tile;
using namespace irtd::testing;

/// Four pictures of 12 x 20, 16 bits.
std::unique_ptr<irtd::PixelSource> bucket(const TempDir& dir) {
  auto layout = layout_in(dir, 4, 4, 12 * 20 * 2);
  write_shard(layout, 0, zstd_chain(2));
  return irtd::make_bucket_source(std::make_shared<ShardReader>(layout, zstd_chain(2)),
                                  {nullptr, 12, 20, 1, 2});
}

BatchItem item(std::uint64_t row, int height, int width, const Tile& tile = {}) {
  const double window[4] = {0, 0, 20, 12};
  irtd::ResampleOptions options;
  irtd::set_window(&options, window, height, width, false);
  BatchItem made;
  made.row = row;
  made.tile = tile;
  std::copy(options.matrix, options.matrix + 6, made.matrix);
  return made;
}

Data run(const irtd::PixelSource& source, const std::vector<BatchItem>& items, BatchShape shape,
         const BatchFrames& frames, std::size_t count, int threads = 2) {
  Data out(count * shape.sample_bytes(), 0xEE);
  const RecipePtr recipe = irtd::make_stretch(Normalize{}, irtd::Meaning::numbers);
  irtd::run_batch({&source}, items, {recipe}, shape, MutableBytes(out), threads, frames);
  return out;
}

}  // namespace

TEST_CASE("tiles are the pictures alone, in their places") {
  const TempDir dir;
  const auto source = bucket(dir);
  for (const Layout layout : {Layout::chw, Layout::hwc}) {
    for (const int channels : {1, 3}) {
      BatchShape shape{10, 14, channels};
      shape.layout = layout;
      BatchFrames frames;
      frames.offsets = {0, 1, 3};
      const Tile left{0, 0, 10, 5};
      const Tile right{0, 5, 10, 9};
      const std::vector<BatchItem> items{item(0, 10, 14), item(1, 10, 5, left),
                                         item(2, 10, 9, right)};
      const Data made = run(*source, items, shape, frames, 2);
      const Data whole = run(*source, {items[0]}, shape, {}, 1);
      CHECK(std::equal(whole.begin(), whole.end(), made.begin()));
      for (const BatchItem& one : {items[1], items[2]}) {
        BatchShape own = shape;
        own.height = one.tile.height;
        own.width = one.tile.width;
        BatchItem alone = one;
        alone.tile = {};
        const Data part = run(*source, {alone}, own, {}, 1);
        const auto at = [&](const Data& data, const BatchShape& of, int c, int y, int x) {
          const int place = layout == Layout::chw ? (c * of.height + y) * of.width + x
                                                  : (y * of.width + x) * channels + c;
          return reinterpret_cast<const float*>(data.data())[place];
        };
        const Data frame(made.begin() + static_cast<std::ptrdiff_t>(shape.sample_bytes()),
                         made.end());
        for (int c = 0; c < channels; ++c) {
          for (int y = 0; y < own.height; ++y) {
            for (int x = 0; x < own.width; ++x) {
              REQUIRE(at(part, own, c, y, x) ==
                      at(frame, shape, c, y + one.tile.top, x + one.tile.left));
            }
          }
        }
      }
    }
  }
}

TEST_CASE("effects do not depend on threads or on the place in the batch") {
  const TempDir dir;
  const auto source = bucket(dir);
  const BatchShape shape{10, 14, 3};
  irtd::Photometric noisy;
  noisy.noise = 0.1F;
  noisy.key = 5;
  BatchFrames frames;
  frames.effects.photometric = {noisy, {}, noisy};
  frames.effects.clip = false;
  frames.effects.holes = {{0, 0, 2, 2, 0.5F}};
  frames.effects.hole_offsets = {0, 0, 1, 1};
  const std::vector<BatchItem> items{item(1, 10, 14), item(1, 10, 14), item(1, 10, 14)};
  const Data made = run(*source, items, shape, frames, 3, 1);
  CHECK(made == run(*source, items, shape, frames, 3, 3));
  const auto frame = [&](std::ptrdiff_t i) {
    const auto bytes = static_cast<std::ptrdiff_t>(shape.sample_bytes());
    return Data(made.begin() + i * bytes, made.begin() + (i + 1) * bytes);
  };
  CHECK(frame(0) == frame(2));
  const Data plain = run(*source, {items[0]}, shape, {}, 1);
  CHECK(frame(0) != plain);
  const auto* cut = reinterpret_cast<const float*>(made.data()) + 3 * 140;
  CHECK(cut[0] == 0.5F);
  CHECK(cut[2] == reinterpret_cast<const float*>(plain.data())[2]);
}

TEST_CASE("a frame fails as a whole, named by its item") {
  const TempDir dir;
  const auto source = bucket(dir);
  const BatchShape shape{10, 14};
  BatchFrames frames;
  frames.offsets = {0, 2, 3};
  const Tile left{0, 0, 10, 5};
  const Tile right{0, 5, 10, 9};
  const std::vector<BatchItem> items{item(1, 10, 5, left), item(99, 10, 9, right), item(2, 10, 14)};
  try {
    run(*source, items, shape, frames, 2, 2);
    FAIL("an item that is not there");
  } catch (const irtd::Error& error) {
    CHECK(error.row() == 1);
  }
}

TEST_CASE("frames and tiles that do not fit are refused") {
  const TempDir dir;
  const auto source = bucket(dir);
  const BatchShape shape{10, 14};
  BatchFrames frames;
  frames.offsets = {0, 2};
  CHECK_THROWS_AS(run(*source, {item(0, 10, 14)}, shape, frames, 1), irtd::Error);
  for (const Tile& bad : {Tile{1, 0, 10, 14}, Tile{0, -1, 10, 14}, Tile{0, 0, 10, 15}}) {
    CHECK_THROWS_AS(run(*source, {item(0, 10, 14, bad)}, shape, {}, 1), irtd::Error);
  }
  frames.offsets = {};
  frames.effects.photometric = {{}, {}};
  CHECK_THROWS_AS(run(*source, {item(0, 10, 14)}, shape, frames, 1), irtd::Error);
}
