#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "irtd/rows.hpp"

using irtd::ColumnKind;
using irtd::RowFormat;
using irtd::Rows;
using irtd::RowStatus;

namespace {

irtd::Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

RowFormat numbers(std::size_t count) {
  RowFormat format;
  format.columns.assign(count, ColumnKind::number);
  return format;
}

RowStatus read(const std::string& text, double& value) {
  const irtd::Bytes bytes = bytes_of(text);
  return irtd::parse_number(bytes.begin(), bytes.end(), value);
}

}  // namespace

TEST_CASE("numbers are decimal and rounded to the nearest") {
  double value = 0;
  const std::vector<std::pair<std::string, double>> good = {
      {"0", 0.0},
      {"-0.5", -0.5},
      {"+3e2", 300.0},
      {"5.", 5.0},
      {".25", 0.25},
      {"9007199254740993", 9007199254740992.0},
      {"1e23", 1e23},
      {"0.1", 0.1},
      {"123456789012345678901234567890", 1.2345678901234568e29},
      {"1e-400", 0.0},
      {"4.9e-324", 4.9e-324},
      {"1.7976931348623157e308", 1.7976931348623157e308},
      {"000000000000000000000000000000012.50", 12.5}};
  for (const auto& [text, expected] : good) {
    CAPTURE(text);
    CHECK(read(text, value) == RowStatus::good);
    CHECK(value == expected);
  }
  for (const char* text : {"", "-", ".", "1e", "1e+", "0x1", "inf", "-Infinity", "1 2", "1,5",
                           "1_0", "nan0", "e5", "1.2.3", "--1"}) {
    CAPTURE(text);
    CHECK(read(text, value) == RowStatus::not_a_number);
  }
  CHECK(read("NaN", value) == RowStatus::nan);
  CHECK(std::isnan(value));
  CHECK(read("1e999", value) == RowStatus::overflow);
  CHECK(read(std::string(400, '9'), value) == RowStatus::overflow);
  CHECK(read("0." + std::string(400, '0') + "1", value) == RowStatus::good);
  CHECK(value == 0.0);
  CHECK(read("0." + std::string(400, '0') + "1e401", value) == RowStatus::good);
  CHECK(value == 1.0);
}

TEST_CASE("line ends, separators, blank tails and marks at the beginning") {
  for (const char* text : {"1,2\n3,4", "1 2\n3\t4\n",
                           "\xEF\xBB\xBF"
                           "1, 2\r\n3 ,4\r\n\r\n \t\n",
                           "1;2\r3;4\r", "  1 \t 2,\n 3,,\b4"}) {
    CAPTURE(text);
    const std::string held = text;
    const Rows rows = irtd::parse_rows(bytes_of(held), numbers(2));
    REQUIRE(rows.lines.size() == 2);
    CHECK(rows.lines == std::vector<std::int64_t>{1, 2});
    CHECK(rows.numbers[0] == 1.0);
    CHECK(rows.numbers[1] == 2.0);
    if (held.find('\b') != std::string::npos) {
      CHECK(rows.status[1] == RowStatus::not_a_number);
      continue;
    }
    CHECK(rows.numbers[2] == 3.0);
    CHECK(rows.numbers[3] == 4.0);
    CHECK(rows.status == std::vector<RowStatus>(2, RowStatus::good));
  }
}

TEST_CASE("every defect has its status, column and line") {
  const std::string text = "1 2\n\n3\n4 5 6\n7 x\nnan 1\n1e999 1\nnan x\n";
  const Rows rows = irtd::parse_rows(bytes_of(text), numbers(2));
  CHECK(rows.status == std::vector<RowStatus>{RowStatus::good, RowStatus::blank,
                                              RowStatus::few_columns, RowStatus::many_columns,
                                              RowStatus::not_a_number, RowStatus::nan,
                                              RowStatus::overflow, RowStatus::not_a_number});
  CHECK(rows.columns == std::vector<std::int32_t>{-1, -1, 1, 2, 1, 0, 0, 1});
  CHECK(rows.lines == std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(rows.starts == std::vector<std::int64_t>{0, 0, 5, 7, 13, 17, 23, 31});
}

TEST_CASE("text columns, comments, further columns, quotation marks") {
  RowFormat format;
  format.columns = {ColumnKind::text, ColumnKind::skip, ColumnKind::number};
  format.comments = {"%"};
  format.open_end = true;
  const std::string plain = "% version\ncar a 5 more and more\n";
  Rows rows = irtd::parse_rows(bytes_of(plain), format);
  REQUIRE(rows.lines == std::vector<std::int64_t>{2});
  CHECK(plain.substr(static_cast<std::size_t>(rows.texts[0]), 3) == "car");
  CHECK(rows.texts[1] - rows.texts[0] == 3);
  CHECK(rows.numbers == std::vector<double>{5.0});

  format.quoted = true;
  format.open_end = false;
  const std::string quoted = "\"a, \"\"b\"\"\" , x y ,7\n\"open,1,2\n\"a\"b,1,2\n,,3\n";
  rows = irtd::parse_rows(bytes_of(quoted), format);
  REQUIRE(rows.lines.size() == 4);
  CHECK(quoted.substr(static_cast<std::size_t>(rows.texts[0]),
                      static_cast<std::size_t>(rows.texts[1] - rows.texts[0])) == "a, \"\"b\"\"");
  CHECK(rows.status[0] == RowStatus::good);
  CHECK(rows.status[1] == RowStatus::bad_quotes);
  CHECK(rows.status[2] == RowStatus::bad_quotes);
  CHECK(rows.status[3] == RowStatus::good);
  CHECK(rows.numbers[3] == 3.0);
}

TEST_CASE("reading stops at the most rows, blank lines counted") {
  RowFormat format = numbers(1);
  format.max_rows = 3;
  CHECK(irtd::parse_rows(bytes_of("1\n2\n3\n"), format).cut == false);
  CHECK(irtd::parse_rows(bytes_of("1\n2\n3\n4\n"), format).cut);
  const std::string gap = "1\n" + std::string(1000, '\n') + "2\n";
  const Rows rows = irtd::parse_rows(bytes_of(gap), format);
  CHECK(rows.cut);
  CHECK(rows.lines.size() == 1);
}
