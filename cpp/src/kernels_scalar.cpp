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

}  // namespace

const Kernels& scalar_kernels() {
  static const Kernels table{"scalar", min_max<std::uint8_t>, min_max<std::uint16_t>};
  return table;
}

#ifndef IRTD_HAVE_HIGHWAY
const Kernels& kernels() { return scalar_kernels(); }

std::vector<const Kernels*> all_kernels() { return {&scalar_kernels()}; }
#endif

}  // namespace irtd::detail
