#include "irtd/voc.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "words.hpp"

namespace irtd {

const std::array<const char*, 5> kVocFlags = {"difficult", "truncated", "occluded", "crowd",
                                              "ignore"};

namespace {

using Place = const char*;
using Word = std::string_view;
using words::in_name;
using words::is_space;
using words::starts_name;
using words::to_number;
using words::to_whole;
using words::trim;

constexpr std::size_t kDeepest = 64;
constexpr std::int64_t kMostLines = 60000;

/// Names of the numbers of each tag; of bndbox both spellings.
const std::array<std::vector<Word>, 5> kNames = {{
    {"xmin", "ymin", "xmax", "ymax", "x", "y", "w", "h"},
    {"x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4", "x5"},
    {"cx", "cy", "w", "h", "angle"},
    {"x", "y"},
    {"xc", "yc"},
}};
constexpr std::array<Word, 5> kTags = {"bndbox", "polygon", "robndbox", "point", "centroid"};

/// The numbers found below one geometry element.
struct Geometry {
  bool present = false;
  std::uint32_t found = 0;  ///< bit i: values[i] is there
  std::array<double, 9> values{};
};

/// What an element is to us.
enum class Role : std::uint8_t {
  other,
  root,
  size,
  height,
  width,
  object,
  name,
  flag,
  track,
  shape,
  number
};

struct Open {
  Word name;
  Role role = Role::other;
  std::uint8_t index = 0;  ///< of the flag, tag or number
  bool first = true;       ///< of its kind in its parent
  bool has_child = false;
  Place text = nullptr;  ///< behind the start tag
};

class Parser {
 public:
  Parser(Bytes text, const std::vector<VocTag>& tags, VocFile& file)
      : p_(reinterpret_cast<Place>(text.data())),
        end_(p_ + text.size()),
        tags_(tags),
        file_(file) {}

  bool run() {
    if (!plain_bytes() || !prolog()) return false;
    if (p_ == end_ || !start_tag()) return false;
    while (!open_.empty()) {
      const auto* next =
          static_cast<Place>(std::memchr(p_, '<', static_cast<std::size_t>(end_ - p_)));
      if (next == nullptr) return false;
      if (std::find(p_, next, ']') != next) return false;  // "]]>" is not allowed in text
      line_ += std::count(p_, next, '\n');
      p_ = next;
      if (!(p_ + 1 != end_ && p_[1] == '/' ? end_tag() : start_tag())) return false;
    }
    skip_space();
    return p_ == end_ && line_ < kMostLines;
  }

 private:
  /// Whether all bytes are ASCII that XML allows, without references; passes over a byte order
  /// mark.
  bool plain_bytes() {
    if (end_ - p_ >= 3 && std::memcmp(p_, "\xEF\xBB\xBF", 3) == 0) p_ += 3;
    return std::all_of(p_, end_, [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return byte < 0x7F && c != '&' && (byte >= 0x20 || is_space(c));
    });
  }

  /// Passes over `<?xml version="1.0" encoding="utf-8"?>`.
  bool prolog() {
    if (end_ - p_ < 5 || std::memcmp(p_, "<?xml", 5) != 0) return skip_space(), true;
    p_ += 5;
    if (!pseudo("version") || (value_ != "1.0")) return false;
    if (pseudo("encoding") && value_ != "utf-8" && value_ != "UTF-8" && value_ != "ascii" &&
        value_ != "US-ASCII") {
      return false;
    }
    skip_space();
    if (end_ - p_ < 2 || p_[0] != '?' || p_[1] != '>') return false;
    p_ += 2;
    skip_space();
    return true;
  }

  /// Reads ` name="value"` if it stands here; the value goes to `value_`.
  bool pseudo(Word name) {
    Place q = p_;
    while (q != end_ && (*q == ' ' || *q == '\t')) ++q;
    if (q == p_ || static_cast<std::size_t>(end_ - q) <= name.size() ||
        Word(q, name.size()) != name) {
      return false;
    }
    q += name.size();
    if (q == end_ || *q != '=') return false;
    ++q;
    if (q == end_ || (*q != '"' && *q != '\'')) return false;
    const Place stop = std::find(q + 1, end_, *q);
    if (stop == end_) return false;
    value_ = Word(q + 1, static_cast<std::size_t>(stop - q - 1));
    p_ = stop + 1;
    return true;
  }

