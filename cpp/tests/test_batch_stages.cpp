#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "irtd/batch.hpp"
#include "shard_support.hpp"

namespace {

using irtd::BatchItem;
using irtd::BatchShape;
using irtd::MutableBytes;
using irtd::ShardReader;
using namespace irtd::testing;

/// Four pictures of 12 x 20, 16 bits.
std::unique_ptr<irtd::PixelSource> bucket(const TempDir& dir) {
  auto layout = layout_in(dir, 4, 4, 12 * 20 * 2);
  write_shard(layout, 0, zstd_chain(2));
  return irtd::make_bucket_source(std::make_shared<ShardReader>(layout, zstd_chain(2)),
                                  {nullptr, 12, 20, 1, 2});
}

BatchItem whole(const BatchShape& shape) {
  const double window[4] = {0, 0, 20, 12};
  irtd::ResampleOptions options;
  irtd::set_window(&options, window, shape.height, shape.width, false);
  BatchItem made;
  made.row = 1;
  std::copy(options.matrix, options.matrix + 6, made.matrix);
  return made;
}

}  // namespace

TEST_CASE("stages add up and belong to one batch") {
  const TempDir dir;
  const auto source = bucket(dir);
  std::vector<std::uint8_t> scratch;
  source->fetch(1, scratch);  // outside of any batch
  const BatchShape shape{12, 10};
  const std::vector<BatchItem> items(8, whole(shape));
  Data out(items.size() * shape.sample_bytes());
  const auto start = std::chrono::steady_clock::now();
  const irtd::StageNanoseconds times =
      irtd::run_batch({source.get()}, items, irtd::Normalize{}, shape, MutableBytes(out), 1);
  const auto wall = std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
  std::uint64_t sum = 0;
  for (const std::uint64_t each : times) sum += each;
  CHECK(sum <= static_cast<std::uint64_t>(wall));
  CHECK(times[static_cast<std::size_t>(irtd::Stage::other)] == 0);
  CHECK(times[static_cast<std::size_t>(irtd::Stage::read)] > 0);
  CHECK(times[static_cast<std::size_t>(irtd::Stage::decode)] > 0);
  CHECK(times[static_cast<std::size_t>(irtd::Stage::resample)] > 0);
}

TEST_CASE("large batches are written around the caches, and are the same") {
  const TempDir dir;
  const auto source = bucket(dir);
  const BatchShape shape{256, 256};
  const std::vector<BatchItem> items(68, whole(shape));
  Data alone(shape.sample_bytes());
  irtd::run_batch({source.get()}, {items[0]}, irtd::Normalize{}, shape, MutableBytes(alone), 1);
  Data all(items.size() * shape.sample_bytes());
  REQUIRE(all.size() > irtd::kStreamedBytes);
  irtd::run_batch({source.get()}, items, irtd::Normalize{}, shape, MutableBytes(all), 2);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto* begin = all.data() + i * shape.sample_bytes();
    REQUIRE(Data(begin, begin + shape.sample_bytes()) == alone);
  }
}
