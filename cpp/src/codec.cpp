#include "irtd/codec.hpp"

#include <blosc.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include "irtd/crc32c.hpp"
#include "irtd/error.hpp"
#include "shard_index.hpp"

namespace irtd {
namespace {

constexpr std::size_t kCrcBytes = 4;
using Buffer = std::vector<std::uint8_t>;

[[noreturn]] void corrupt(const std::string& message) { throw Error(Errc::corrupt, message); }

void append_crc(Buffer& out) {
  const std::uint32_t crc = crc32c(Bytes(out));
  out.resize(out.size() + kCrcBytes);
  store_le32(out.data() + out.size() - kCrcBytes, crc);
}

// ---- crc32c ----------------------------------------------------------------------------------

Bytes check_crc(Bytes in) {
  if (in.size() < kCrcBytes) corrupt("chunk is shorter than its crc32c");
  const Bytes body = in.subspan(0, in.size() - kCrcBytes);
  check_stored_crc(body, in.data() + body.size());
  return body;
}

// ---- zstd ------------------------------------------------------------------------------------

struct ZstdFree {
  void operator()(ZSTD_DCtx* ctx) const { ZSTD_freeDCtx(ctx); }
  void operator()(ZSTD_CCtx* ctx) const { ZSTD_freeCCtx(ctx); }
};

std::size_t zstd_size_hint(Bytes in) {
  const unsigned long long size = ZSTD_getFrameContentSize(in.data(), in.size());
  if (size == ZSTD_CONTENTSIZE_ERROR) corrupt("not a zstd frame");
  if (size == ZSTD_CONTENTSIZE_UNKNOWN) return 0;
  return static_cast<std::size_t>(size);
}

std::size_t zstd_decode(Bytes in, MutableBytes out) {
  thread_local const std::unique_ptr<ZSTD_DCtx, ZstdFree> context(ZSTD_createDCtx());
  if (!context) throw std::bad_alloc();
  const std::size_t declared = zstd_size_hint(in);
  if (declared > out.size()) corrupt("zstd frame declares more bytes than the chunk holds");
  const std::size_t n =
      ZSTD_decompressDCtx(context.get(), out.data(), out.size(), in.data(), in.size());
  if (ZSTD_isError(n) != 0) corrupt(std::string("zstd: ") + ZSTD_getErrorName(n));
  return n;
}

void zstd_encode(const CodecSpec& spec, Bytes in, Buffer& out) {
  thread_local const std::unique_ptr<ZSTD_CCtx, ZstdFree> context(ZSTD_createCCtx());
  if (!context) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, spec.level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, spec.checksum ? 1 : 0);
  out.resize(ZSTD_compressBound(in.size()));
  const std::size_t n = ZSTD_compress2(context.get(), out.data(), out.size(), in.data(), in.size());
  if (ZSTD_isError(n) != 0) {
    throw Error(Errc::internal, std::string("zstd: ") + ZSTD_getErrorName(n));
  }
  out.resize(n);
}

// ---- blosc -----------------------------------------------------------------------------------

std::size_t blosc_size(Bytes in) {
  std::size_t n = 0;
  if (blosc_cbuffer_validate(in.data(), in.size(), &n) != 0) corrupt("not a valid blosc frame");
  return n;
}

std::size_t blosc_decode(Bytes in, MutableBytes out) {
  const std::size_t declared = blosc_size(in);
  if (declared > out.size()) corrupt("blosc frame declares more bytes than the chunk holds");
  const int n = blosc_decompress_ctx(in.data(), out.data(), out.size(), 1);
  if (n < 0 || static_cast<std::size_t>(n) != declared) corrupt("blosc frame does not decompress");
  return declared;
}

void blosc_encode(const CodecSpec& spec, Bytes in, Buffer& out) {
  IRTD_REQUIRE(in.size() <= static_cast<std::size_t>(BLOSC_MAX_BUFFERSIZE),
               "blosc chunks hold at most 2 GiB");
  if (blosc_compname_to_compcode(spec.cname.c_str()) < 0) {
    throw Error(Errc::unsupported, "blosc cannot compress with " + spec.cname);
  }
  IRTD_REQUIRE(spec.level >= 0 && spec.level <= 9, "blosc level must be 0..9");
  IRTD_REQUIRE(spec.shuffle >= 0 && spec.shuffle <= 2, "blosc shuffle must be 0, 1 or 2");
  IRTD_REQUIRE(spec.typesize >= 1 && spec.typesize <= BLOSC_MAX_TYPESIZE && spec.blocksize >= 0,
               "blosc typesize must be 1..255 and its block size not negative");
  out.resize(in.size() + BLOSC_MAX_OVERHEAD);
  const int n = blosc_compress_ctx(
      spec.level, spec.shuffle, static_cast<std::size_t>(spec.typesize), in.size(), in.data(),
      out.data(), out.size(), spec.cname.c_str(), static_cast<std::size_t>(spec.blocksize), 1);
  if (n <= 0) throw Error(Errc::unsupported, "blosc cannot compress with " + spec.cname);
  out.resize(static_cast<std::size_t>(n));
}

// ---- gzip ------------------------------------------------------------------------------------

constexpr int kGzipWindow = 15 + 16;  // 15 window bits, +16 selects the gzip wrapper

struct InflateEnd {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

struct DeflateEnd {
  void operator()(z_stream* stream) const { deflateEnd(stream); }
};

uInt checked_uint(std::size_t n) {
  if (n > std::numeric_limits<uInt>::max()) {
    throw Error(Errc::unsupported, "gzip chunks hold at most 4 GiB");
  }
  return static_cast<uInt>(n);
}

std::size_t gzip_decode(Bytes in, MutableBytes out) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) throw Error(Errc::internal, "inflateInit2");
  const std::unique_ptr<z_stream, InflateEnd> guard(&stream);
  stream.next_in = const_cast<Bytef*>(in.data());
  stream.avail_in = checked_uint(in.size());
  stream.next_out = out.data();
  stream.avail_out = checked_uint(out.size());
  const int status = inflate(&stream, Z_FINISH);
  if (status != Z_STREAM_END) corrupt("gzip stream is damaged or longer than the chunk");
  if (stream.avail_in != 0) corrupt("bytes follow the gzip stream");
  return out.size() - stream.avail_out;
}

