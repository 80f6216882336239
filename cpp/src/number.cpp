// Decimal numbers, strictly: the grammar is checked here, so that what the library reads is one.
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <locale>
#include <sstream>
#include <string>

#include "irtd/rows.hpp"

namespace irtd {
namespace {

constexpr std::array<double, 23> kPowers = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                            1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                            1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr std::uint64_t kExact = std::uint64_t{1} << 53;

bool is_digit(std::uint8_t c) noexcept { return c >= '0' && c <= '9'; }

bool is_nan(const std::uint8_t* p, const std::uint8_t* end) noexcept {
  return end - p == 3 && (p[0] | 0x20) == 'n' && (p[1] | 0x20) == 'a' && (p[2] | 0x20) == 'n';
}

/// What a scan of the digits found: 0.`digits`… times ten to the power `count - scale`.
struct Decimal {
  std::uint64_t digits = 0;  ///< the first 19 digits as a whole number
  int count = 0;             ///< digits behind the leading zeros
  int seen = 0;              ///< digits at all
  int scale = 0;             ///< digits behind the point
};

const std::uint8_t* scan_digits(const std::uint8_t* p, const std::uint8_t* end, Decimal& found) {
  for (; p != end && is_digit(*p); ++p) {
    ++found.seen;
    if (found.count < 19) found.digits = found.digits * 10 + static_cast<std::uint64_t>(*p - '0');
    found.count += (found.digits != 0) ? 1 : 0;
  }
  return p;
}

/// Reads `e-12`; the power is held within what cannot matter any more.
const std::uint8_t* scan_exponent(const std::uint8_t* p, const std::uint8_t* end, int& power) {
  if (p == end || (*p | 0x20) != 'e') return p;
  const std::uint8_t* q = p + 1;
  const bool negative = q != end && *q == '-';
  if (q != end && (*q == '-' || *q == '+')) ++q;
  if (q == end || !is_digit(*q)) return p;
  for (; q != end && is_digit(*q); ++q) {
    if (power < 100000) power = power * 10 + (*q - '0');
  }
  if (negative) power = -power;
  return q;
}

/// The general way, for numbers that need more than one exact product; false out of range.
bool nearest(const std::uint8_t* begin, const std::uint8_t* end, double& value) {
#if defined(__cpp_lib_to_chars) && __cpp_lib_to_chars >= 201611L
  const char* first = reinterpret_cast<const char*>(begin);
  return std::from_chars(first, reinterpret_cast<const char*>(end), value).ec == std::errc();
#else
  std::istringstream stream(std::string(begin, end));
  stream.imbue(std::locale::classic());
  return static_cast<bool>(stream >> value);
#endif
}

}  // namespace

RowStatus parse_number(const std::uint8_t* begin, const std::uint8_t* end, double& value) {
  value = std::numeric_limits<double>::quiet_NaN();
  const std::uint8_t* p = begin;
  const bool negative = p != end && *p == '-';
  if (p != end && (*p == '-' || *p == '+')) ++p;
  if (is_nan(p, end)) return RowStatus::nan;
  const std::uint8_t* const number = p;
  Decimal found;
  p = scan_digits(p, end, found);
  if (p != end && *p == '.') {
    const int before = found.seen;
    p = scan_digits(p + 1, end, found);
    found.scale = found.seen - before;
  }
  int power = 0;
  p = scan_exponent(p, end, power);
  if (p != end || found.seen == 0) return RowStatus::not_a_number;
  const int shift = power - found.scale;
  double result = 0;
  if (found.count <= 19 && found.digits <= kExact && shift >= -22 && shift <= 22) {
    // Both factors are exact in float64, so the one rounding of the product is the right one
    // (Clinger, How to Read Floating Point Numbers Accurately, PLDI 1990).
    const double digits = static_cast<double>(found.digits);
    result = shift < 0 ? digits / kPowers[static_cast<std::size_t>(-shift)]
                       : digits * kPowers[static_cast<std::size_t>(shift)];
  } else if (found.digits != 0 && !nearest(number, end, result)) {
    if (found.count + shift > 0) return RowStatus::overflow;
    result = 0;  // nearer to zero than any float64
  }
  value = negative ? -result : result;
  return RowStatus::good;
}

}  // namespace irtd
