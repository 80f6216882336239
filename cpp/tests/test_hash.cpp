#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "irtd/hash.hpp"

namespace {

struct Vector {
  std::size_t size;
  std::uint64_t plain;   // seed 0
  std::uint64_t seeded;  // seed 0x9E3779B1
};

// Made with the xxhash package of PyPI over the bytes of test_bytes().
constexpr Vector kVectors[] = {
    {0, 0xEF46DB3751D8E999ULL, 0xAC75FDA2929B17EFULL},
    {1, 0xD2DA77930F69647CULL, 0xFCA46BD3CD88A7FAULL},
    {3, 0xF7C331CF2042B940ULL, 0xECED8531B15A34ECULL},
    {4, 0x1B042F821FC4A793ULL, 0xC1917B50DEE22D51ULL},
    {8, 0xEF7823FCE4AD9AFBULL, 0x7D844A8A275F2C80ULL},
    {14, 0xDC1F2D1AF2A8A258ULL, 0xDF543B586AB0C555ULL},
    {31, 0x68C3DBB752F3FA97ULL, 0x171D339D9312327FULL},
    {32, 0xAD7DC5A569BB047CULL, 0xE4CB66E56992FC56ULL},
    {33, 0x475B642AC692E380ULL, 0x41AF5D1786EB27D5ULL},
    {63, 0xC18C4743DE1B99A8ULL, 0x53678928A207C1A8ULL},
    {64, 0x06872C5D6370DE25ULL, 0x8026EEC23BD61D5CULL},
    {100, 0xC6BD897B47FFA277ULL, 0x153D3A14D93046AEULL},
    {222, 0xF60B350AC77C0080ULL, 0xBD2A00B34633993AULL},
    {1000, 0x7AD5B044FB6FA81DULL, 0xCD7045B973C18F19ULL},
};

std::vector<std::uint8_t> test_bytes(std::size_t n) {
  std::vector<std::uint8_t> bytes(n);
  std::uint32_t state = 1;
  for (std::uint8_t& byte : bytes) {
    state = state * 1103515245U + 12345U;
    byte = static_cast<std::uint8_t>(state >> 16);
  }
  return bytes;
}

}  // namespace

TEST_CASE("xxh64 gives the published digests") {
  for (const Vector& v : kVectors) {
    CAPTURE(v.size);
    const std::vector<std::uint8_t> bytes = test_bytes(v.size);
    CHECK(irtd::xxh64(bytes) == v.plain);
    CHECK(irtd::xxh64(bytes, 0x9E3779B1) == v.seeded);
  }
}

TEST_CASE("xxh64 in pieces of any size is the same") {
  const std::vector<std::uint8_t> bytes = test_bytes(1000);
  for (const std::size_t piece : {1, 3, 31, 32, 33, 64, 999}) {
    CAPTURE(piece);
    irtd::Xxh64 state;
    for (std::size_t i = 0; i < bytes.size(); i += piece) {
      const std::size_t n = std::min<std::size_t>(piece, bytes.size() - i);
      state.update({bytes.data() + i, n});
      state.update({});  // nothing is no bytes
    }
    CHECK(state.digest() == 0x7AD5B044FB6FA81DULL);
    CHECK(state.digest() == state.digest());
  }
}
