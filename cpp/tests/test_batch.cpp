#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "irtd/batch.hpp"
#include "irtd/ingest.hpp"
#include "irtd/normalize.hpp"
#include "irtd/resample.hpp"
#include "shard_support.hpp"

namespace {

using irtd::BatchItem;
using irtd::BatchShape;
using irtd::Bytes;
using irtd::Errc;
using irtd::ImageView;
using irtd::Layout;
using irtd::MutableBytes;
using irtd::Normalize;
using irtd::NormalizeMode;
using irtd::PackedReader;
using irtd::PackedWriter;
using irtd::Pixels;
using irtd::PixelSource;
using irtd::PixelType;
using irtd::ShardReader;
using namespace irtd::testing;

constexpr int kRows = 12;
constexpr int kCols = 20;

/// Three sources: a bucket of u16 pictures, packed raw RGB of two sizes, packed JPEG files.
class Sources {
 public:
  Sources() {
    owned_.push_back(bucket());
    owned_.push_back(raw());
    owned_.push_back(jpeg());
    for (const auto& source : owned_) list.push_back(source.get());
  }

  std::string file(const std::string& name) const { return dir_.path(name); }

  std::vector<const PixelSource*> list;

 private:
  std::unique_ptr<PixelSource> bucket() const {
    const std::uint64_t bytes = kRows * kCols * 2;
    auto layout = layout_in(dir_, 5, 4, bytes);
    write_shard(layout, 0, zstd_chain(2), {2});
    write_shard(layout, 1, zstd_chain(2));
    return irtd::make_bucket_source(std::make_shared<ShardReader>(layout, zstd_chain(2)),
                                    {nullptr, kRows, kCols, 1, 2});
  }

  std::shared_ptr<PackedReader> pack(const std::string& name,
                                     const std::vector<Data>& samples) const {
    irtd::PackedLayout layout;
    layout.prefix = dir_.path(name);
    layout.chunk_bytes = 50000;
    PackedWriter writer(layout.prefix + "0", layout.chunk_bytes);
    std::uint64_t at = 0;
    for (const Data& data : samples) {
      layout.offsets.push_back(at);
      layout.lengths.push_back(data.size());
      layout.crcs.push_back(irtd::put_packed(writer, at, Bytes(data)));
      at += data.size();
    }
    writer.finish(samples.size());
    return std::make_shared<PackedReader>(layout);
  }

  std::unique_ptr<PixelSource> raw() const {
    return irtd::make_packed_source(
        pack("raw", {picture(15, 9, 3, 20), picture(8, 30, 3, 5), Data(6 * 6, 77)}),
        {{nullptr, 15, 9, 3, 1}, {nullptr, 8, 30, 3, 1}, {nullptr, 6, 6, 1, 1}}, false);
  }

  std::unique_ptr<PixelSource> jpeg() const {
    return irtd::make_packed_source(
        pack("jpeg", {jpeg_file(24, 16, 1), jpeg_file(10, 40, 3, 20), jpeg_file(24, 16, 1)}),
        {{nullptr, 24, 16, 1, 1}, {nullptr, 10, 40, 3, 1}, {nullptr, 16, 24, 1, 1}}, true);
  }

