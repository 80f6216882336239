#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "irtd/codec.hpp"
#include "shard_index.hpp"
#include "support.hpp"

namespace {

using irtd::Bytes;
using irtd::CodecChain;
using irtd::CodecKind;
using irtd::CodecSpec;
using irtd::Errc;
using irtd::MutableBytes;
using irtd::testing::caught;
using irtd::testing::Data;
using irtd::testing::noise;
using irtd::testing::smooth;
using irtd::testing::throws;

CodecSpec spec(CodecKind kind, int level = 1, bool checksum = false) {
  CodecSpec s;
  s.kind = kind;
  s.level = level;
  s.checksum = checksum;
  return s;
}

CodecSpec blosc(const std::string& cname, int level, int shuffle, int typesize, int blocksize = 0) {
  CodecSpec s = spec(CodecKind::blosc, level);
  s.cname = cname;
  s.shuffle = shuffle;
  s.typesize = typesize;
  s.blocksize = blocksize;
  return s;
}

const CodecSpec kCrc = spec(CodecKind::crc32c);
const CodecSpec kGzip = spec(CodecKind::gzip, 6);
const CodecSpec kZstd = spec(CodecKind::zstd, 3);
const CodecSpec kCheckedZstd = spec(CodecKind::zstd, 1, true);
const CodecSpec kBlosc = blosc("lz4", 5, 2, 2);

/// One chain of every kind, and the mixtures that take different ways through the buffers.
std::vector<std::vector<CodecSpec>> chains() {
  std::vector<std::vector<CodecSpec>> all{
      {},
      {kCrc},
      {kZstd},
      {kCheckedZstd},
      {spec(CodecKind::zstd, -5), kCrc},
      {kGzip},
      {spec(CodecKind::gzip, 0), kCrc},
      {kBlosc, kCrc},
      {kCrc, kCrc},
      {kCrc, kZstd},
      {kCrc, kZstd, kCrc},
      {kZstd, kGzip, kCrc},
      {kGzip, kZstd, kBlosc, kCrc},
      {kBlosc, kCrc, kZstd, kCrc, kGzip},
  };
  for (const char* cname : {"blosclz", "lz4", "lz4hc", "zlib", "zstd"}) {
    for (int shuffle = 0; shuffle <= 2; ++shuffle) {
      all.push_back({blosc(cname, 1 + shuffle * 4, shuffle, 2, shuffle == 1 ? 4096 : 0), kCrc});
    }
  }
  return all;
}

std::string name_of(const std::vector<CodecSpec>& codecs) {
  std::string name = "bytes";
  for (const CodecSpec& s : codecs) {
    const char* kinds[] = {"blosc:", "zstd", "gzip", "crc32c"};
    name += std::string(" ") + kinds[static_cast<int>(s.kind)];
    if (s.kind == CodecKind::blosc) name += s.cname + std::to_string(s.shuffle);
  }
  return name;
}

Data encode(const CodecChain& chain, const Data& raw) {
  Data out{1, 2, 3};  // whatever was there goes
  chain.encode(Bytes(raw), out);
  return out;
}

Data decode(const CodecChain& chain, Bytes encoded, std::size_t n) {
  Data out(n, 0xA5);
  chain.decode(encoded, MutableBytes(out));
  return out;
}

/// Decodes damaged bytes: "corrupt", "right" or "differs".
std::string outcome(const CodecChain& chain, const Data& damaged, const Data& raw) {
  Data out(raw.size());
  const auto error = caught([&] { chain.decode(Bytes(damaged), MutableBytes(out)); });
  if (error) return error->code() == Errc::corrupt ? "corrupt" : "another error";
  return out == raw ? "right" : "differs";
}

}  // namespace

TEST_CASE("every chain gives back what it was given") {
  for (const auto& codecs : chains()) {
    CAPTURE(name_of(codecs));
    for (const int itemsize : {1, 2, 4, 8}) {
      for (const bool big_endian : {false, true}) {
        const CodecChain chain(codecs, itemsize, big_endian);
        for (const std::size_t n : {std::size_t{8}, std::size_t{56}, std::size_t{40000}}) {
          for (const Data& raw : {noise(n, 5), smooth(n, 6), Data(n, 0)}) {
            const Data encoded = encode(chain, raw);
            REQUIRE(encoded.size() <= chain.max_encoded_size(n));
            REQUIRE(decode(chain, Bytes(encoded), n) == raw);
          }
        }
      }
    }
  }
}

