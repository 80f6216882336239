// How much the caches hold.
#pragma once

#include <unistd.h>

#include <cstddef>

namespace irtd::detail {

/// Bytes of the largest cache that a core reaches, 32 MiB where the system does not say.
inline std::size_t cache_bytes() noexcept {
#ifdef _SC_LEVEL3_CACHE_SIZE
  static const long found = sysconf(_SC_LEVEL3_CACHE_SIZE);
  if (found > 0) return static_cast<std::size_t>(found);
#endif
  return std::size_t{32} << 20;
}

}  // namespace irtd::detail