  Word name_here() {
    const Place begin = p_;
    if (p_ == end_ || !starts_name(*p_)) return {};
    while (p_ != end_ && in_name(*p_)) ++p_;
    return {begin, static_cast<std::size_t>(p_ - begin)};
  }

  bool start_tag() {
    if (*p_ != '<') return false;
    ++p_;
    const Word name = name_here();
    if (name.empty() || open_.size() >= kDeepest) return false;
    if (!attributes()) return false;
    const bool empty = *p_ == '/';
    if (empty) ++p_;
    if (p_ == end_ || *p_ != '>') return false;
    ++p_;
    if (!enter(name)) return false;
    return !empty || leave({});
  }

  /// Passes over attributes; stops at `>` or `/`. They are looked at only as far as well-formedness
  /// goes: quoted, names different, all on one line, no namespace.
  bool attributes() {
    std::array<Word, 4> names{};
    std::size_t count = 0;
    while (true) {
      const Place before = p_;
      while (p_ != end_ && (*p_ == ' ' || *p_ == '\t')) ++p_;
      if (p_ == end_ || *p_ == '\n' || *p_ == '\r') return false;
      if (*p_ == '>' || *p_ == '/') return true;
      const Word name = p_ == before ? Word{} : name_here();
      if (name.empty() || name.substr(0, 3) == "xml" || count == names.size() || p_ == end_ ||
          *p_ != '=') {
        return false;
      }
      if (std::find(names.begin(), names.begin() + count, name) != names.begin() + count) {
        return false;
      }
      names[count++] = name;
      ++p_;
      if (p_ == end_ || (*p_ != '"' && *p_ != '\'')) return false;
      const Place stop = std::find(p_ + 1, end_, *p_);
      if (stop == end_ ||
          std::any_of(p_ + 1, stop, [](char c) { return c == '<' || c == '\n' || c == '\r'; })) {
        return false;
      }
      p_ = stop + 1;
    }
  }

  bool end_tag() {
    const Place text_end = p_;
    p_ += 2;
    const Word name = name_here();
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\t')) ++p_;
    if (p_ == end_ || *p_ != '>' || name != open_.back().name) return false;
    ++p_;
    const Place text = open_.back().text;
    return leave({text, static_cast<std::size_t>(text_end - text)});
  }

  bool enter(Word name) {
    Open open;
    open.name = name;
    open.text = p_;
    if (open_.empty()) {
      if (name != "annotation") return false;
      open.role = Role::root;
    } else {
      open_.back().has_child = true;
      assign(open_.back(), open);
    }
    if (open.role == Role::size && size_seen_++ > 0) return false;
    if (open.role == Role::object) begin_object();
    if (open.role == Role::shape) {
      Geometry& found = shapes_[open.index];
      open.first = !found.present;
      found.present = true;
    }
    open_.push_back(open);
    return true;
  }

  /// Says what an element is, by its parent and its name.
  void assign(const Open& parent, Open& open) const {
    switch (parent.role) {
      case Role::root:
        if (open.name == "object") open.role = Role::object;
        if (open.name == "size") open.role = Role::size;
        return;
      case Role::size:
        if (open.name == "height") open.role = Role::height;
        if (open.name == "width") open.role = Role::width;
        return;
      case Role::object:
        if (open.name == "name") open.role = Role::name;
        if (open.name == "trackid") open.role = Role::track;
        find(open, kVocFlags, Role::flag);
        find(open, kTags, Role::shape);
        return;
      case Role::shape:
        if (parent.first) find(open, kNames[parent.index], Role::number);
        return;
      default:
        return;
    }
  }

  template <typename Names>
  static void find(Open& open, const Names& names, Role role) {
    const auto at = std::find(names.begin(), names.end(), open.name);
    if (at == names.end()) return;
    open.role = role;
    open.index = static_cast<std::uint8_t>(at - names.begin());
  }