  TempDir dir_;
  std::vector<std::unique_ptr<PixelSource>> owned_;
};

/// A window of a row, a little inside it, onto 12 x 10 pixels.
BatchItem item(const Sources& sources, int source, std::uint64_t row, bool flip = false) {
  const Pixels shape = sources.list[static_cast<std::size_t>(source)]->shape(row);
  const double window[4] = {0.5, 1.25, shape.width - 1.0, shape.height - 0.5};
  irtd::ResampleOptions options;
  irtd::set_window(&options, window, 12, 10, flip);
  BatchItem made;
  made.source = source;
  made.row = row;
  std::copy(options.matrix, options.matrix + 6, made.matrix);
  return made;
}

Data run(const Sources& sources, const std::vector<BatchItem>& items, const Normalize& normalize,
         const BatchShape& shape, int threads) {
  Data out(items.size() * shape.sample_bytes());
  irtd::run_batch(sources.list, items, normalize, shape, MutableBytes(out), threads);
  return out;
}

template <typename T>
void compose(const Pixels& pixels, const BatchItem& item, const Normalize& normalize,
             const BatchShape& shape, std::uint8_t* out) {
  const ImageView<const T> image(reinterpret_cast<const T*>(pixels.data), pixels.height,
                                 pixels.width, pixels.channels);
  double low = normalize.low;
  double high = normalize.high;
  if (normalize.mode != NormalizeMode::fixed) {
    std::vector<T> sorted(image.data(), image.data() + image.size());
    std::sort(sorted.begin(), sorted.end());
    const auto at = [&](double percent) {
      const double rank = percent / 100 * static_cast<double>(sorted.size() - 1);
      const auto i = static_cast<std::size_t>(rank);
      const double next = sorted[std::min(i + 1, sorted.size() - 1)];
      return sorted[i] + (next - sorted[i]) * (rank - static_cast<double>(i));
    };
    const bool min_max = normalize.mode == NormalizeMode::min_max;
    low = at(min_max ? 0 : normalize.low);
    high = at(min_max ? 100 : normalize.high);
  }
  irtd::ResampleOptions options;
  std::copy(item.matrix, item.matrix + 6, options.matrix);
  const double scale =
      high > low ? (double{normalize.out_high} - normalize.out_low) / (high - low) : 0;
  // From the bottom of the stretch, in float32 as the line of a recipe has it.
  irtd::set_affine(&options, static_cast<float>(scale), normalize.out_low);
  options.base = static_cast<float>(low);
  options.lo_clip = normalize.clip_low;
  options.hi_clip = normalize.clip_high;
  options.layout = shape.layout;
  irtd::resample(image, options, out, shape.type, shape.height, shape.width, shape.channels);
}

/// The batch one sample after another, from the parts it is made of.
Data reference(const Sources& sources, const std::vector<BatchItem>& items,
               const Normalize& normalize, const BatchShape& shape) {
  Data out(items.size() * shape.sample_bytes());
  Data scratch;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const PixelSource& source = *sources.list[static_cast<std::size_t>(items[i].source)];
    const Pixels pixels = source.fetch(items[i].row, scratch);
    std::uint8_t* at = out.data() + i * shape.sample_bytes();
    if (pixels.itemsize == 2) {
      compose<std::uint16_t>(pixels, items[i], normalize, shape, at);
    } else {
      compose<std::uint8_t>(pixels, items[i], normalize, shape, at);
    }
  }
  return out;
}

