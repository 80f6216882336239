// Reads every stored byte of a shard and says what is wrong with it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "irtd/shard_reader.hpp"

namespace irtd {

struct ShardReport {
  std::uint64_t bytes = 0;
  std::uint64_t digest = 0;  ///< as shard_digest()
  std::uint64_t present = 0;
  std::vector<std::uint64_t> holes;                          ///< rows whose chunk is missing
  std::vector<std::pair<std::int64_t, std::string>> damage;  ///< row (-1: the file) and why
};

/// Decodes every chunk of shard `number`; damage is reported, not thrown.
ShardReport verify_shard(const ShardReader& reader, std::uint64_t number, int threads);

}  // namespace irtd
