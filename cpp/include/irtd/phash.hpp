// Redundancy: digests of files, perceptual hashes of pictures, and the search among them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "irtd/view.hpp"

namespace irtd {

/// 128 bits that say what a picture looks like: 64 of a DCT hash, 64 of a gradient hash.
struct PerceptualHash {
  std::uint64_t structure = 0;  ///< DCT hash
  std::uint64_t gradient = 0;   ///< horizontal gradient hash

  friend bool operator==(const PerceptualHash& a, const PerceptualHash& b) noexcept {
    return a.structure == b.structure && a.gradient == b.gradient;
  }
};

/// Differing bits, 0 to 128.
int hamming_distance(const PerceptualHash& a, const PerceptualHash& b) noexcept;

/// Hashes a picture of one or three channels (three become BT.601 luma).
///
/// The picture is area-averaged to 32 x 32. `structure`: the averages are replaced by their ranks
/// (equal values share a mean rank), so that any monotone change of values (gain, gamma, plateau
/// equalization, 14 bits to 8) leaves the hash nearly alone; then the 8 x 8 lowest coefficients of
/// the DCT-II are compared with the median of all but the first (C. Zauner, Implementation and
/// Benchmarking of Perceptual Image Hash Functions, 2010, section 3.1). Bit 8·v + u; bit 0 is 0.
/// `gradient`: averages of 9 x 8 areas, bit 8·y + x set where column x + 1 is brighter than x.
/// A picture without any contrast has both 0.
PerceptualHash perceptual_hash(const ImageView<const std::uint8_t>& image);
PerceptualHash perceptual_hash(const ImageView<const std::uint16_t>& image);

/// What hashing a file found.
struct FileHash {
  std::uint64_t digest = 0;  ///< XXH64 of the file
  std::int64_t size = 0;
  PerceptualHash looks;  ///< hash_jpeg_files only
  std::string code;      ///< "unreadable" or "undecodable-image"; empty if all went well
  std::string message;
};

/// Digests whole files over `threads` threads (0: as many as there are); memory stays bounded.
std::vector<FileHash> hash_files(Span<const std::string> paths, int threads = 0);

/// Digests JPEG files and hashes the luma of what they show, decoded at the scale that suffices.
std::vector<FileHash> hash_jpeg_files(Span<const std::string> paths, int threads = 0);

/// A hash's nearest other one.
struct Neighbour {
  std::int64_t index = -1;  ///< -1: none within the radius
  int distance = 0;
};

/// Groups hashes in order: each belongs to the nearest earlier leader within `radius` bits (the
/// first of equally near ones), or leads a group of its own (index: itself). Hashes of pictures
/// without contrast (all bits 0) lead themselves.
std::vector<Neighbour> near_leaders(Span<const PerceptualHash> hashes, int radius, int threads = 0);

/// For each query the nearest of `base` within `radius` bits, the first of equally near ones.
/// All-zero hashes have no neighbours.
std::vector<Neighbour> near_neighbours(Span<const PerceptualHash> queries,
                                       Span<const PerceptualHash> base, int radius,
                                       int threads = 0);

}  // namespace irtd
