// What sensors and displays do to a picture, applied to finished frames of a batch: blur, noise,
// fixed pattern, dead pixels, gain, gamma, polarity, and rectangles cut out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "irtd/resample.hpp"

namespace irtd {

/// The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014; constants of Stafford's variant
/// 13), as `irtd_fast.load.random` has it.
std::uint64_t mix_bits(std::uint64_t x) noexcept;

/// The key of the n-th independent stream of random numbers behind a key.
std::uint64_t stream_key(std::uint64_t key, std::uint64_t n) noexcept;

/// What is done to one frame, in this order: blur; shot and Gaussian noise, column and row pattern;
/// dead pixels; gain and offset; gamma; polarity.
///
/// Values are shares: 0 is the bottom of the output's range and 1 its top.
struct Photometric {
  float blur = 0;    ///< sigma of a Gaussian in pixels; 0: none, at most kMaxBlur
  float noise = 0;   ///< standard deviation everywhere
  float shot = 0;    ///< standard deviation at the top; it falls with the root of the value
  float column = 0;  ///< standard deviation of what is added to each column
  float row = 0;     ///< standard deviation of what is added to each row
  float dead = 0;    ///< share of the pixels that are stuck at the bottom or at the top
  float gain = 1;    ///< value · gain + offset
  float offset = 0;
  float gamma = 1;      ///< exponent of what is then between 0 and 1
  bool invert = false;  ///< 1 − value
  std::uint64_t key = 0;

  bool has_noise() const noexcept { return noise > 0 || shot > 0 || column > 0 || row > 0; }
  bool has_tone() const noexcept { return gain != 1 || offset != 0 || gamma != 1 || invert; }
  bool active() const noexcept { return blur > 0 || has_noise() || dead > 0 || has_tone(); }
};

inline constexpr float kMaxBlur = 32;

/// A rectangle of a frame, in whole pixels, that is painted over.
struct Hole {
  int top = 0;
  int left = 0;
  int bottom = 0;
  int right = 0;
  float fill = 0;  ///< a share
};

/// Shape and type of one frame.
struct FrameShape {
  int height = 0;
  int width = 0;
  int channels = 1;
  PixelType type = PixelType::f32;
  Layout layout = Layout::chw;
};

/// What is done to the frames of a batch.
struct FrameEffects {
  std::vector<Photometric> photometric;     ///< one for each frame, or none at all
  std::vector<Hole> holes;                  ///< of all frames
  std::vector<std::uint64_t> hole_offsets;  ///< holes of frame i are [i, i + 1); or none at all
  float low = 0;                            ///< the output's bottom
  float high = 1;                           ///< the output's top
  bool clip = true;  ///< results are kept within bottom and top (gamma and integers always are)

  bool active(std::size_t frame) const noexcept;
};

/// Throws Errc::invalid_argument for what apply_effects does not take: parameters that are not
/// finite or out of bounds, another number of frames, holes beyond the frame, other types than
/// float32, uint8 and uint16.
void require_effects(const FrameEffects& effects, const FrameShape& shape, std::size_t frames);

/// Applies the effects of one frame in place; a frame without any keeps its bits.
///
/// With `same_channels` the channels hold one gray picture, and do so afterwards. Random numbers
/// are a function of the frame's key, the channel and the pixel's place alone: results are the same
/// bits on every processor, for any layout and number of threads. A NaN stays one.
void apply_effects(const FrameEffects& effects, std::size_t frame, const FrameShape& shape,
                   bool same_channels, void* pixels);

/// The same for adjacent frames over `threads` threads.
void apply_effects(const FrameEffects& effects, const FrameShape& shape, bool same_channels,
                   void* pixels, std::size_t frames, int threads);

}  // namespace irtd