std::vector<float> floats(const Data& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace

TEST_CASE("sources give shapes and pixels") {
  const Sources sources;
  Data scratch;
  CHECK(sources.list[0]->rows() == 5);
  CHECK(sources.list[1]->rows() == 3);
  Pixels pixels = sources.list[0]->fetch(3, scratch);
  CHECK(Data(pixels.data, pixels.data + kRows * kCols * 2) == sample(3, kRows * kCols * 2));
  pixels = sources.list[1]->fetch(1, scratch);
  CHECK(Data(pixels.data, pixels.data + 8 * 30 * 3) == picture(8, 30, 3, 5));
  pixels = sources.list[2]->fetch(1, scratch);
  Data expected(10 * 40 * 3);
  irtd::decode_jpeg(Bytes(jpeg_file(10, 40, 3, 20)), {expected.data(), 10, 40, 3});
  CHECK(Data(pixels.data, pixels.data + expected.size()) == expected);
  CHECK(sources.list[2]->shape(0).data == nullptr);
  CHECK(throws(Errc::invalid_argument, [&] { sources.list[1]->shape(3); }));
  CHECK(throws(Errc::invalid_argument, [&] { sources.list[0]->fetch(5, scratch); }));
}

TEST_CASE("shapes that do not fit their bytes are refused") {
  const TempDir dir;
  const auto bucket = [&](const Pixels& shape) {
    irtd::make_bucket_source(std::make_shared<ShardReader>(layout_in(dir, 1, 1, 8), raw_chain()),
                             shape);
  };
  CHECK_NOTHROW(bucket({nullptr, 2, 4, 1, 1}));
  CHECK_NOTHROW(bucket({nullptr, 2, 2, 1, 2}));
  for (const Pixels& shape : std::vector<Pixels>{{nullptr, 2, 3, 1, 1},
                                                 {nullptr, -2, -4, 1, 1},
                                                 {nullptr, 2, 1, 1, 4},
                                                 {nullptr, 0, 8, 1, 1},
                                                 {nullptr, -8, 1, -1, 1}}) {
    CHECK(throws(Errc::invalid_argument, [&] { bucket(shape); }));
  }
  const auto reader =
      std::make_shared<PackedReader>(irtd::PackedLayout{dir.path("p"), 100, {0}, {50}, {0}});
  const auto packed = [&](const std::vector<Pixels>& shapes, bool jpeg) {
    irtd::make_packed_source(reader, shapes, jpeg);
  };
  CHECK_NOTHROW(packed({{nullptr, 5, 5, 1, 2}}, false));
  CHECK(throws(Errc::invalid_argument, [&] { packed({}, false); }));
  CHECK(throws(Errc::invalid_argument, [&] { packed({{nullptr, 5, 5, 1, 2}}, true); }));
  CHECK(throws(Errc::invalid_argument, [&] { packed({{nullptr, 5, 5, 0, 2}}, false); }));
  CHECK(
      throws(Errc::invalid_argument, [&] { packed({{nullptr, 1 << 30, 1 << 30, 64, 2}}, false); }));
}

TEST_CASE("a batch is the composition of its parts, for any number of threads") {
  const Sources sources;
  std::vector<BatchItem> items;
  for (const std::uint64_t row : {0, 1, 3, 4}) items.push_back(item(sources, 0, row, row % 2 == 1));
  for (const std::uint64_t row : {0, 1, 2}) items.push_back(item(sources, 1, row, row == 1));
  for (const std::uint64_t row : {0, 1, 0}) items.push_back(item(sources, 2, row));
  const std::vector<Normalize> recipes{
      {NormalizeMode::fixed, 20, 200, 0, 1, 0, 1},
      {NormalizeMode::fixed, 0, 1, 0, 1, -1e9F, 1e9F},  // counts as they are
      {NormalizeMode::min_max, 0, 0, -1, 1, -1, 1},
      {NormalizeMode::percentile, 1, 99, 0, 255, 0, 255},
      {NormalizeMode::percentile, 12.5, 60, 0, 1, -5, 5},
  };
  for (const Normalize& recipe : recipes) {
    for (const PixelType type : {PixelType::f32, PixelType::u8, PixelType::u16}) {
      for (const Layout layout : {Layout::chw, Layout::hwc}) {
        for (const int channels : {1, 3}) {
          const BatchShape shape{11, 17, channels, type, layout};
          const Data expected = reference(sources, items, recipe, shape);
          for (const int threads : {1, 2, 7}) {
            REQUIRE(run(sources, items, recipe, shape, threads) == expected);
          }
        }
      }
    }
  }
}

TEST_CASE("the whole picture at its own size is its counts, scaled") {
  const Sources sources;
  BatchItem whole;  // at its own size
  whole.row = 3;
  const Normalize recipe{NormalizeMode::fixed, 0, 65535, 0, 1, 0, 1};
  const auto got = floats(run(sources, {whole}, recipe, {kRows, kCols}, 1));
  const Data bytes = sample(3, kRows * kCols * 2);
  REQUIRE(got.size() == bytes.size() / 2);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const int count = bytes[2 * i] + 256 * bytes[2 * i + 1];
    CHECK(got[i] == doctest::Approx(count / 65535.0).epsilon(1e-6));
  }
}

TEST_CASE("a flat picture maps to the low end") {
  const Sources sources;
  const std::vector<BatchItem> items{item(sources, 1, 2)};  // all 77
  for (const NormalizeMode mode : {NormalizeMode::min_max, NormalizeMode::percentile}) {
    const Normalize recipe{mode, 1, 99, -1, 1, -1, 1};
    const auto got = floats(run(sources, items, recipe, {4, 4}, 1));
    CHECK(std::all_of(got.begin(), got.end(), [](float v) { return v == -1.0F; }));
  }
  const Normalize degenerate{NormalizeMode::fixed, 50, 50, 0.25F, 1, 0, 1};
  const auto got = floats(run(sources, items, degenerate, {4, 4}, 1));
  CHECK(std::all_of(got.begin(), got.end(), [](float v) { return v == 0.25F; }));
}