  /// Takes what an element says; false if it does not say it plainly.
  bool leave(Word text) {
    const Open open = open_.back();
    open_.pop_back();
    const bool leaf = open.role != Role::other && open.role != Role::root &&
                      open.role != Role::size && open.role != Role::object &&
                      open.role != Role::shape;
    if (leaf && open.has_child) return false;
    switch (open.role) {
      case Role::height:
        return side(text, file_.height);
      case Role::width:
        return side(text, file_.width);
      case Role::name:
        if (!std::exchange(named_, true)) object_.name = std::string(trim(text));
        return trim(text).find('\r') == Word::npos;  // XML makes other line ends of it
      case Role::track:
        return std::exchange(tracked_, true) || trim(text).empty() || to_whole(text, object_.track);
      case Role::flag:
        return flag(open.index, text);
      case Role::number:
        return number(open_.back().index, open.index, text);
      case Role::object:
        return end_object();
      default:
        return true;
    }
  }

  bool side(Word text, std::int64_t& value) {
    double number = 0;
    if (value != -1 || !to_number(text, number) || number < 0 || number > 1e9) return false;
    value = static_cast<std::int64_t>(number);
    return true;
  }

  bool flag(std::uint8_t index, Word text) {
    const std::uint32_t bit = 1U << index;
    if ((flags_seen_ & bit) != 0) return true;
    flags_seen_ |= bit;
    std::int64_t value = 0;
    if (!trim(text).empty() && !to_whole(text, value)) return false;
    if (value != 0) object_.flags |= bit;
    return true;
  }

  bool number(std::uint8_t tag, std::uint8_t index, Word text) {
    Geometry& shape = shapes_[tag];
    const std::uint32_t bit = 1U << index;
    if ((shape.found & bit) != 0) return true;
    shape.found |= bit;
    return to_number(text, shape.values[index]);
  }

  void begin_object() {
    object_ = VocObject();
    object_.line = line_;
    shapes_ = {};
    flags_seen_ = 0;
    named_ = tracked_ = false;
  }

  bool end_object() {
    for (const VocTag tag : tags_) {
      const Geometry& shape = shapes_[static_cast<std::size_t>(tag)];
      if (shape.present) return take(tag, shape);
    }
    return false;
  }

  bool take(VocTag tag, const Geometry& shape) {
    std::size_t first = 0;
    std::uint32_t needed = 0;
    switch (tag) {
      case VocTag::bndbox: {
        const bool sized = (shape.found & 0x01) == 0 && (shape.found & 0x10) != 0;
        object_.shape = sized ? VocShape::xywh : VocShape::xyxy;
        first = sized ? 4 : 0;
        needed = sized ? 0xF0 : 0x0F;
        break;
      }
      case VocTag::polygon:
        object_.shape = VocShape::polygon;
        if ((shape.found & 0x100) != 0) return false;
        needed = 0xFF;
        break;
      case VocTag::robndbox:
        object_.shape = VocShape::robndbox;
        needed = 0x1F;
        break;
      case VocTag::point:
        object_.shape = VocShape::point;
        needed = 0x03;
        break;
      case VocTag::centroid:
        object_.shape = VocShape::centroid;
        needed = 0x03;
        break;
    }
    if ((shape.found & needed) != needed) return false;
    std::copy_n(shape.values.begin() + static_cast<std::ptrdiff_t>(first), 8 - first,
                object_.values.begin());
    file_.objects.push_back(object_);
    return true;
  }

  void skip_space() {
    for (; p_ != end_ && is_space(*p_); ++p_) line_ += *p_ == '\n' ? 1 : 0;
  }

  Place p_;
  Place end_;
  const std::vector<VocTag>& tags_;
  VocFile& file_;
  std::int64_t line_ = 1;
  std::vector<Open> open_;
  Word value_;
  int size_seen_ = 0;
  VocObject object_;
  std::array<Geometry, 5> shapes_{};
  std::uint32_t flags_seen_ = 0;
  bool named_ = false;
  bool tracked_ = false;
};

}  // namespace

bool read_plain_voc(Bytes text, const std::vector<VocTag>& tags, VocFile& file) {
  file = VocFile();
  return Parser(text, tags, file).run();
}

}  // namespace irtd
