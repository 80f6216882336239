#include <algorithm>

#include "kernels.hpp"

namespace irtd::detail {
namespace {

template <typename T>
void min_max(const T* p, std::size_t n, T* lo, T* hi) {
  T low = *lo;
  T high = *hi;
  for (std::size_t i = 0; i < n; ++i) {
    low = std::min(low, p[i]);
    high = std::max(high, p[i]);
  }
  *lo = low;
  *hi = high;
}

std::size_t between(const std::uint16_t* p, std::size_t n, std::uint16_t lo, std::uint16_t width,
                    std::uint64_t* below, std::uint16_t* out) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < n; ++i) {
    *below += p[i] < lo ? 1 : 0;
    if (p[i] >= lo && p[i] - lo <= width) out[kept++] = p[i];
  }
  return kept;
}

}  // namespace

const Kernels& scalar_kernels() {
  static const Kernels table{"scalar", min_max<std::uint8_t>, min_max<std::uint16_t>, between};
  return table;
}

#ifndef IRTD_HAVE_HIGHWAY
const Kernels& kernels() { return scalar_kernels(); }

std::vector<const Kernels*> all_kernels() { return {&scalar_kernels()}; }
#endif

}  // namespace irtd::detail
