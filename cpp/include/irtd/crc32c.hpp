// CRC-32C (Castagnoli), the checksum of the Zarr v3 crc32c codec and of every shard index.
#pragma once

#include <cstdint>

#include "irtd/view.hpp"

namespace irtd {

/// CRC-32C of `data` (RFC 3720, appendix B.4: "123456789" gives 0xE3069283).
///
/// `initial` is the result for the bytes before `data`, so that pieces can be chained.
std::uint32_t crc32c(Bytes data, std::uint32_t initial = 0);

/// Table-driven reference: slow, portable, and the oracle of the fast path.
std::uint32_t crc32c_reference(Bytes data, std::uint32_t initial = 0);

/// Name of the implementation `crc32c` uses here: "isal", "sse4.2" or "table".
const char* crc32c_implementation();

}  // namespace irtd
