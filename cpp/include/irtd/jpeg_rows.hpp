// Part of a JPEG: the rows that a window needs, shrunk by the DCT where that is asked for.
#pragma once

#include "irtd/jpeg.hpp"
#include "irtd/view.hpp"

namespace irtd {

/// Whether this build can leave rows out (it found libjpeg-turbo's own interface; the TurboJPEG one
/// has no such call before 3.0). Without it decode_jpeg_rows decodes the whole picture.
bool leaves_jpeg_rows_out() noexcept;

/// Decodes rows first_row … first_row + dst.rows() of the picture that decode_jpeg gives at the
/// scale 1/den (1, 2, 4 or 8), and nothing beyond: what lies above is parsed but not transformed,
/// what lies below not even read, so damage there is not seen (a store has a checksum for that).
///
/// The pixels are those of decode_jpeg. `dst` is as wide as the scaled picture. Throws
/// Errc::decode, and Errc::invalid_argument for rows that the picture does not have.
void decode_jpeg_rows(Bytes data, ImageView<std::uint8_t> dst, int first_row, int den,
                      const JpegLimits& limits = {});

}  // namespace irtd
