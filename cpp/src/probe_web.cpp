// Formats of pictures from the web; both are little endian.
#include <cstring>

#include "probe_source.hpp"

namespace irtd::detail {
namespace {

std::uint32_t little(const std::uint8_t* p, int bytes) noexcept {
  std::uint32_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) value = (value << 8) | p[i];
  return value;
}

}  // namespace

void probe_webp(ImageProbe& probe, Bytes head) {
  if (head.size() < 30) {
    return fail_probe(probe, "truncated-image", "webp: the file ends within its header");
  }
  const std::uint8_t* chunk = head.data() + 12;
  const std::uint8_t* body = head.data() + 20;
  if (std::memcmp(chunk, "VP8X", 4) == 0) {
    const bool alpha = (body[0] & 0x10) != 0;
    return accept_probe(probe, "webp", 1 + std::int64_t{little(body + 7, 3)},
                        1 + std::int64_t{little(body + 4, 3)}, alpha ? 4 : 3, 8);
  }
  if (std::memcmp(chunk, "VP8L", 4) == 0 && body[0] == 0x2F) {
    const std::uint32_t bits = little(body + 1, 4);
    const bool alpha = ((bits >> 28) & 1) != 0;
    return accept_probe(probe, "webp", 1 + std::int64_t{(bits >> 14) & 0x3FFF},
                        1 + std::int64_t{bits & 0x3FFF}, alpha ? 4 : 3, 8);
  }
  if (std::memcmp(chunk, "VP8 ", 4) == 0 && std::memcmp(body + 3, "\x9D\x01\x2A", 3) == 0) {
    return accept_probe(probe, "webp", std::int64_t{little(body + 8, 2) & 0x3FFF},
                        std::int64_t{little(body + 6, 2) & 0x3FFF}, 3, 8);
  }
  fail_probe(probe, "not-an-image", "webp: no frame where one must be");
}

void probe_gif(ImageProbe& probe, Bytes head) {
  if (head.size() < 13) {
    return fail_probe(probe, "truncated-image", "gif: the file ends within its header");
  }
  accept_probe(probe, "gif", std::int64_t{little(head.data() + 8, 2)},
               std::int64_t{little(head.data() + 6, 2)}, 3, 8);
}

}  // namespace irtd::detail