TEST_CASE("a failure carries its place in the batch, its class and its file") {
  const Sources sources;
  const Normalize recipe;
  const BatchShape shape{4, 4};
  const std::vector<BatchItem> good(6, item(sources, 0, 1));
  const auto failure = [&](std::size_t place, const BatchItem& bad, int threads) {
    std::vector<BatchItem> items = good;
    items[place] = bad;
    const auto error = caught([&] { run(sources, items, recipe, shape, threads); });
    REQUIRE(error);
    CHECK(error->row() == static_cast<std::int64_t>(place));
    return *error;
  };
  for (const int threads : {1, 3}) {
    const auto hole = failure(3, item(sources, 0, 2), threads);
    CHECK(hole.code() == Errc::corrupt);
    CHECK(hole.path() == sources.file("s0"));
    const auto other_shape = failure(1, item(sources, 2, 2), threads);
    CHECK(other_shape.code() == Errc::corrupt);
    CHECK(other_shape.path() == sources.file("jpeg0"));
    BatchItem outside = item(sources, 0, 1);
    outside.matrix[0] = 0;  // singular
    CHECK(failure(5, outside, threads).code() == Errc::invalid_argument);
    BatchItem nowhere = item(sources, 0, 1);
    nowhere.source = 3;
    CHECK(failure(2, nowhere, threads).code() == Errc::invalid_argument);
    nowhere.source = -1;
    CHECK(failure(0, nowhere, threads).code() == Errc::invalid_argument);
    nowhere.source = 0;
    nowhere.row = 5;
    CHECK(failure(4, nowhere, threads).code() == Errc::invalid_argument);
  }
  std::filesystem::remove(sources.file("s1"));
  std::filesystem::create_directory(sources.file("s1"));  // cannot be read at all
  BatchItem unreadable = item(sources, 0, 1);
  unreadable.row = 4;
  CHECK(failure(1, unreadable, 2).path() == sources.file("s1"));
}

TEST_CASE("batches that cannot be are refused") {
  const Sources sources;
  const std::vector<BatchItem> items(2, item(sources, 0, 1));
  Data out(2 * 4 * 4 * 4);
  const auto batch = [&](const BatchShape& shape, std::size_t bytes) {
    irtd::run_batch(sources.list, items, Normalize{}, shape, MutableBytes(out.data(), bytes), 1);
  };
  CHECK_NOTHROW(batch({4, 4}, out.size()));
  CHECK(throws(Errc::invalid_argument, [&] { batch({4, 4}, out.size() - 4); }));
  CHECK(throws(Errc::invalid_argument, [&] { batch({0, 4}, 0); }));
  CHECK(throws(Errc::invalid_argument, [&] { batch({4, -4}, out.size()); }));
  CHECK(throws(Errc::invalid_argument, [&] { batch({4, 2, 2}, out.size()); }));
  CHECK_NOTHROW(irtd::run_batch(sources.list, {}, Normalize{}, {4, 4}, {}, 4));
}

TEST_CASE("rows of a JPEG that no window touches change nothing") {
  const Sources sources;
  const Pixels shape = sources.list[2]->shape(1);
  BatchItem cut = item(sources, 2, 1);
  const double window[4] = {2, 3, shape.width - 1.0, shape.height / 2.0};
  irtd::ResampleOptions options;
  irtd::set_window(&options, window, 12, 10, true);
  std::copy(options.matrix, options.matrix + 6, cut.matrix);
  Normalize fixed;  // pointwise; the other one has to look at the whole picture
  fixed.high = 255;
  Normalize ranged = fixed;
  ranged.mode = NormalizeMode::min_max;
  for (const Normalize& normalize : {fixed, ranged}) {
    const BatchShape batch{12, 10};
    const Data made = run(sources, {cut}, normalize, batch, 1);
    std::vector<std::uint8_t> scratch;
    Data expected(batch.sample_bytes());
    compose<std::uint8_t>(sources.list[2]->fetch(1, scratch), cut, normalize, batch,
                          expected.data());
    const auto* a = reinterpret_cast<const float*>(made.data());
    const auto* b = reinterpret_cast<const float*>(expected.data());
    for (std::size_t i = 0; i < made.size() / 4; ++i) REQUIRE(a[i] == doctest::Approx(b[i]));
  }
}
