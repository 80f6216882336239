#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "irtd/boxes.hpp"
#include "irtd/error.hpp"

namespace {

using irtd::BoxOptions;
using irtd::BoxPolicy;
using irtd::Fate;

constexpr double kIdentity[6] = {1, 0, 0, 0, 1, 0};
constexpr double kQuarterTurn[6] = {0, -1.5, 150, 0.5, 0, 3};
constexpr double kFlip[6] = {-1.25, 0, 180, 0, 1, -7};

struct Result {
  std::vector<float> boxes;
  std::vector<std::int64_t> kept;
  std::vector<float> visible;
  std::vector<std::uint8_t> fates;

  explicit Result(std::size_t n, std::size_t columns = 4)
      : boxes(columns * n), kept(n), visible(n), fates(n) {}
  irtd::Remapped out() { return {boxes.data(), kept.data(), visible.data(), fates.data()}; }
  Result& cut(std::size_t count) {
    boxes.resize(kept.empty() ? 0 : boxes.size() / kept.size() * count);
    kept.resize(count);
    visible.resize(count);
    return *this;
  }
};

std::vector<std::uint8_t> numbers(const std::vector<Fate>& fates) {
  std::vector<std::uint8_t> out;
  for (const Fate fate : fates) out.push_back(static_cast<std::uint8_t>(fate));
  return out;
}

Result remap(const std::vector<float>& boxes, const double* matrix, const BoxOptions& options) {
  Result result(boxes.size() / 4);
  return result.cut(irtd::remap_boxes(boxes, matrix, options, result.out()));
}

BoxOptions frame(BoxPolicy policy, double min_visible = 0, double min_size = 0) {
  return {100, 200, min_visible, min_size, policy};  // height, width
}

// Inside; half out on the left; a quarter in at the lower right corner; far away.
const std::vector<float> kFour{10,  10, 30,  20,  -10, 10, 10,  20,
                               190, 90, 210, 110, 500, 10, 520, 20};

}  // namespace

TEST_CASE("clip cuts at the frame and forgets what is outside") {
  const Result r = remap(kFour, kIdentity, frame(BoxPolicy::clip));
  CHECK(r.kept == std::vector<std::int64_t>{0, 1, 2});
  CHECK(r.boxes == std::vector<float>{10, 10, 30, 20, 0, 10, 10, 20, 190, 90, 200, 100});
  CHECK(r.visible == std::vector<float>{1, 0.5F, 0.25F});
}

TEST_CASE("keep leaves boxes as they are") {
  const Result r = remap(kFour, kIdentity, frame(BoxPolicy::keep));
  CHECK(r.boxes == kFour);
  CHECK(r.visible == std::vector<float>{1, 0.5F, 0.25F, 0});
  CHECK(remap(kFour, kIdentity, frame(BoxPolicy::keep, 0.3)).kept ==
        std::vector<std::int64_t>{0, 1});
}

TEST_CASE("drop keeps only what is wholly inside, up to rounding") {
  CHECK(remap(kFour, kIdentity, frame(BoxPolicy::drop)).kept == std::vector<std::int64_t>{0});
  const std::vector<float> edges{-0.0005F, 0, 200, 100.0005F, -0.01F, 0, 5, 5};
  const Result r = remap(edges, kIdentity, frame(BoxPolicy::drop, 1.0));
  CHECK(r.kept == std::vector<std::int64_t>{0});
  CHECK(r.boxes == std::vector<float>{0, 0, 200, 100});
  CHECK(r.visible[0] == 1.0F);
}

TEST_CASE("visible fraction and size decide") {
  CHECK(remap(kFour, kIdentity, frame(BoxPolicy::clip, 0.5)).kept ==
        std::vector<std::int64_t>{0, 1});
  CHECK(remap(kFour, kIdentity, frame(BoxPolicy::clip, 0.51)).kept == std::vector<std::int64_t>{0});
  CHECK(remap(kFour, kIdentity, frame(BoxPolicy::clip, 0, 10)).kept ==
        std::vector<std::int64_t>{0, 1, 2});
  CHECK(remap(kFour, kIdentity, frame(BoxPolicy::clip, 0, 10.5)).kept.empty());
  CHECK(remap(kFour, kIdentity, frame(BoxPolicy::keep, 0, 0.5)).kept ==
        std::vector<std::int64_t>{0, 1, 2});
}

TEST_CASE("an affine moves corners and the hull is taken") {
  const double crop_and_flip[6] = {-2, 0, 150, 0, 3, -30};
  const Result r = remap({10, 12, 30, 20}, crop_and_flip, frame(BoxPolicy::clip));
  CHECK(r.boxes == std::vector<float>{90, 6, 130, 30});
  const double half = std::sqrt(0.5);
  const double turn[6] = {half, -half, 50, half, half, 50};  // by 45 degrees
  const Result t = remap({-10, -10, 10, 10}, turn, frame(BoxPolicy::clip));
  const double reach = 10 * std::sqrt(2.0);
  REQUIRE(t.boxes.size() == 4);
  CHECK(double{t.boxes[0]} == doctest::Approx(50 - reach));
  CHECK(double{t.boxes[3]} == doctest::Approx(50 + reach));
}

