// XXH64: the content digest of source files and of stored plans.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "irtd/view.hpp"

namespace irtd {

/// XXH64 of `data`, as the published specification defines it (xxHash fast digest algorithm,
/// version 0.1.1, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md).
///
/// Not cryptographic: it tells damaged from intact, not forged from genuine.
std::uint64_t xxh64(Bytes data, std::uint64_t seed = 0) noexcept;

/// The same digest over data that arrives in pieces; pieces may have any size.
class Xxh64 {
 public:
  explicit Xxh64(std::uint64_t seed = 0) noexcept;

  /// Appends `data` to what has been hashed so far.
  void update(Bytes data) noexcept;

  /// The digest of everything so far; more may be appended afterwards.
  std::uint64_t digest() const noexcept;

 private:
  static constexpr std::size_t kStripe = 32;

  std::array<std::uint64_t, 4> lanes_;
  std::array<std::uint8_t, kStripe> tail_{};  ///< bytes that do not fill a stripe yet
  std::size_t tail_size_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t seed_;
};

}  // namespace irtd
