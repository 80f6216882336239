// Multi-index search in Hamming space (M. Norouzi, A. Punjani, D. J. Fleet, Fast Search in Hamming
// Space with Multi-Index Hashing, CVPR 2012): of 8 bands of 16 bits, two hashes that differ in at
// most r bits agree in one up to r / 8 bits.
#include <algorithm>
#include <array>
#include <unordered_map>

#include "irtd/error.hpp"
#include "irtd/parallel.hpp"
#include "irtd/phash.hpp"

namespace irtd {
namespace {

constexpr std::size_t kBands = 8;
constexpr int kMaxFlips = 2;       // of a band: 137 look-ups
constexpr std::size_t kFew = 512;  // below that, comparing with all is faster

/// Bits set in two words (H. S. Warren, Hacker's Delight, section 5-1); without an instruction for
/// it in the baseline target the builtin would be a call.
int popcount2(std::uint64_t a, std::uint64_t b) noexcept {
  constexpr std::uint64_t k1 = 0x5555555555555555ULL;
  constexpr std::uint64_t k2 = 0x3333333333333333ULL;
  constexpr std::uint64_t k4 = 0x0F0F0F0F0F0F0F0FULL;
  a -= (a >> 1) & k1;
  b -= (b >> 1) & k1;
  a = (a & k2) + ((a >> 2) & k2);
  b = (b & k2) + ((b >> 2) & k2);
  const std::uint64_t bytes = ((a + (a >> 4)) & k4) + ((b + (b >> 4)) & k4);
  return static_cast<int>((bytes * 0x0101010101010101ULL) >> 56);
}

std::uint16_t band_of(const PerceptualHash& hash, std::size_t band) noexcept {
  const std::uint64_t half = band < kBands / 2 ? hash.structure : hash.gradient;
  return static_cast<std::uint16_t>(half >> (16 * (band % (kBands / 2))));
}

bool is_flat(const PerceptualHash& hash) noexcept { return (hash.structure | hash.gradient) == 0; }

/// Masks of up to `flips` bits of a band, fewest first.
std::vector<std::uint16_t> masks_of(int flips) {
  std::vector<std::uint16_t> masks{0};
  for (unsigned a = 0; flips >= 1 && a < 16; ++a) {
    masks.push_back(static_cast<std::uint16_t>(1U << a));
  }
  for (unsigned a = 0; flips >= 2 && a < 16; ++a) {
    for (unsigned b = a + 1; b < 16; ++b) {
      masks.push_back(static_cast<std::uint16_t>((1U << a) | (1U << b)));
    }
  }
  return masks;
}

/// Hashes by their bands; more may be added at any time.
class BandIndex {
 public:
  explicit BandIndex(int radius)
      : radius_(radius), flips_(radius / static_cast<int>(kBands)), masks_(masks_of(flips_)) {}

  void add(const PerceptualHash& hash, std::int64_t index) {
    if (usable() && hashes_.size() == kFew) {
      for (auto& band : buckets_) band.resize(std::size_t{1} << 16);
      for (std::size_t i = 0; i < kFew; ++i) insert(i);
    }
    hashes_.push_back(hash);
    indices_.push_back(index);
    if (usable() && hashes_.size() > kFew) insert(hashes_.size() - 1);
  }

  /// The nearest within the radius, of equally near ones the first added.
  Neighbour nearest(const PerceptualHash& hash) const {
    Best best{radius_ + 1, 0};  // equally far ones do not come before it
    if (!usable() || hashes_.size() <= kFew) {
      for (std::size_t i = 0; i < hashes_.size(); ++i) consider(hash, i, best);
    } else {
      for (std::size_t band = 0; band < kBands; ++band) {
        const std::uint16_t key = band_of(hash, band);
        for (const std::uint16_t mask : masks_) {
          for (const std::uint32_t i : buckets_[band][key ^ mask]) consider(hash, i, best);
        }
      }
    }
    if (best.distance > radius_) return {};
    return {indices_[best.at], best.distance};
  }

 private:
  struct Best {
    int distance;
    std::size_t at;
  };

  bool usable() const noexcept { return flips_ <= kMaxFlips; }

  void insert(std::size_t i) {
    for (std::size_t band = 0; band < kBands; ++band) {
      buckets_[band][band_of(hashes_[i], band)].push_back(static_cast<std::uint32_t>(i));
    }
  }