void gzip_encode(const CodecSpec& spec, Bytes in, Buffer& out) {
  z_stream stream{};
  if (deflateInit2(&stream, spec.level, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw Error(Errc::invalid_argument, "gzip level must be 0..9");
  }
  const std::unique_ptr<z_stream, DeflateEnd> guard(&stream);
  out.resize(deflateBound(&stream, static_cast<uLong>(in.size())));
  stream.next_in = const_cast<Bytef*>(in.data());
  stream.avail_in = checked_uint(in.size());
  stream.next_out = out.data();
  stream.avail_out = checked_uint(out.size());
  const int status = deflate(&stream, Z_FINISH);
  if (status != Z_STREAM_END) throw Error(Errc::internal, "deflate did not finish");
  out.resize(out.size() - stream.avail_out);
}

// ---- dispatch --------------------------------------------------------------------------------

std::size_t decode_one(CodecKind kind, Bytes in, MutableBytes out) {
  switch (kind) {
    case CodecKind::blosc:
      return blosc_decode(in, out);
    case CodecKind::zstd:
      return zstd_decode(in, out);
    case CodecKind::gzip:
      return gzip_decode(in, out);
    case CodecKind::crc32c:
      break;
  }
  throw Error(Errc::internal, "crc32c is not a compressor");
}

void swap_elements(MutableBytes data, std::size_t itemsize) {
  for (std::size_t i = 0; i + itemsize <= data.size(); i += itemsize) {
    std::reverse(data.data() + i, data.data() + i + itemsize);
  }
}

}  // namespace

CodecChain::CodecChain(std::vector<CodecSpec> codecs, int itemsize, bool big_endian)
    : codecs_(std::move(codecs)), itemsize_(itemsize), big_endian_(big_endian && itemsize > 1) {
  IRTD_REQUIRE(itemsize == 1 || itemsize == 2 || itemsize == 4 || itemsize == 8,
               "itemsize must be 1, 2, 4 or 8");
  IRTD_REQUIRE(codecs_.size() <= 8, "a codec chain holds at most 8 codecs");
  ends_in_crc32c_ = !codecs_.empty() && codecs_.back().kind == CodecKind::crc32c;
  stores_raw_ = !big_endian_ && (codecs_.empty() || (codecs_.size() == 1 && ends_in_crc32c_));
}

std::size_t CodecChain::max_encoded_size(std::size_t raw) const noexcept {
  return raw + raw / 16 + 65536;  // above the bound of every codec here, with room for wrappers
}

void CodecChain::to_native(MutableBytes data) const {
  if (big_endian_) swap_elements(data, static_cast<std::size_t>(itemsize_));
}

void CodecChain::decode(Bytes encoded, MutableBytes out) const {
  thread_local Buffer scratch[2];
  Bytes current = encoded;
  int flip = 0;
  std::size_t first_compressor = codecs_.size();
  for (std::size_t i = 0; i < codecs_.size(); ++i) {
    if (codecs_[i].kind != CodecKind::crc32c) {
      first_compressor = i;
      break;
    }
  }
  bool in_out = false;
  for (std::size_t i = codecs_.size(); i-- > 0;) {
    if (codecs_[i].kind == CodecKind::crc32c) {
      current = check_crc(current);
      continue;
    }
    // The innermost compressor with no checksum inside it can write straight to the caller.
    const bool last = i == first_compressor && i == 0;
    Buffer& buffer = scratch[flip];
    if (!last) buffer.resize(max_encoded_size(out.size()));
    const MutableBytes target = last ? out : MutableBytes(buffer);
    const std::size_t n = decode_one(codecs_[i].kind, current, target);
    current = Bytes(target.data(), n);
    in_out = last;
    flip ^= 1;
  }
  if (current.size() != out.size()) {
    corrupt("chunk decodes to " + std::to_string(current.size()) + " bytes, expected " +
            std::to_string(out.size()));
  }
  if (!in_out && !out.empty()) std::memcpy(out.data(), current.data(), out.size());
  to_native(out);
}

void CodecChain::encode(Bytes raw, Buffer& out) const {
  thread_local Buffer next;
  thread_local Buffer swapped;
  Bytes current = raw;
  if (big_endian_) {
    swapped.assign(raw.begin(), raw.end());
    to_native(MutableBytes(swapped));  // swapping is its own inverse
    current = Bytes(swapped);
  }
  bool in_out = false;  // whether `current` is `out` itself
  for (const CodecSpec& spec : codecs_) {
    if (spec.kind == CodecKind::crc32c) {
      if (!in_out) out.assign(current.begin(), current.end());
      append_crc(out);
    } else {
      if (spec.kind == CodecKind::blosc) blosc_encode(spec, current, next);
      if (spec.kind == CodecKind::zstd) zstd_encode(spec, current, next);
      if (spec.kind == CodecKind::gzip) gzip_encode(spec, current, next);
      out.swap(next);
    }
    current = Bytes(out);
    in_out = true;
  }
  if (!in_out) out.assign(current.begin(), current.end());
}

}  // namespace irtd
