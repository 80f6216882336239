#include "irtd/hash.hpp"

#include <algorithm>
#include <cstring>

namespace irtd {
namespace {

constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87ULL;
constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4FULL;
constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9ULL;
constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63ULL;
constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5ULL;

constexpr std::uint64_t rotate_left(std::uint64_t x, int bits) noexcept {
  return (x << bits) | (x >> (64 - bits));
}

// The specification is little-endian; both loads say so for a big-endian machine too.
std::uint64_t load64(const std::uint8_t* p) noexcept {
  std::uint64_t v = 0;
  std::memcpy(&v, p, sizeof(v));
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  v = __builtin_bswap64(v);
#endif
  return v;
}

std::uint32_t load32(const std::uint8_t* p) noexcept {
  std::uint32_t v = 0;
  std::memcpy(&v, p, sizeof(v));
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  v = __builtin_bswap32(v);
#endif
  return v;
}

constexpr std::uint64_t round_lane(std::uint64_t lane, std::uint64_t input) noexcept {
  return rotate_left(lane + input * kPrime2, 31) * kPrime1;
}

constexpr std::uint64_t merge_lane(std::uint64_t acc, std::uint64_t lane) noexcept {
  return (acc ^ round_lane(0, lane)) * kPrime1 + kPrime4;
}

/// Consumes whole 32-byte stripes and returns the first byte left over.
const std::uint8_t* consume_stripes(std::array<std::uint64_t, 4>& lanes, const std::uint8_t* p,
                                    std::size_t stripes) noexcept {
  std::array<std::uint64_t, 4> v = lanes;  // a copy the compiler can keep in registers
  for (; stripes > 0; --stripes, p += 32) {
    for (std::size_t i = 0; i < 4; ++i) v[i] = round_lane(v[i], load64(p + 8 * i));
  }
  lanes = v;
  return p;
}

std::uint64_t finish(std::uint64_t acc, const std::uint8_t* p, std::size_t size) noexcept {
  for (; size >= 8; size -= 8, p += 8) {
    acc = rotate_left(acc ^ round_lane(0, load64(p)), 27) * kPrime1 + kPrime4;
  }
  if (size >= 4) {
    acc = rotate_left(acc ^ (load32(p) * kPrime1), 23) * kPrime2 + kPrime3;
    size -= 4;
    p += 4;
  }
  for (; size > 0; --size, ++p) acc = rotate_left(acc ^ (*p * kPrime5), 11) * kPrime1;
  acc = (acc ^ (acc >> 33)) * kPrime2;
  acc = (acc ^ (acc >> 29)) * kPrime3;
  return acc ^ (acc >> 32);
}

}  // namespace

Xxh64::Xxh64(std::uint64_t seed) noexcept
    : lanes_{seed + kPrime1 + kPrime2, seed + kPrime2, seed, seed - kPrime1}, seed_(seed) {}

void Xxh64::update(Bytes data) noexcept {
  const std::uint8_t* p = data.data();
  std::size_t left = data.size();
  if (left == 0) return;
  total_ += left;
  if (tail_size_ > 0) {
    const std::size_t take = std::min(left, kStripe - tail_size_);
    std::memcpy(tail_.data() + tail_size_, p, take);
    tail_size_ += take;
    p += take;
    left -= take;
    if (tail_size_ < kStripe) return;
    consume_stripes(lanes_, tail_.data(), 1);
    tail_size_ = 0;
  }
  p = consume_stripes(lanes_, p, left / kStripe);
  tail_size_ = left % kStripe;
  if (tail_size_ > 0) std::memcpy(tail_.data(), p, tail_size_);
}

std::uint64_t Xxh64::digest() const noexcept {
  std::uint64_t acc = seed_ + kPrime5;
  if (total_ >= kStripe) {
    acc = rotate_left(lanes_[0], 1) + rotate_left(lanes_[1], 7) + rotate_left(lanes_[2], 12) +
          rotate_left(lanes_[3], 18);
    for (const std::uint64_t lane : lanes_) acc = merge_lane(acc, lane);
  }
  return finish(acc + total_, tail_.data(), tail_size_);
}

std::uint64_t xxh64(Bytes data, std::uint64_t seed) noexcept {
  Xxh64 state(seed);
  state.update(data);
  return state.digest();
}

}  // namespace irtd
