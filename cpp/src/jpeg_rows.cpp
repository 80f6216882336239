#include "irtd/jpeg_rows.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "irtd/error.hpp"

#if IRTD_HAVE_LIBJPEG
#include <csetjmp>
#include <cstdio>  // jpeglib.h uses FILE
// clang-format off: jpeglib.h needs the above
#include <jpeglib.h>
#include <jerror.h>
// clang-format on
#endif

namespace irtd {
namespace {

void decode_whole(Bytes data, ImageView<std::uint8_t> dst, int height, int first_row, int den,
                  const JpegLimits& limits) {
  thread_local std::vector<std::uint8_t> scratch;
  const auto row = static_cast<std::size_t>(dst.cols()) * static_cast<std::size_t>(dst.channels());
  scratch.resize(row * static_cast<std::size_t>(height));
  decode_jpeg(data, {scratch.data(), height, dst.cols(), dst.channels()}, 1, den, limits);
  for (int r = 0; r < dst.rows(); ++r) {
    std::copy_n(scratch.data() + row * static_cast<std::size_t>(first_row + r), row, dst.row(r));
  }
}

#if IRTD_HAVE_LIBJPEG

/// Everything of one call that a longjmp may leave behind: plain C data only.
struct Session {
  jpeg_decompress_struct info;
  jpeg_error_mgr errors;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void fail(j_common_ptr common) {
  auto* session = static_cast<Session*>(common->client_data);
  common->err->format_message(common, session->message);
  std::longjmp(session->jump, 1);
}

/// Warnings (negative levels) are errors here as well.
void note(j_common_ptr common, int level) {
  if (level < 0) fail(common);
}

void stay_silent(j_common_ptr) {}

/// Context rows and chroma of the rows above a cut come from whole blocks: decoding begins two
/// block rows earlier, at a multiple of what one row of MCUs gives.
int rows_before(const jpeg_decompress_struct& info, int first_row) {
  const int unit = info.max_v_samp_factor * info.min_DCT_scaled_size;
  return std::max(0, (first_row / unit - 2) * unit);
}

bool decode(Session& session, Bytes data, ImageView<std::uint8_t> dst, int first_row, int den,
            std::uint8_t* spare) noexcept {
  jpeg_decompress_struct& info = session.info;
  if (setjmp(session.jump) != 0) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, data.data(), static_cast<unsigned long>(data.size()));  // NOLINT: C API
  jpeg_read_header(&info, TRUE);
  info.out_color_space = dst.channels() == 1 ? JCS_GRAYSCALE : JCS_RGB;
  info.scale_num = 1;
  info.scale_denom = static_cast<unsigned>(den);
  info.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&info);
  const int above = rows_before(info, first_row);
  if (above > 0) jpeg_skip_scanlines(&info, static_cast<JDIMENSION>(above));
  for (int r = above; r < first_row + dst.rows(); ++r) {
    JSAMPROW row = r < first_row ? spare : dst.row(r - first_row);
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_destroy_decompress(&info);  // the rest is left alone
  return true;
}

#endif

}  // namespace

bool leaves_jpeg_rows_out() noexcept {
#if IRTD_HAVE_LIBJPEG
  return true;
#else
  return false;
#endif
}

void decode_jpeg_rows(Bytes data, ImageView<std::uint8_t> dst, int first_row, int den,
                      const JpegLimits& limits) {
  const JpegHeader header = read_jpeg_header(data, limits);
  int height = 0;
  int width = 0;
  scaled_size(header, 1, den, &height, &width);
  IRTD_REQUIRE(dst.channels() == 1 || dst.channels() == 3, "JPEG target: 1 or 3 channels");
  IRTD_REQUIRE(
      dst.cols() == width && dst.rows() >= 1 && first_row >= 0 && first_row <= height - dst.rows(),
      "JPEG target: rows within " + std::to_string(height) + " x " + std::to_string(width) +
          " pixels expected, got " + std::to_string(dst.rows()) + " x " +
          std::to_string(dst.cols()) + " from row " + std::to_string(first_row));
#if IRTD_HAVE_LIBJPEG
  // libjpeg converts to gray from YCbCr only; an RGB-coded file takes TurboJPEG's way.
  const bool all = first_row == 0 && dst.rows() == height;
  if (!all && !header.progressive) {
    thread_local std::vector<std::uint8_t> spare;
    spare.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(dst.channels()));
    Session session{};
    session.info.err = jpeg_std_error(&session.errors);
    session.errors.error_exit = fail;
    session.errors.emit_message = note;
    session.errors.output_message = stay_silent;
    session.info.client_data = &session;
    if (!decode(session, data, dst, first_row, den, spare.data())) {
      throw Error(Errc::decode, std::string("JPEG: ") + session.message);
    }
    return;
  }
#endif
  decode_whole(data, dst, height, first_row, den, limits);
}

}  // namespace irtd
