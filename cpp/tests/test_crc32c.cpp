#include <doctest/doctest.h>

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "irtd/crc32c.hpp"
#include "support.hpp"

namespace {

using irtd::Bytes;
using irtd::crc32c;
using irtd::crc32c_reference;
using irtd::testing::Data;

Data text(const std::string& s) { return Data(s.begin(), s.end()); }

}  // namespace

TEST_CASE("crc32c gives the published check values") {
  // RFC 3720, appendix B.4, and the check value of the Castagnoli polynomial.
  Data up(32);
  std::iota(up.begin(), up.end(), std::uint8_t{0});
  const Data down(up.rbegin(), up.rend());
  Data pdu(48, 0);  // an iSCSI SCSI Read (10) command
  pdu[0] = 0x01;
  pdu[1] = 0xC0;
  pdu[16] = 0x14;
  pdu[22] = 0x04;
  pdu[27] = 0x14;
  pdu[31] = 0x18;
  pdu[32] = 0x28;
  pdu[40] = 0x02;
  const std::vector<std::pair<Data, std::uint32_t>> vectors{
      {{}, 0},
      {text("a"), 0xC1D04330},
      {text("123456789"), 0xE3069283},
      {Data(32, 0x00), 0x8A9136AA},
      {Data(32, 0xFF), 0x62A8AB43},
      {up, 0x46DD794E},
      {down, 0x113FDB5C},
      {pdu, 0xD9963A56},
  };
  for (const auto& [data, expected] : vectors) {
    CAPTURE(data.size());
    CHECK(crc32c(Bytes(data)) == expected);
    CHECK(crc32c_reference(Bytes(data)) == expected);
  }
}

TEST_CASE("the fast crc32c is the table's for every length and alignment") {
  const Data data = irtd::testing::noise(700, 1);
  for (std::size_t start = 0; start < 16; ++start) {
    for (std::size_t n = 0; n <= 300; ++n) {
      const Bytes piece(data.data() + start, n);
      const auto initial = static_cast<std::uint32_t>(n * 2654435761U);
      REQUIRE(crc32c(piece) == crc32c_reference(piece));
      REQUIRE(crc32c(piece, initial) == crc32c_reference(piece, initial));
    }
  }
  const Data big = irtd::testing::noise(1000003, 2);
  CHECK(crc32c(Bytes(big)) == crc32c_reference(Bytes(big)));
}

TEST_CASE("pieces chain to the crc32c of the whole") {
  const Data data = irtd::testing::noise(257, 3);
  const std::uint32_t whole = crc32c(Bytes(data));
  for (std::size_t cut = 0; cut <= data.size(); ++cut) {
    const Bytes all(data);
    const std::uint32_t first = crc32c(all.subspan(0, cut));
    REQUIRE(crc32c(all.subspan(cut, data.size() - cut), first) == whole);
  }
}

TEST_CASE("crc32c names what computes it") {
  const std::string name = irtd::crc32c_implementation();
  CHECK((name == "isal" || name == "sse4.2" || name == "table"));
}
