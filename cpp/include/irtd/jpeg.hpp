// JPEG in and out through the TurboJPEG C API (2.0 or later), with limits and without tolerance:
// what libjpeg would only warn about (a truncated file, a damaged scan) is an error here.
#pragma once

#include <cstdint>
#include <vector>

#include "irtd/view.hpp"

namespace irtd {

/// What the frame header (SOF) of a JPEG says.
struct JpegHeader {
  int height = 0;
  int width = 0;
  int components = 0;
  bool progressive = false;
};

/// What a JPEG may ask of us before it is refused.
struct JpegLimits {
  std::int64_t max_pixels = std::int64_t{1} << 28;
  int max_scans = 500;  ///< a tiny progressive file can hold thousands of full-frame scans
};

/// Reads the header by walking the markers; no pixel is decoded and nothing is allocated.
///
/// Where more than one scan is possible the scans are counted over the whole file.
/// Throws Errc::decode for anything that is not a JPEG we decode, or beyond `limits`.
JpegHeader read_jpeg_header(Bytes data, const JpegLimits& limits = {});

/// Size of the picture decoded at the scale num/den, as libjpeg rounds it (up).
///
/// Scales are those of the DCT: n/8 with n in 1..16, in any terms (1/2, 4/8).
/// Throws Errc::invalid_argument for another scale.
void scaled_size(const JpegHeader& header, int num, int den, int* height, int* width);

/// Decodes into `dst`, whose rows and cols must be the scaled size; 3 channels are RGB.
///
/// One channel of a colour file is its Y plane (BT.601 luma of an RGB-coded one); three channels of
/// a gray file are three times the same. EXIF orientation is not applied: pixels stay where the
/// file has them. Throws Errc::decode; `dst` is then undefined.
void decode_jpeg(Bytes data, ImageView<std::uint8_t> dst, int num = 1, int den = 1,
                 const JpegLimits& limits = {});

/// Decodes the luma into `dst` (rows × cols, 1 channel) and returns how far from gray the file is.
///
/// The result is the largest |Cb − 128| or |Cr − 128| of the stored chroma samples, 0 for a
/// one-component file: ≤ 1 or 2 means a gray picture saved as colour. Chroma is neither
/// upsampled nor converted, so this costs much less than decoding RGB and comparing channels.
/// Throws Errc::decode.
int decode_jpeg_gray_checked(Bytes data, ImageView<std::uint8_t> dst,
                             const JpegLimits& limits = {});

/// Encodes 1-channel (gray) or 3-channel (RGB) pixels.
///
/// `quality` 1..100; `subsampling` 444, 422 or 420 (no meaning for gray). Sides 1..65500.
/// The accurate integer DCT is always used, so the result does not depend on the machine.
std::vector<std::uint8_t> encode_jpeg(ImageView<const std::uint8_t> image, int quality,
                                      int subsampling, bool progressive);

}  // namespace irtd