  void consider(const PerceptualHash& hash, std::size_t i, Best& best) const noexcept {
    const int distance = hamming_distance(hash, hashes_[i]);
    if (distance < best.distance || (distance == best.distance && i < best.at)) {
      best = {distance, i};
    }
  }

  int radius_;
  int flips_;
  std::vector<std::uint16_t> masks_;
  std::vector<PerceptualHash> hashes_;
  std::vector<std::int64_t> indices_;
  std::array<std::vector<std::vector<std::uint32_t>>, kBands> buckets_;
};

struct HashOfHash {
  std::size_t operator()(const PerceptualHash& hash) const noexcept {
    return static_cast<std::size_t>(hash.structure ^ (hash.gradient * 0x9E3779B97F4A7C15ULL));
  }
};

std::vector<Neighbour> search(const BandIndex& index, Span<const PerceptualHash> queries,
                              int threads) {
  std::vector<Neighbour> result(queries.size());
  constexpr std::size_t kPiece = 16;
  const std::size_t pieces = (queries.size() + kPiece - 1) / kPiece;
  parallel_for(pieces, threads > 0 ? threads : available_threads(), [&](std::size_t piece, int) {
    const std::size_t end = std::min(queries.size(), (piece + 1) * kPiece);
    for (std::size_t i = piece * kPiece; i < end; ++i) {
      if (!is_flat(queries[i])) result[i] = index.nearest(queries[i]);
    }
  });
  return result;
}

void check(std::size_t count, int radius) {
  IRTD_REQUIRE(radius >= 0 && radius <= 128, "radius must be 0..128 bits");
  IRTD_REQUIRE(count < (std::size_t{1} << 32), "at most 2**32 hashes");
}

}  // namespace

int hamming_distance(const PerceptualHash& a, const PerceptualHash& b) noexcept {
  return popcount2(a.structure ^ b.structure, a.gradient ^ b.gradient);
}

std::vector<Neighbour> near_leaders(Span<const PerceptualHash> hashes, int radius, int threads) {
  check(hashes.size(), radius);
  BandIndex leaders(radius);
  // Frames of a still camera repeat whole hashes; those need no search.
  std::unordered_map<PerceptualHash, Neighbour, HashOfHash> seen;
  std::vector<Neighbour> result(hashes.size());
  constexpr std::size_t kBlock = 256;
  for (std::size_t begin = 0; begin < hashes.size(); begin += kBlock) {
    // Leaders of earlier blocks are looked for over threads, those of this one as they arise.
    const std::size_t count = std::min(kBlock, hashes.size() - begin);
    const Span<const PerceptualHash> block = hashes.subspan(begin, count);
    const std::vector<Neighbour> earlier = search(leaders, block, threads);
    std::vector<std::size_t> fresh;
    for (std::size_t i = begin; i < begin + count; ++i) {
      result[i] = {static_cast<std::int64_t>(i), 0};
      if (is_flat(hashes[i])) continue;
      const auto known = seen.find(hashes[i]);
      if (known != seen.end()) {
        result[i] = known->second;
        continue;
      }
      Neighbour best = earlier[i - begin];
      for (const std::size_t other : fresh) {
        const int distance = hamming_distance(hashes[i], hashes[other]);
        if (distance <= radius && (best.index < 0 || distance < best.distance)) {
          best = {static_cast<std::int64_t>(other), distance};
        }
      }
      if (best.index >= 0) {
        result[i] = best;
      } else {
        fresh.push_back(i);
      }
      seen.emplace(hashes[i], result[i]);
    }
    for (const std::size_t i : fresh) leaders.add(hashes[i], static_cast<std::int64_t>(i));
  }
  return result;
}

std::vector<Neighbour> near_neighbours(Span<const PerceptualHash> queries,
                                       Span<const PerceptualHash> base, int radius, int threads) {
  check(base.size(), radius);
  BandIndex index(radius);
  std::unordered_map<PerceptualHash, bool, HashOfHash> seen;
  for (std::size_t i = 0; i < base.size(); ++i) {
    if (is_flat(base[i]) || !seen.emplace(base[i], true).second) continue;
    index.add(base[i], static_cast<std::int64_t>(i));
  }
  return search(index, queries, threads);
}

}  // namespace irtd
