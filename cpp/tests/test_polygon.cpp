#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "irtd/iou.hpp"
#include "irtd/oriented.hpp"
#include "irtd/polygon.hpp"

namespace {

using irtd::BoxOptions;
using irtd::BoxPolicy;
using irtd::Fate;
using irtd::Vertices;

constexpr double kIdentity[6] = {1, 0, 0, 0, 1, 0};
const BoxOptions kFrame{10, 10, 0, 0, BoxPolicy::clip};

// A diamond of half-diagonal 2 around (x, y).
std::vector<float> diamond(float x, float y) { return {x, y - 2, x + 2, y, x, y + 2, x - 2, y}; }

struct Result {
  std::vector<float> corners;
  std::vector<float> visible;
  std::vector<std::uint8_t> fates;
};

Result remap(const std::vector<float>& corners, const BoxOptions& options) {
  const std::size_t n = corners.size() / 8;
  Result r{std::vector<float>(8 * n), std::vector<float>(n), std::vector<std::uint8_t>(n)};
  std::vector<std::int64_t> kept(n);
  const std::size_t count =
      irtd::remap_corners(corners, kIdentity, options,
                          {r.corners.data(), kept.data(), r.visible.data(), r.fates.data()});
  r.corners.resize(8 * count);
  r.visible.resize(count);
  return r;
}

std::uint8_t number(Fate fate) { return static_cast<std::uint8_t>(fate); }

}  // namespace

TEST_CASE("area has the sign of the direction") {
  const Vertices square{{0, 0}, {2, 0}, {2, 3}, {0, 3}};
  CHECK(irtd::polygon_area(square) == 6);
  const Vertices back(square.rbegin(), square.rend());
  CHECK(irtd::polygon_area(back) == -6);
  CHECK(irtd::polygon_area(Vertices{{1, 1}, {2, 2}}) == 0);
}

TEST_CASE("a concave polygon cut in two keeps the area of its parts") {
  // A U whose bottom lies below the frame: two legs of 2 x 5 stay.
  const Vertices u{{1, 5}, {3, 5}, {3, 12}, {6, 12}, {6, 5}, {8, 5}, {8, 14}, {1, 14}};
  Vertices cut;
  irtd::clip_to_frame(u, 10, 10, cut);
  CHECK(irtd::polygon_area(cut) == doctest::Approx(20));
}

TEST_CASE("an oriented box on the left edge is half visible") {
  const Result r = remap(diamond(0, 5), kFrame);
  CHECK(r.visible == std::vector<float>{0.5F});
  CHECK(r.fates[0] == number(Fate::clipped));
  // The visible half touches all but one of the box's edges in full: nothing can be cut off.
  CHECK(r.corners == diamond(0, 5));
  const Result q = remap(diamond(-1, 5), kFrame);
  CHECK(double{q.visible[0]} == doctest::Approx(0.125));
  // The tip is a diamond-edged square with corners (1,5), (0,4), (0,6) and, beyond, (-1,5).
  const std::vector<float> tip{0, 4, 1, 5, 0, 6, -1, 5};
  for (std::size_t i = 0; i < 8; ++i)
    CHECK(double{q.corners[i]} == doctest::Approx(double{tip[i]}));
}

TEST_CASE("oriented boxes follow the policies") {
  std::vector<float> all = diamond(5, 5);
  for (const auto& more : {diamond(-1, 5), diamond(-9, 5)}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  BoxOptions options = kFrame;
  options.policy = BoxPolicy::drop;
  CHECK(remap(all, options).fates ==
        std::vector<std::uint8_t>{number(Fate::kept), number(Fate::cut), number(Fate::outside)});
  options.policy = BoxPolicy::keep;
  CHECK(remap(all, options).corners == all);
  options.policy = BoxPolicy::clip;
  options.min_visible = 0.2;
  CHECK(remap(all, options).fates[1] == number(Fate::hidden));
  options.min_visible = 0;
  options.min_size = 2;  // the tip has sides of sqrt(2)
  CHECK(remap(all, options).fates ==
        std::vector<std::uint8_t>{number(Fate::kept), number(Fate::small), number(Fate::outside)});
}

TEST_CASE("corners in crossing order, in a line, in one point") {
  const std::vector<float> crossing{-2, 2, 2, 6, 2, 2, -2, 6};
  CHECK(remap(crossing, kFrame).visible == std::vector<float>{0.5F});
  const std::vector<float> line{-3, 5, 1, 5, 1, 5, -3, 5};
  const Result cut = remap(line, kFrame);
  CHECK(cut.visible == std::vector<float>{0.25F});
  CHECK(cut.corners == std::vector<float>{0, 5, 1, 5, 1, 5, 0, 5});
  CHECK(remap({5, 5, 5, 5, 5, 5, 5, 5}, kFrame).visible == std::vector<float>{1});
  CHECK(remap({-5, 5, -5, 5, -5, 5, -5, 5}, kFrame).fates[0] == number(Fate::outside));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(remap({nan, 5, 5, 5, 5, 5, 5, 5}, kFrame).fates[0] == number(Fate::not_finite));
}

TEST_CASE("polygons are cut, counted and kept apart") {
  const std::vector<float> vertices{1, 1, 3, 1, 2, 3, -2, 0, 2, 0, 2, 4, -2, 4, 50, 50};
  const std::vector<std::uint64_t> offsets{0, 3, 3, 7, 8};
  irtd::RemappedPolygons out;
  std::vector<std::uint8_t> fates(4);
  irtd::remap_polygons(vertices, offsets, 0, 4, kIdentity, kFrame, out, fates.data());
  CHECK(fates == std::vector<std::uint8_t>{number(Fate::kept), number(Fate::malformed),
                                           number(Fate::clipped), number(Fate::outside)});
  CHECK(out.kept == std::vector<std::int64_t>{0, 2});
  CHECK(out.offsets == std::vector<std::uint64_t>{3, 7});
  CHECK(out.visible == std::vector<float>{1, 0.5F});
}

TEST_CASE("intersection over union") {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> a{0, 0, 2, 2, 5, 5, 5, 9, 0, 0, inf, 2};
  const std::vector<float> b{1, 0, 3, 2, 0, 0, 2, 2};
  std::vector<double> out(6);
  irtd::box_iou(a, b, out.data());
  CHECK(out[0] == doctest::Approx(1.0 / 3));
  CHECK(out == std::vector<double>{out[0], 1, 0, 0, 0, 0});
}

TEST_CASE("intersection over union of oriented boxes") {
  // A square of side 2 and the same turned by 45 degrees share a regular octagon.
  const auto r = static_cast<float>(std::sqrt(2.0));
  const std::vector<float> square{-1, -1, 1, -1, 1, 1, -1, 1};
  const std::vector<float> turned{0, -r, r, 0, 0, r, -r, 0};
  double iou = 0;
  irtd::corners_iou(square, turned, &iou);
  const double octagon = 8 * (std::sqrt(2.0) - 1);
  CHECK(iou == doctest::Approx(octagon / (8 - octagon)));
  const std::vector<float> back{-1, 1, 1, 1, 1, -1, -1, -1};
  irtd::corners_iou(square, back, &iou);
  CHECK(iou == 1);
  const std::vector<float> beside{1, -1, 3, -1, 3, 1, 1, 1};
  irtd::corners_iou(square, beside, &iou);
  CHECK(iou == 0);
}
