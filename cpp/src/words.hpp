// Words of ASCII text: blanks, names, strict numbers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "irtd/rows.hpp"

namespace irtd::words {

using Word = std::string_view;

inline bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
inline bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
inline bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline bool starts_name(char c) noexcept { return is_letter(c) || c == '_'; }
inline bool in_name(char c) noexcept {
  return starts_name(c) || is_digit(c) || c == '-' || c == '.';
}

inline Word trim(Word text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

inline bool to_number(Word text, double& value) {
  text = trim(text);
  const auto* begin = reinterpret_cast<const std::uint8_t*>(text.data());
  return parse_number(begin, begin + text.size(), value) == RowStatus::good;
}

inline bool to_whole(Word text, std::int64_t& value) {
  text = trim(text);
  if (text.empty() || text.size() > 15 || !std::all_of(text.begin(), text.end(), is_digit)) {
    return false;
  }
  value = 0;
  for (const char c : text) value = value * 10 + (c - '0');
  return true;
}

}  // namespace irtd::words
