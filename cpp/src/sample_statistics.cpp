#include <algorithm>
#include <mutex>
#include <vector>

#include "irtd/batch.hpp"
#include "irtd/error.hpp"
#include "irtd/parallel.hpp"
#include "irtd/statistics.hpp"

namespace irtd {
namespace {

constexpr std::size_t kCounters = 65536;

/// The histogram of one sample in memory of this thread; returns how many counters it uses.
std::size_t count_one(const PixelSource& source, std::uint64_t row,
                      std::vector<std::uint64_t>& counts) {
  thread_local std::vector<std::uint8_t> scratch;
  const Pixels pixels = source.fetch(row, scratch);
  const Picture picture = packed_picture(
      pixels.data, static_cast<std::size_t>(pixels.height), static_cast<std::size_t>(pixels.width),
      static_cast<std::size_t>(pixels.channels), static_cast<std::size_t>(pixels.itemsize));
  const std::size_t used = pixels.itemsize == 1 ? 256 : kCounters;
  counts.assign(used, 0);
  if (pixels.itemsize == 1) {
    value_histogram(picture.as<std::uint8_t>(), {}, counts);
  } else {
    value_histogram(picture.as<std::uint16_t>(), {}, counts);
  }
  return used;
}

}  // namespace

void count_samples(const std::vector<const PixelSource*>& sources,
                   const std::vector<BatchItem>& items, const std::vector<int>& groups,
                   Span<std::uint64_t> counts, int threads) {
  IRTD_REQUIRE(groups.size() == items.size(), "one group for each sample");
  const std::size_t known = counts.size() / kCounters;
  IRTD_REQUIRE(known * kCounters == counts.size(), "counts are 65536 for each group");
  for (std::size_t i = 0; i < items.size(); ++i) {
    IRTD_REQUIRE(groups[i] >= 0 && static_cast<std::size_t>(groups[i]) < known, "no such group");
    IRTD_REQUIRE(items[i].source >= 0 && static_cast<std::size_t>(items[i].source) < sources.size(),
                 "batch item names no source");
  }
  std::mutex adding;
  parallel_for(items.size(), threads, [&](std::size_t i, int) {
    thread_local std::vector<std::uint64_t> mine;
    try {
      const auto source = static_cast<std::size_t>(items[i].source);
      const std::size_t used = count_one(*sources[source], items[i].row, mine);
      std::uint64_t* total = counts.data() + static_cast<std::size_t>(groups[i]) * kCounters;
      const std::lock_guard<std::mutex> lock(adding);
      for (std::size_t v = 0; v < used; ++v) total[v] += mine[v];
    } catch (Error& error) {
      throw error.at_row(static_cast<std::int64_t>(i));
    }
  });
}

}  // namespace irtd