TEST_CASE("what is no box goes without an error") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> boxes{nan, 0, 1, 1, 0, 0, inf, 1, 5, 5, 4, 6, 5, 5, 6, 4, 1, 1, 2, 2};
  for (const BoxPolicy policy : {BoxPolicy::clip, BoxPolicy::keep, BoxPolicy::drop}) {
    CHECK(remap(boxes, kIdentity, frame(policy)).kept == std::vector<std::int64_t>{4});
    const double broken[6] = {1, 0, std::nan(""), 0, 1, 0};
    CHECK(remap(boxes, broken, frame(policy)).kept.empty());
    const double enormous[6] = {1e300, 0, 0, 0, 1, 0};
    CHECK(remap(boxes, enormous, frame(policy)).kept.empty());
  }
}

TEST_CASE("boxes without area are points and lines") {
  // A point inside, a point outside, a line half inside, a line along the frame.
  const std::vector<float> boxes{5, 5, 5, 5, -5, 5, -5, 5, 5, 5, 5, 195, 0, 0, 200, 0};
  const Result r = remap(boxes, kIdentity, frame(BoxPolicy::clip));
  CHECK(r.kept == std::vector<std::int64_t>{0, 2, 3});
  CHECK(r.visible == std::vector<float>{1, 0.5F, 1});
}

TEST_CASE("a clipped box that stays is visible in the precision it is reported in") {
  const double shift[6] = {1, 0, 0, 0, 1, 1e-140};  // float32 has no such fraction
  CHECK(remap({0, -1, 0, 0}, shift, frame(BoxPolicy::clip)).kept.empty());
  CHECK(remap({0, -1, 0, 0}, shift, frame(BoxPolicy::keep)).kept.size() == 1);
}

TEST_CASE("a box may be mapped onto itself in memory") {
  std::vector<float> boxes = kFour;
  Result other(4);
  const std::size_t n = irtd::remap_boxes(
      boxes, kIdentity, frame(BoxPolicy::clip, 0.3),
      {boxes.data(), other.kept.data(), other.visible.data(), other.fates.data()});
  boxes.resize(4 * n);
  CHECK(boxes == std::vector<float>{10, 10, 30, 20, 0, 10, 10, 20});
}

TEST_CASE("options are checked") {
  CHECK_NOTHROW(irtd::require_box_options(frame(BoxPolicy::clip, 0.5, 3)));
  CHECK_THROWS_AS(irtd::require_box_options(frame(BoxPolicy::clip, -0.1)), irtd::Error);
  CHECK_THROWS_AS(irtd::require_box_options(frame(BoxPolicy::clip, 1.1)), irtd::Error);
  CHECK_THROWS_AS(irtd::require_box_options(frame(BoxPolicy::clip, std::nan(""))), irtd::Error);
  CHECK_THROWS_AS(irtd::require_box_options(frame(BoxPolicy::clip, 0, -1)), irtd::Error);
  CHECK_THROWS_AS(irtd::require_box_options({0, 10}), irtd::Error);
}

TEST_CASE("every box has a fate") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> boxes = kFour;
  const std::vector<float> more{nan, 0, 1, 1, 5, 5, 4, 6, 5, 5, 6, 90};
  boxes.insert(boxes.end(), more.begin(), more.end());
  CHECK(remap(boxes, kIdentity, frame(BoxPolicy::clip, 0.3, 2)).fates ==
        numbers({Fate::kept, Fate::clipped, Fate::hidden, Fate::outside, Fate::not_finite,
                 Fate::malformed, Fate::small}));
  CHECK(remap(boxes, kIdentity, frame(BoxPolicy::drop)).fates ==
        numbers({Fate::kept, Fate::cut, Fate::cut, Fate::outside, Fate::not_finite, Fate::malformed,
                 Fate::kept}));
  CHECK(remap(boxes, kIdentity, frame(BoxPolicy::keep)).fates ==
        numbers({Fate::kept, Fate::kept, Fate::kept, Fate::kept, Fate::not_finite, Fate::malformed,
                 Fate::kept}));
}

TEST_CASE("two corners suffice where the axes stay axes") {
  // The same boxes by the general way: a shear too small to matter chooses it.
  for (const double* m : {kQuarterTurn, kFlip}) {
    double sheared[6] = {m[0], m[1], m[2], m[3], m[4], m[5]};
    sheared[m[0] == 0 ? 0 : 1] = 1e-300;
    const Result straight = remap(kFour, m, frame(BoxPolicy::clip));
    const Result general = remap(kFour, sheared, frame(BoxPolicy::clip));
    CHECK(straight.boxes == general.boxes);
    CHECK(straight.fates == general.fates);
  }
}

TEST_CASE("points stay where they have a pixel") {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> points{0, 0, 200, 50, 200.01F, 50, -0.0005F, 3, 10, 100, inf, 0, 1, -5};
  Result r(7, 2);
  r.cut(irtd::remap_points(points, kIdentity, frame(BoxPolicy::clip), r.out()));
  CHECK(r.kept == std::vector<std::int64_t>{0, 1, 3, 4});
  CHECK(r.boxes == std::vector<float>{0, 0, std::nextafter(200.0F, 0.0F), 50, 0, 3, 10,
                                      std::nextafter(100.0F, 0.0F)});
  CHECK(r.fates == numbers({Fate::kept, Fate::kept, Fate::outside, Fate::kept, Fate::kept,
                            Fate::not_finite, Fate::outside}));
  Result k(7, 2);
  k.cut(irtd::remap_points(points, kIdentity, frame(BoxPolicy::keep), k.out()));
  CHECK(k.kept == std::vector<std::int64_t>{0, 1, 2, 3, 4, 6});
  CHECK(k.visible == std::vector<float>{1, 1, 0, 1, 1, 0});
}
