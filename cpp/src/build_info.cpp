#include "irtd/build_info.hpp"

#include <blosc.h>
#include <zlib.h>
#include <zstd.h>

#include "irtd/crc32c.hpp"

namespace irtd {

std::vector<std::pair<std::string, std::string>> build_info() {
#if defined(__clang__)
  const std::string compiler = std::string("clang ") + __clang_version__;
#else
  const std::string compiler = std::string("gcc ") + __VERSION__;
#endif
#if IRTD_HAVE_HIGHWAY
  const std::string highway = "yes";
#else
  const std::string highway = "no (scalar kernels)";
#endif
#if IRTD_HAVE_LIBJPEG
  const std::string libjpeg = "yes";
#else
  const std::string libjpeg = "no (JPEG pictures are decoded whole)";
#endif
#if IRTD_HAVE_ISAL
  const std::string isal = "yes";
#else
  const std::string isal = "no";
#endif
  return {{"compiler", compiler},
          {"turbojpeg", IRTD_TURBOJPEG_VERSION},
          {"blosc", blosc_get_version_string()},
          {"zstd", ZSTD_versionString()},
          {"zlib", zlibVersion()},
          {"highway", highway},
          {"isal", isal},
          {"libjpeg", libjpeg},
          {"crc32c", crc32c_implementation()}};
}

}  // namespace irtd
