#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "irtd/error.hpp"
#include "irtd/hash.hpp"
#include "irtd/jpeg.hpp"
#include "irtd/phash.hpp"
#include "support.hpp"

using irtd::testing::TempDir;

namespace {

/// A scene of three smooth waves, values 0 to 1.
double scene(int y, int x, int rows, int cols) {
  const double v = static_cast<double>(y) / rows;
  const double u = static_cast<double>(x) / cols;
  return 0.5 + 0.2 * std::sin(7 * u + 2 * v) + 0.15 * std::cos(11 * v - 3 * u) +
         0.1 * std::sin(17 * u * v + 1);
}

template <typename T>
std::vector<T> picture(int rows, int cols, double top, double power = 1.0, int channels = 1) {
  std::vector<T> pixels;
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < cols; ++x) {
      const auto value = static_cast<T>(top * std::pow(scene(y, x, rows, cols), power));
      pixels.insert(pixels.end(), static_cast<std::size_t>(channels), value);
    }
  }
  return pixels;
}

template <typename T>
irtd::PerceptualHash looks(const std::vector<T>& pixels, int rows, int cols, int channels = 1) {
  return irtd::perceptual_hash(irtd::ImageView<const T>(pixels.data(), rows, cols, channels));
}

}  // namespace

TEST_CASE("bit depth, gain, gamma, size and channels hardly change a hash") {
  const auto first = looks(picture<std::uint8_t>(96, 128, 250), 96, 128);
  CHECK(irtd::hamming_distance(first, first) == 0);
  CHECK(irtd::hamming_distance(first, looks(picture<std::uint16_t>(96, 128, 16000), 96, 128)) <= 4);
  CHECK(irtd::hamming_distance(first, looks(picture<std::uint8_t>(96, 128, 120), 96, 128)) <= 4);
  CHECK(irtd::hamming_distance(first, looks(picture<std::uint8_t>(96, 128, 250, 1.7), 96, 128)) <=
        6);
  CHECK(irtd::hamming_distance(first, looks(picture<std::uint8_t>(241, 317, 250), 241, 317)) <= 6);
  const auto rgb = looks(picture<std::uint8_t>(96, 128, 250, 1.0, 3), 96, 128, 3);
  CHECK(irtd::hamming_distance(first, rgb) <= 2);
}

TEST_CASE("a row stride is respected, flat pictures have no looks") {
  const std::vector<std::uint16_t> pixels = picture<std::uint16_t>(50, 60, 9000);
  std::vector<std::uint16_t> wide(50 * 77, 5);
  for (std::size_t y = 0; y < 50; ++y) {
    for (std::size_t x = 0; x < 60; ++x) wide[y * 77 + x] = pixels[y * 60 + x];
  }
  const irtd::ImageView<const std::uint16_t> view(wide.data(), 50, 60, 1, 77);
  CHECK(irtd::perceptual_hash(view) == looks(pixels, 50, 60));
  CHECK(looks(std::vector<std::uint16_t>(50 * 60, 40000), 50, 60) == irtd::PerceptualHash{});
  CHECK(looks(std::vector<std::uint8_t>(1, 9), 1, 1) == irtd::PerceptualHash{});
}

TEST_CASE("wrong pictures and radii are refused") {
  const std::vector<std::uint8_t> two(8, 1);
  CHECK_THROWS_AS(looks(two, 2, 2, 2), irtd::Error);
  const std::vector<irtd::PerceptualHash> hashes(3);
  CHECK_THROWS_AS(irtd::near_leaders(hashes, -1), irtd::Error);
  CHECK_THROWS_AS(irtd::near_neighbours(hashes, hashes, 129), irtd::Error);
}

TEST_CASE("leaders and neighbours on either side of the radius") {
  // Distances from the first: 0, 3, 4 and far.
  const std::vector<irtd::PerceptualHash> hashes{{1, 0}, {1, 7}, {1, 15}, {~std::uint64_t{0}, 0},
                                                 {1, 0}, {0, 0}, {0, 0}};
  const auto leaders = irtd::near_leaders(hashes, 3);
  const std::vector<std::int64_t> expected{0, 0, 2, 3, 0, 5, 6};  // flat ones lead themselves
  for (std::size_t i = 0; i < hashes.size(); ++i) CHECK(leaders[i].index == expected[i]);
  CHECK(leaders[1].distance == 3);
  const auto found = irtd::near_neighbours(hashes, {hashes.data(), 3}, 3, 2);
  CHECK(found[2].index == 2);
  CHECK(found[3].index == -1);
  CHECK(found[4].index == 0);
  CHECK(found[5].index == -1);
  CHECK(irtd::near_neighbours(hashes, {hashes.data(), 0}, 3).size() == hashes.size());
}

TEST_CASE("files are digested whole, and one that cannot be read does not stop the others") {
  const TempDir folder;
  const std::string path = folder.path() + "/a.jpg";
  const auto pixels = picture<std::uint8_t>(300, 400, 250);
  const std::vector<std::uint8_t> file = irtd::encode_jpeg(
      irtd::ImageView<const std::uint8_t>(pixels.data(), 300, 400), 95, 444, false);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
  const std::vector<std::string> paths{path, folder.path() + "/absent", path};
  const auto plain = irtd::hash_files(paths, 2);
  const auto jpeg = irtd::hash_jpeg_files(paths, 2);
  for (const auto* found : {&plain, &jpeg}) {
    CHECK((*found)[0].digest == irtd::xxh64(file));
    CHECK((*found)[0].size == static_cast<std::int64_t>(file.size()));
    CHECK((*found)[1].code == "unreadable");
    CHECK((*found)[2].digest == (*found)[0].digest);
  }
  CHECK(irtd::hamming_distance(jpeg[0].looks, looks(pixels, 300, 400)) <= 6);
}
