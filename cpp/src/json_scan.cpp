#include "irtd/json_scan.hpp"

#include <algorithm>
#include <cstring>

#include "irtd/hash.hpp"

namespace irtd {
namespace {

using Place = const std::uint8_t*;

bool is_digit(std::uint8_t c) noexcept { return c >= '0' && c <= '9'; }
bool is_space(std::uint8_t c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_hex(std::uint8_t c) noexcept {
  return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

constexpr std::size_t kPiece = 256;

/// An object or array that is open.
struct Level {
  bool object = false;
  std::size_t first_key = 0;  ///< of its keys in Scanner::keys_
};

class Scanner {
 public:
  Scanner(Bytes text, std::size_t max_depth, std::size_t max_digits, std::size_t max_keys)
      : begin_(text.begin()),
        p_(text.begin()),
        end_(text.end()),
        max_depth_(max_depth),
        max_digits_(max_digits),
        max_keys_(max_keys) {
    if (text.size() >= 3 && p_[0] == 0xEF && p_[1] == 0xBB && p_[2] == 0xBF) p_ += 3;
  }

  JsonScan run() {
    skip_space();
    scan_.kind = p_ == end_ ? '\0' : static_cast<char>(*p_);
    while (scan_.error.empty() && value()) {
      if (!scan_.error.empty() || !close_levels()) break;
    }
    if (scan_.error.empty()) {
      skip_space();
      if (p_ != end_) fail("expected the end, found something behind the value");
    }
    if (!scan_.error.empty()) scan_.line = line_of(p_);
    return std::move(scan_);
  }

 private:
  /// Reads a scalar, or opens levels down to one; false at an error.
  bool value() {
    while (true) {
      skip_space();
      if (p_ == end_) return fail("expected a value, found the end");
      if (*p_ == '{' || *p_ == '[') {
        const bool object = *p_ == '{';
        if (levels_.size() >= max_depth_) return fail("expected fewer levels");
        levels_.push_back({object, keys_.size()});
        ++p_;
        skip_space();
        if (p_ != end_ && *p_ == (object ? '}' : ']')) return true;
        if (object && !key()) return false;
        continue;
      }
      if (*p_ == '"') return string();
      if (not_finite()) return true;
      if (*p_ == '-' || is_digit(*p_)) return number();
      return word("true") || word("false") || word("null") ||
             fail("expected a value, found something else");
    }
  }

  /// Goes on behind a value: closes what ends here; true if another value follows.
  bool close_levels() {
    while (true) {
      skip_space();
      if (levels_.size() == 1 && levels_.back().object && open_member_) end_member();
      if (levels_.empty()) return false;
      if (p_ == end_) return fail("expected , or the end of a list or object, found the end");
      const Level level = levels_.back();
      const std::uint8_t c = *p_;
      if (c == (level.object ? '}' : ']')) {
        ++p_;
        keys_.resize(level.first_key);
        levels_.pop_back();
        continue;
      }
      if (c != ',') return fail("expected , or the end of a list or object");
      if (levels_.size() == 2 && !level.object && open_member_ && ++entries_ % kPiece == 0) {
        scan_.members.back().commas.push_back(offset(p_));
      }
      ++p_;
      return !level.object || (skip_space(), key());
    }
  }

  bool key() {
    if (p_ == end_ || *p_ != '"') return fail("expected a key in quotation marks");
    const Place begin = p_ + 1;
    if (!string()) return false;
    const Place stop = p_ - 1;
    note_key(begin, stop);
    skip_space();
    if (p_ == end_ || *p_ != ':') return fail("expected : behind a key");
    ++p_;
    if (levels_.size() == 1) {
      skip_space();
      scan_.members.push_back({offset(begin), offset(stop), offset(p_), offset(p_), {}});
      entries_ = 0;
      open_member_ = true;
    }
    return true;
  }

  void end_member() {
    Place stop = p_;
    while (is_space(stop[-1])) --stop;
    scan_.members.back().end = offset(stop);
    open_member_ = false;
  }

  void note_key(Place begin, Place stop) {
    const std::size_t first = levels_.back().first_key;
    if (keys_.size() - first >= max_keys_) return;
    const std::uint64_t digest = xxh64({begin, static_cast<std::size_t>(stop - begin)}, 0);
    const auto from = keys_.begin() + static_cast<std::ptrdiff_t>(first);
    if (std::find(from, keys_.end(), digest) != keys_.end() && scan_.duplicates.size() < 100) {
      scan_.duplicates.push_back(line_of(begin));
    }
    keys_.push_back(digest);
  }

  bool string() {
    ++p_;
    while (p_ != end_ && *p_ != '"') {
      if (*p_ < 0x20) return fail("expected a string without control characters");
      if (*p_ == '\\' && !escape()) return false;
      ++p_;
    }
    if (p_ == end_) return fail("expected the end of a string, found the end of the text");
    ++p_;
    return true;
  }

  /// Leaves `p_` at the last character of the escape.
  bool escape() {
    ++p_;
    if (p_ == end_ || std::strchr("\"\\/bfnrtu", *p_) == nullptr || *p_ == 0) {
      return fail("expected an escape that JSON knows");
    }
    if (*p_ != 'u') return true;
    for (int i = 0; i < 4; ++i) {
      ++p_;
      if (p_ == end_ || !is_hex(*p_)) return fail("expected four hexadecimal digits");
    }
    return true;
  }

  bool not_finite() {
    if (*p_ != 'N' && *p_ != 'I' && *p_ != '-') return false;
    const Place begin = p_;
    if (!word("NaN") && !word("Infinity") && !word("-Infinity")) return false;
    if (scan_.not_finite.size() < 100) scan_.not_finite.push_back(line_of(begin));
    return true;
  }

  std::int64_t line_of(Place p) const { return std::count(begin_, p, std::uint8_t{'\n'}) + 1; }

  bool digits() {
    const Place begin = p_;
    while (p_ != end_ && is_digit(*p_)) ++p_;
    return p_ != begin || fail("expected a digit");
  }

  bool number() {
    const Place begin = p_;
    if (*p_ == '-') ++p_;
    const bool zero = p_ != end_ && *p_ == '0';
    if (zero) {
      ++p_;
    } else if (!digits()) {
      return false;
    }
    if (p_ != end_ && *p_ == '.') {
      ++p_;
      if (!digits()) return false;
    }
    if (p_ != end_ && (*p_ | 0x20) == 'e') {
      ++p_;
      if (p_ != end_ && (*p_ == '+' || *p_ == '-')) ++p_;
      if (!digits()) return false;
    }
    return static_cast<std::size_t>(p_ - begin) <= max_digits_ || fail("expected a shorter number");
  }

  bool word(const char* text) {
    const std::size_t size = std::strlen(text);
    if (static_cast<std::size_t>(end_ - p_) < size || std::memcmp(p_, text, size) != 0) {
      return false;
    }
    p_ += size;
    return true;
  }

  void skip_space() noexcept {
    while (p_ != end_ && is_space(*p_)) ++p_;
  }

  bool fail(const char* message) {
    if (scan_.error.empty()) scan_.error = message;
    return false;
  }

  std::size_t offset(Place p) const noexcept { return static_cast<std::size_t>(p - begin_); }

  Place begin_;
  Place p_;
  Place end_;
  std::size_t max_depth_;
  std::size_t max_digits_;
  std::size_t max_keys_;
  std::vector<Level> levels_;
  std::vector<std::uint64_t> keys_;
  bool open_member_ = false;
  std::size_t entries_ = 0;  ///< commas seen in the list that the open member is
  JsonScan scan_;
};

}  // namespace

JsonScan scan_json(Bytes text, std::size_t max_depth, std::size_t max_digits,
                   std::size_t max_keys) {
  return Scanner(text, max_depth, max_digits, max_keys).run();
}

}  // namespace irtd