TEST_CASE("big-endian elements are swapped, by their size") {
  const Data raw{1, 2, 3, 4, 5, 6, 7, 8};
  CHECK(encode(CodecChain({}, 2, true), raw) == Data{2, 1, 4, 3, 6, 5, 8, 7});
  CHECK(encode(CodecChain({}, 4, true), raw) == Data{4, 3, 2, 1, 8, 7, 6, 5});
  CHECK(encode(CodecChain({}, 8, true), raw) == Data{8, 7, 6, 5, 4, 3, 2, 1});
  CHECK(encode(CodecChain({}, 1, true), raw) == raw);
  CHECK_FALSE(CodecChain({}, 1, true).big_endian());
}

TEST_CASE("a chain says how it stores") {
  CHECK(CodecChain({}, 2).stores_raw());
  CHECK(CodecChain({kCrc}, 2).stores_raw());
  CHECK(CodecChain({kCrc}, 2).ends_in_crc32c());
  CHECK_FALSE(CodecChain({kCrc}, 2, true).stores_raw());
  CHECK_FALSE(CodecChain({kCrc, kCrc}, 2).stores_raw());
  CHECK_FALSE(CodecChain({kZstd, kCrc}, 2).stores_raw());
  CHECK(CodecChain({kZstd, kCrc}, 2).ends_in_crc32c());
  CHECK_FALSE(CodecChain({kCrc, kZstd}, 2).ends_in_crc32c());
}

TEST_CASE("an output of another length is refused") {
  const Data raw = smooth(64, 9);
  for (const auto& codecs : chains()) {
    CAPTURE(name_of(codecs));
    const CodecChain chain(codecs, 2);
    const Data encoded = encode(chain, raw);
    for (const std::size_t n : {2, 32, 62, 66, 128, 4096}) {
      CHECK(throws(Errc::corrupt, [&] { decode(chain, Bytes(encoded), n); }));
    }
  }
}

TEST_CASE("a chunk cut at any length, or with bytes behind it, is refused") {
  const Data raw = smooth(64, 10);
  for (const auto& codecs : chains()) {
    CAPTURE(name_of(codecs));
    const CodecChain chain(codecs, 2);
    const Data encoded = encode(chain, raw);
    for (std::size_t n = 0; n < encoded.size(); ++n) {
      CAPTURE(n);
      // A copy of its own, so that reading past the end is seen by the sanitizer.
      const Data cut(encoded.begin(), encoded.begin() + static_cast<std::ptrdiff_t>(n));
      CHECK(outcome(chain, cut, raw) == "corrupt");
    }
    for (const std::size_t extra : {1, 4, 100}) {
      Data longer = encoded;
      longer.resize(longer.size() + extra, 0x5A);
      CHECK(outcome(chain, longer, raw) == "corrupt");
    }
  }
}

TEST_CASE("no flipped bit passes a crc32c at the end") {
  for (const auto& codecs : chains()) {
    if (codecs.empty() || codecs.back().kind != CodecKind::crc32c) continue;
    CAPTURE(name_of(codecs));
    const Data raw = smooth(64, 11);
    const CodecChain chain(codecs, 2);
    Data encoded = encode(chain, raw);
    for (std::size_t bit = 0; bit < encoded.size() * 8; ++bit) {
      encoded[bit / 8] = static_cast<std::uint8_t>(encoded[bit / 8] ^ (1U << (bit % 8)));
      REQUIRE(outcome(chain, encoded, raw) == "corrupt");
      encoded[bit / 8] = static_cast<std::uint8_t>(encoded[bit / 8] ^ (1U << (bit % 8)));
    }
  }
}

TEST_CASE("no flipped bit passes the checksum of a compressor") {
  const Data raw = smooth(64, 12);
  for (const auto& codecs : {std::vector<CodecSpec>{kCheckedZstd}, {kGzip}, {kCrc, kZstd}}) {
    CAPTURE(name_of(codecs));
    const CodecChain chain(codecs, 1);
    Data encoded = encode(chain, raw);
    for (std::size_t bit = 0; bit < encoded.size() * 8; ++bit) {
      encoded[bit / 8] = static_cast<std::uint8_t>(encoded[bit / 8] ^ (1U << (bit % 8)));
      // Some header bits (a time, a window size) change nothing about the content.
      const std::string seen = outcome(chain, encoded, raw);
      REQUIRE((seen == "corrupt" || seen == "right"));
      encoded[bit / 8] = static_cast<std::uint8_t>(encoded[bit / 8] ^ (1U << (bit % 8)));
    }
  }
}

TEST_CASE("flipped bits without any checksum stay within the chunk") {
  const Data raw = smooth(256, 13);
  for (const auto& codecs : {std::vector<CodecSpec>{kZstd}, {kBlosc}, {kZstd, kBlosc}}) {
    const CodecChain chain(codecs, 1);
    Data encoded = encode(chain, raw);
    for (std::size_t bit = 0; bit < encoded.size() * 8; ++bit) {
      encoded[bit / 8] = static_cast<std::uint8_t>(encoded[bit / 8] ^ (1U << (bit % 8)));
      REQUIRE(outcome(chain, encoded, raw) != "another error");
      encoded[bit / 8] = static_cast<std::uint8_t>(encoded[bit / 8] ^ (1U << (bit % 8)));
    }
  }
}

