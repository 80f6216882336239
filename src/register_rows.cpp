// Text tables as arrays, JSON text looked through.
#include <algorithm>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "irtd/json_scan.hpp"
#include "irtd/rows.hpp"

namespace irtd::python {
namespace {

template <typename T>
py::array_t<T> array_of(const std::vector<T>& values, std::vector<py::ssize_t> shape) {
  return py::array_t<T>(std::move(shape), values.data());
}

std::vector<ColumnKind> kinds_of(const std::string& columns) {
  std::vector<ColumnKind> kinds;
  for (const char c : columns) {
    IRTD_REQUIRE(c == 'n' || c == 't' || c == '-', "columns consists of n, t and -");
    kinds.push_back(c == 'n' ? ColumnKind::number : c == 't' ? ColumnKind::text : ColumnKind::skip);
  }
  IRTD_REQUIRE(!kinds.empty(), "columns has at least one column");
  return kinds;
}

py::tuple parse(const py::buffer& text, const std::string& columns, bool open_end, bool quoted,
                std::vector<std::string> comments, std::size_t skip_lines, std::size_t max_rows) {
  const ByteView view(text);
  const RowFormat format{kinds_of(columns),   open_end,   quoted,
                         std::move(comments), skip_lines, max_rows};
  Rows rows;
  {
    const GilRelease release;
    rows = parse_rows(view.bytes(), format);
  }
  const auto count = static_cast<py::ssize_t>(rows.lines.size());
  const auto numbers = std::count(columns.begin(), columns.end(), 'n');
  const auto texts = std::count(columns.begin(), columns.end(), 't');
  std::vector<std::uint8_t> status(rows.status.size());
  std::transform(rows.status.begin(), rows.status.end(), status.begin(),
                 [](RowStatus s) { return static_cast<std::uint8_t>(s); });
  return py::make_tuple(array_of(rows.numbers, {count, numbers}),
                        array_of(rows.texts, {count, texts, 2}), array_of(rows.lines, {count}),
                        array_of(status, {count}), array_of(rows.columns, {count}),
                        array_of(rows.starts, {count}), rows.cut);
}

py::tuple look_through(const py::buffer& text, std::size_t max_depth) {
  const ByteView view(text);
  JsonScan scan;
  {
    const GilRelease release;
    scan = scan_json(view.bytes(), max_depth);
  }
  py::list members;
  for (const JsonMember& m : scan.members) {
    members.append(py::make_tuple(m.key_begin, m.key_end, m.begin, m.end, m.commas));
  }
  return py::make_tuple(scan.error, scan.line, members, scan.duplicates, scan.not_finite);
}

}  // namespace

void register_rows(py::module_& m) {
  m.def(
      "scan_json", &look_through, py::arg("text"), py::kw_only(), py::arg("max_depth") = 64,
      "Check JSON text against RFC 8259 without building anything.\n\n"
      "text is its bytes. Returns (error, line, members, duplicates, not_finite): what is wrong\n"
      "(\"\" if nothing) and its line from 1; of the outermost object's members (key begin, key\n"
      "end, value begin, value end, the comma behind each 256 entries of a list) as offsets into\n"
      "the bytes; lines of keys that their object has already, and of NaN, Infinity and\n"
      "-Infinity, which are let pass (100 of each at most). Refused are also more than max_depth\n"
      "levels and numbers of more than 300 characters. Nothing in the text raises.");

  m.def(
      "parse_rows", &parse, py::arg("text"), py::arg("columns"), py::kw_only(),
      py::arg("open_end") = false, py::arg("quoted") = false,
      py::arg("comments") = std::vector<std::string>(), py::arg("skip_lines") = 0,
      py::arg("max_rows") = 4000000,
      "Read a delimited text table.\n\n"
      "text is its bytes; columns has a letter for each column: n (number), t (text) or -\n"
      "(skipped). Columns are separated by a comma or semicolon, or by blanks; quoted: only by\n"
      "commas. Returns numbers float64 (rows, n columns), texts int64 (rows, t columns, 2) as\n"
      "offsets into the bytes, lines int64 (rows,) from 1, status uint8 (rows,) (0 good, 1 blank\n"
      "line between rows, 2 too few columns, 3 too many, 4 not a number, 5 nan, 6 overflow,\n"
      "7 quotation marks), columns int32 (rows,) the column of the defect or -1, starts int64\n"
      "(rows,) where each row's line begins, and whether reading stopped at max_rows. Numbers\n"
      "are decimal; nan is read but marked, inf and hexadecimal are not numbers. Nothing in the\n"
      "text raises.");
}

}  // namespace irtd::python
