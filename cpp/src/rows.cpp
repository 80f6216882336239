#include "irtd/rows.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace irtd {
namespace {

using Place = const std::uint8_t*;

bool is_blank(std::uint8_t c) noexcept { return c == ' ' || c == '\t'; }
bool is_mark(std::uint8_t c) noexcept { return c == ',' || c == ';'; }

Place skip_blanks(Place p, Place end) noexcept {
  while (p != end && is_blank(*p)) ++p;
  return p;
}

/// One line after the other, without its end.
class Lines {
 public:
  explicit Lines(Bytes text) : p_(text.data()), end_(text.data() + text.size()) {
    if (text.size() >= 3 && p_[0] == 0xEF && p_[1] == 0xBB && p_[2] == 0xBF) p_ += 3;
  }

  bool next(Place& begin, Place& end) noexcept {
    if (p_ == end_) return false;
    begin = p_;
    while (p_ != end_ && *p_ != '\n' && *p_ != '\r') ++p_;
    end = p_;
    if (p_ != end_ && *p_++ == '\r' && p_ != end_ && *p_ == '\n') ++p_;
    ++number_;
    return true;
  }

  std::int64_t number() const noexcept { return number_; }

 private:
  Place p_;
  Place end_;
  std::int64_t number_ = 0;
};

/// Reads rows into the table.
class Reader {
 public:
  Reader(Bytes text, const RowFormat& format, Rows& rows)
      : text_(text.data()), format_(format), rows_(rows) {
    for (const ColumnKind kind : format.columns) {
      number_columns_ += kind == ColumnKind::number ? 1 : 0;
      text_columns_ += kind == ColumnKind::text ? 1 : 0;
    }
  }

  void row(Place p, Place end, std::int64_t line) {
    open(p, line);
    std::size_t column = 0;
    for (bool more = p != end; more; ++column) {
      if (column >= format_.columns.size() && format_.open_end) return;
      Place next = format_.quoted ? quoted(p, end, column) : plain(p, end, column);
      next = skip_blanks(next, end);
      const bool mark = next != end && is_mark(*next);
      if (mark) next = skip_blanks(next + 1, end);
      // A separator that ends a full row ends it; in a short one an empty field follows.
      more = next != end || (mark && column + 1 < format_.columns.size());
      p = next;
    }
    if (column < format_.columns.size()) fail(RowStatus::few_columns, column);
    if (column > format_.columns.size()) fail(RowStatus::many_columns, format_.columns.size());
  }

  void blank(std::int64_t line) {
    open(text_, line);
    rows_.status.back() = RowStatus::blank;
  }

 private:
  void open(Place start, std::int64_t line) {
    rows_.starts.push_back(start - text_);
    rows_.lines.push_back(line);
    rows_.status.push_back(RowStatus::good);
    rows_.columns.push_back(-1);
    rows_.numbers.resize(rows_.numbers.size() + number_columns_,
                         std::numeric_limits<double>::quiet_NaN());
    rows_.texts.resize(rows_.texts.size() + 2 * text_columns_, 0);
    number_ = rows_.numbers.size() - number_columns_;
    word_ = rows_.texts.size() - 2 * text_columns_;
  }

  Place plain(Place p, Place end, std::size_t column) {
    Place stop = p;
    while (stop != end && !is_blank(*stop) && !is_mark(*stop)) ++stop;
    field(p, stop, column);
    return stop;
  }

  /// A cell up to the next comma; one in quotation marks ends at the next single mark.
  Place quoted(Place p, Place end, std::size_t column) {
    if (p == end || *p != '"') {
      const Place comma = std::find(p, end, std::uint8_t{','});
      Place stop = comma;
      while (stop != p && is_blank(stop[-1])) --stop;
      field(p, stop, column);
      return comma;
    }
    Place stop = std::find(p + 1, end, std::uint8_t{'"'});
    while (stop != end && stop + 1 != end && stop[1] == '"') {
      stop = std::find(stop + 2, end, std::uint8_t{'"'});
    }
    field(p + 1, stop, column);
    const Place next = stop == end ? end : skip_blanks(stop + 1, end);
    if (stop == end || (next != end && *next != ',')) fail(RowStatus::bad_quotes, column);
    return std::find(next, end, std::uint8_t{','});
  }

  void field(Place p, Place stop, std::size_t column) {
    if (column >= format_.columns.size()) return;
    const ColumnKind kind = format_.columns[column];
    if (kind == ColumnKind::number) {
      const RowStatus status = parse_number(p, stop, rows_.numbers[number_++]);
      if (status != RowStatus::good) fail(status, column);
    } else if (kind == ColumnKind::text) {
      rows_.texts[word_++] = p - text_;
      rows_.texts[word_++] = stop - text_;
    }
  }

  /// Keeps the first defect; any other outweighs `nan`, which some publishers mean.
  void fail(RowStatus status, std::size_t column) {
    RowStatus& now = rows_.status.back();
    if (now != RowStatus::good && now != RowStatus::nan) return;
    if (now == RowStatus::nan && status == RowStatus::nan) return;
    now = status;
    rows_.columns.back() = static_cast<std::int32_t>(column);
  }

  Place text_;
  const RowFormat& format_;
  Rows& rows_;
  std::size_t number_columns_ = 0;
  std::size_t text_columns_ = 0;
  std::size_t number_ = 0;
  std::size_t word_ = 0;
};

bool is_comment(Place p, Place end, const std::vector<std::string>& marks) {
  const auto size = static_cast<std::size_t>(end - p);
  return std::any_of(marks.begin(), marks.end(), [&](const std::string& mark) {
    return !mark.empty() && size >= mark.size() && std::memcmp(p, mark.data(), mark.size()) == 0;
  });
}

}  // namespace

Rows parse_rows(Bytes text, const RowFormat& format) {
  Rows rows;
  Reader reader(text, format, rows);
  Lines lines(text);
  Place begin = nullptr;
  Place end = nullptr;
  std::vector<std::int64_t> blanks;  // lines that are rows if another row follows
  while (!rows.cut && lines.next(begin, end)) {
    if (static_cast<std::size_t>(lines.number()) <= format.skip_lines) continue;
    const Place p = skip_blanks(begin, end);
    if (p == end) {
      if (!rows.lines.empty() && blanks.size() <= format.max_rows) blanks.push_back(lines.number());
      continue;
    }
    if (is_comment(p, end, format.comments)) continue;
    rows.cut = rows.lines.size() + blanks.size() >= format.max_rows;
    if (rows.cut) continue;
    for (const std::int64_t line : blanks) reader.blank(line);
    blanks.clear();
    reader.row(p, end, lines.number());
  }
  return rows;
}

}  // namespace irtd