TEST_CASE("a frame that holds more than the chunk is refused") {
  const Data zeros(std::size_t{8} << 20, 0);
  for (const CodecSpec& codec : {kZstd, kCheckedZstd, kGzip, kBlosc}) {
    const CodecChain chain({codec}, 1);
    const Data bomb = encode(chain, zeros);
    CHECK(bomb.size() < zeros.size() / 50);
    CHECK(throws(Errc::corrupt, [&] { decode(chain, Bytes(bomb), 64); }));
    // Neither does one inside a chain get more than a little above the chunk's own size.
    const CodecChain nested({kZstd, codec}, 1);
    CHECK(throws(Errc::corrupt, [&] { decode(nested, Bytes(bomb), 64); }));
  }
}

TEST_CASE("zstd frames that lie about their size, or do not say it") {
  const CodecChain chain({kZstd}, 1);
  // RFC 8878: no content size, a window of 128 KiB, one last RLE block of 128 KiB sevens.
  const Data silent{0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x38, 0x03, 0x00, 0x10, 7};
  const std::size_t n = std::size_t{128} << 10;
  CHECK(decode(chain, Bytes(silent), n) == Data(n, 7));
  CHECK(throws(Errc::corrupt, [&] { decode(chain, Bytes(silent), n - 1); }));
  CHECK(throws(Errc::corrupt, [&] { decode(chain, Bytes(silent), n + 1); }));
  CHECK(throws(Errc::corrupt, [&] { decode(chain, Bytes(silent), 64); }));
  // The same block in a frame that declares 2^60 bytes.
  const Data liar{0x28, 0xB5, 0x2F, 0xFD, 0xC0, 0x38, 0,    0,    0,
                  0,    0,    0,    0,    0x10, 0x03, 0x00, 0x10, 7};
  CHECK(throws(Errc::corrupt, [&] { decode(chain, Bytes(liar), n); }));
}

TEST_CASE("blosc garbage is refused or stays within the chunk") {
  const CodecChain chain({kBlosc}, 1);
  for (unsigned seed = 0; seed < 4000; ++seed) {
    Data garbage = noise(seed % 97, seed);
    if (garbage.size() >= 16 && seed % 2 == 0) {  // a header that looks like one
      garbage[0] = 2;
      garbage[1] = 1;
      garbage[2] = static_cast<std::uint8_t>(seed & 0xE7U);
      garbage[3] = static_cast<std::uint8_t>(1 + seed % 8);
      irtd::store_le32(garbage.data() + 4, 128);
      if (seed % 4 == 0) irtd::store_le32(garbage.data() + 8, 64);
      irtd::store_le32(garbage.data() + 12, static_cast<std::uint32_t>(garbage.size()));
    }
    Data out(128);
    const auto error = caught([&] { chain.decode(Bytes(garbage), MutableBytes(out)); });
    REQUIRE((!error || error->code() == Errc::corrupt));
  }
}

TEST_CASE("settings that mean nothing are refused") {
  const Data raw = smooth(64, 14);
  CHECK(throws(Errc::invalid_argument, [] { CodecChain({}, 3); }));
  CHECK(throws(Errc::invalid_argument, [] { CodecChain(std::vector<CodecSpec>(9, kCrc), 1); }));
  CHECK(throws(Errc::unsupported, [&] { encode(CodecChain({blosc("none", 1, 0, 1)}, 1), raw); }));
  for (const CodecSpec& bad :
       {blosc("lz4", 10, 0, 1), blosc("lz4", -1, 0, 1), blosc("lz4", 1, 3, 1),
        blosc("lz4", 1, 0, 0), blosc("lz4", 1, 0, 256), blosc("lz4", 1, 0, 1, -1),
        spec(CodecKind::gzip, 10)}) {
    CHECK(throws(Errc::invalid_argument, [&] { encode(CodecChain({bad}, 1), raw); }));
  }
}

TEST_CASE("one chain serves many threads") {
  const CodecChain chain({kBlosc, kZstd, kCrc}, 2, true);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 6; ++t) {
    threads.emplace_back([&chain, &wrong, t] {
      for (unsigned i = 0; i < 30; ++i) {
        const Data raw = smooth(1000 + 200 * ((t + i) % 5), t * 100 + i);
        Data encoded;
        Data out(raw.size());
        chain.encode(Bytes(raw), encoded);
        chain.decode(Bytes(encoded), MutableBytes(out));
        if (out != raw) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}
