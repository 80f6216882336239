// The plain part of Pascal VOC's XML, fast; whatever is not plain is for a full XML parser.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "irtd/view.hpp"

namespace irtd {

/// The numbers of an object's geometry, in the order of their names here.
enum class VocShape : std::uint8_t {
  xyxy = 0,      ///< bndbox: xmin ymin xmax ymax
  xywh = 1,      ///< bndbox: x y w h
  polygon = 2,   ///< x1 y1 … x4 y4
  robndbox = 3,  ///< cx cy w h angle
  point = 4,     ///< x y
  centroid = 5,  ///< xc yc
};

/// Elements that carry geometry.
enum class VocTag : std::uint8_t { bndbox, polygon, robndbox, point, centroid };

struct VocObject {
  std::int64_t line = 0;  ///< of its start tag, from 1
  std::string name;       ///< without blanks around it
  VocShape shape = VocShape::xyxy;
  std::array<double, 8> values{};
  std::uint32_t flags = 0;  ///< bit i: the i-th name of kVocFlags
  std::int64_t track = -1;
};

/// Names of the flags, in the order of their bits.
extern const std::array<const char*, 5> kVocFlags;

struct VocFile {
  std::int64_t height = -1;  ///< -1 where the file does not say
  std::int64_t width = -1;
  std::vector<VocObject> objects;
};

/// Reads a file that is plain: ASCII; no DOCTYPE, comment, reference, CDATA, namespace or tag over
/// more than one line; root `annotation`; one `size` at most; at most 64 levels; every `object`
/// with the first of `tags` that it has complete, numbers decimal, flags and track whole numbers.
/// Of elements that are given twice the first counts. False if it is anything else, also if it is
/// broken: then `file` is unspecified, and a full parser must say what it is.
bool read_plain_voc(Bytes text, const std::vector<VocTag>& tags, VocFile& file);

}  // namespace irtd
