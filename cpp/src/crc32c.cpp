#include "irtd/crc32c.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#if IRTD_HAVE_ISAL
#include <isa-l/crc.h>
#endif
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace irtd {
namespace {

std::array<std::uint32_t, 256> make_table() {
  constexpr std::uint32_t kPolynomial = 0x82F63B78;  // 0x1EDC6F41 with its bits reversed
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1U) != 0 ? kPolynomial : 0);
    table[i] = value;
  }
  return table;
}

#if defined(__x86_64__)
[[maybe_unused]]
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(Bytes data, std::uint32_t initial) {
  std::uint64_t state = ~initial;
  const std::uint8_t* p = data.data();
  std::size_t left = data.size();
  for (; left >= 8; left -= 8, p += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, 8);
    state = _mm_crc32_u64(state, word);
  }
  auto tail = static_cast<std::uint32_t>(state);
  for (; left > 0; --left, ++p) tail = _mm_crc32_u8(tail, *p);
  return ~tail;
}
#endif

#if IRTD_HAVE_ISAL
std::uint32_t crc32c_isal(Bytes data, std::uint32_t initial) {
  constexpr std::size_t kPiece = std::size_t{1} << 30;  // crc32_iscsi counts in int
  std::uint32_t state = ~initial;
  for (std::size_t done = 0; done < data.size(); done += kPiece) {
    const std::size_t count = std::min(kPiece, data.size() - done);
    // ISA-L's prototype is not const-correct; it does not write.
    auto* p = const_cast<unsigned char*>(data.data() + done);
    state = crc32_iscsi(p, static_cast<int>(count), state);
  }
  return ~state;
}
#endif

}  // namespace

std::uint32_t crc32c_reference(Bytes data, std::uint32_t initial) {
  static const std::array<std::uint32_t, 256> table = make_table();
  std::uint32_t state = ~initial;
  for (const std::uint8_t byte : data) state = (state >> 8) ^ table[(state ^ byte) & 0xFFU];
  return ~state;
}

std::uint32_t crc32c(Bytes data, std::uint32_t initial) {
  if (data.empty()) return initial;
#if IRTD_HAVE_ISAL
  return crc32c_isal(data, initial);
#elif defined(__x86_64__)
  static const bool has_sse42 = __builtin_cpu_supports("sse4.2") != 0;
  return has_sse42 ? crc32c_sse42(data, initial) : crc32c_reference(data, initial);
#else
  return crc32c_reference(data, initial);
#endif
}

const char* crc32c_implementation() {
#if IRTD_HAVE_ISAL
  return "isal";
#elif defined(__x86_64__)
  return __builtin_cpu_supports("sse4.2") != 0 ? "sse4.2" : "table";
#else
  return "table";
#endif
}

}  // namespace irtd
