// The codec chain of a Zarr v3 chunk: bytes, then any of blosc, zstd, gzip, crc32c.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "irtd/view.hpp"

namespace irtd {

enum class CodecKind { blosc, zstd, gzip, crc32c };

/// One bytes-to-bytes codec with its resolved configuration.
struct CodecSpec {
  CodecKind kind = CodecKind::crc32c;
  int level = 1;              ///< blosc clevel, zstd or gzip level
  std::string cname = "lz4";  ///< blosc inner compressor
  int shuffle = 2;            ///< blosc: 0 none, 1 byte, 2 bit
  int typesize = 1;           ///< blosc element size in bytes
  int blocksize = 0;          ///< blosc block size, 0 lets it choose
  bool checksum = false;      ///< zstd frame checksum
};

/// Encodes and decodes one chunk. Immutable and safe to use from many threads.
class CodecChain {
 public:
  /// `itemsize` and `big_endian` describe the leading `bytes` codec.
  CodecChain(std::vector<CodecSpec> codecs, int itemsize, bool big_endian = false);

  /// Decodes `encoded` into exactly `out`; anything else is Errc::corrupt.
  void decode(Bytes encoded, MutableBytes out) const;

  /// Encodes `raw` (native little-endian elements); replaces the content of `out`.
  void encode(Bytes raw, std::vector<std::uint8_t>& out) const;

  /// True if a stored chunk is the raw bytes, optionally followed by their crc32c.
  bool stores_raw() const noexcept { return stores_raw_; }
  /// True if the chain's last codec is crc32c.
  bool ends_in_crc32c() const noexcept { return ends_in_crc32c_; }
  /// Largest stored size we accept or produce for a chunk of `raw` bytes.
  std::size_t max_encoded_size(std::size_t raw) const noexcept;
  int itemsize() const noexcept { return itemsize_; }
  bool big_endian() const noexcept { return big_endian_; }

 private:
  void to_native(MutableBytes data) const;

  std::vector<CodecSpec> codecs_;
  int itemsize_;
  bool big_endian_;
  bool stores_raw_;
  bool ends_in_crc32c_;
};

}  // namespace irtd
