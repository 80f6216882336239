#include "irtd/photometric.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "irtd/error.hpp"
#include "irtd/parallel.hpp"
#include "photometric_kernels.hpp"

namespace irtd {
namespace {

using detail::HashKey;
using detail::PhotometricKernels;

static_assert(detail::kMaxBlurRadius >= 3 * kMaxBlur, "three sigma");

/// Streams of random numbers behind a frame's key; each channel has all of them.
enum Stream : std::uint64_t { kPixels, kColumns, kRows, kDead, kStreams };

/// One plane (one channel, or several that hold the same) of a frame as rows of shares.
class Plane {
 public:
  Plane(const FrameEffects& effects, const FrameShape& shape, int channel, int copies,
        void* pixels) noexcept
      : shape_(shape),
        copies_(copies),
        low_(effects.low),
        span_(effects.high - effects.low),
        pixels_(static_cast<std::uint8_t*>(pixels)) {
    const bool planes = shape.layout == Layout::chw;
    const auto height = static_cast<std::size_t>(shape.height);
    const auto width = static_cast<std::size_t>(shape.width);
    const auto channels = static_cast<std::size_t>(shape.channels);
    pixel_ = planes ? 1 : channels;
    row_ = planes ? width : width * channels;
    channel_ = planes ? width * height : 1;
    first_ = static_cast<std::size_t>(channel) * channel_;
  }

  void load(int y, float* to) const noexcept {
    with_type([&](auto* p) {
      p += first_ + static_cast<std::size_t>(y) * row_;
      const float low = low_;
      const float inverse = 1.0F / span_;
      const auto width = static_cast<std::size_t>(shape_.width);
      if (pixel_ == 1) {  // apart, since it becomes vector code
        for (std::size_t x = 0; x < width; ++x) to[x] = (static_cast<float>(p[x]) - low) * inverse;
      } else {
        for (std::size_t x = 0; x < width; ++x) {
          to[x] = (static_cast<float>(p[x * pixel_]) - low) * inverse;
        }
      }
    });
  }

  void store(int y, float* from) const noexcept {
    const auto width = static_cast<std::size_t>(shape_.width);
    const float span = span_;  // as locals, since what is written might be the members
    const float low = low_;
    for (std::size_t x = 0; x < width; ++x) from[x] = from[x] * span + low;
    with_type([&](auto* p) {
      p += first_ + static_cast<std::size_t>(y) * row_;
      for (int copy = 0; copy < copies_; ++copy, p += channel_) {
        if (pixel_ == 1) {
          for (std::size_t x = 0; x < width; ++x) convert(from[x], &p[x]);
        } else {
          for (std::size_t x = 0; x < width; ++x) convert(from[x], &p[x * pixel_]);
        }
      }
    });
  }

  void set(int y, int x, float share) const noexcept {
    const float value = share * span_ + low_;
    with_type([&](auto* p) {
      p += first_ + static_cast<std::size_t>(y) * row_ + static_cast<std::size_t>(x) * pixel_;
      for (int copy = 0; copy < copies_; ++copy, p += channel_) convert(value, p);
    });
  }

 private:
  template <typename Body>
  void with_type(const Body& body) const noexcept {
    if (shape_.type == PixelType::u8) return body(pixels_);
    // Frames lie in buffers that are aligned for any pixel type.
    if (shape_.type == PixelType::u16) return body(reinterpret_cast<std::uint16_t*>(pixels_));
    body(reinterpret_cast<float*>(pixels_));
  }

  static void convert(float value, float* to) noexcept { *to = value; }
  /// Half to even, saturated; NaN becomes 0.
  template <typename T>
  static void convert(float value, T* to) noexcept {
    constexpr auto kTop = static_cast<float>(std::numeric_limits<T>::max());
    value = value > 0.0F ? value : 0.0F;
    value = value < kTop ? value : kTop;
    *to = static_cast<T>(static_cast<std::int32_t>((value + 0x1p23F) - 0x1p23F));
  }

  const FrameShape& shape_;
  int copies_;
  float low_;
  float span_;
  std::uint8_t* pixels_;
  std::size_t pixel_;
  std::size_t row_;
  std::size_t channel_;
  std::size_t first_;
};

/// The pixel that stands at i of n when a row is continued by mirroring at its outermost pixels.
int mirrored(int i, int n) noexcept {
  if (n == 1) return 0;
  const int period = 2 * (n - 1);
  i = std::abs(i) % period;
  return i < n ? i : period - i;
}

/// Rows of a plane after a Gaussian blur, from the top to the bottom; a window of rows is kept.
class BlurredRows {
 public:
  BlurredRows(const Plane& plane, const FrameShape& shape, float sigma, std::vector<float>* memory)
      : plane_(plane), height_(shape.height), width_(static_cast<std::size_t>(shape.width)) {
    radius_ = static_cast<int>(std::ceil(3 * sigma));
    kept_ = std::min(2 * radius_ + 1, height_);
    const auto reach = static_cast<std::size_t>(radius_);
    memory->resize(width_ + 2 * reach + static_cast<std::size_t>(kept_) * width_);
    padded_ = memory->data();
    rows_ = padded_ + width_ + 2 * reach;
    if (sigma > 0) set_taps(sigma);
  }

  void get(int y, const PhotometricKernels& kernels, float* out) {
    while (made_ < std::min(height_, y + radius_ + 1)) make(made_++, kernels);
    const float* window[2 * detail::kMaxBlurRadius + 1];
    for (int k = -radius_; k <= radius_; ++k) {
      window[k + radius_] = row(mirrored(y + k, height_));
    }
    kernels.blur_down(window, taps_, static_cast<std::size_t>(radius_), width_, out);
  }

 private:
  float* row(int y) const noexcept { return rows_ + static_cast<std::size_t>(y % kept_) * width_; }

  void make(int y, const PhotometricKernels& kernels) {
    float* middle = padded_ + radius_;
    plane_.load(y, middle);
    const int n = static_cast<int>(width_);
    for (int k = 1; k <= radius_; ++k) {
      *(middle - k) = middle[mirrored(-k, n)];
      middle[n - 1 + k] = middle[mirrored(n - 1 + k, n)];
    }
    kernels.blur_across(middle, taps_, static_cast<std::size_t>(radius_), width_, row(y));
  }

  void set_taps(float sigma) noexcept {
    double sum = 0;
    double weight[detail::kMaxBlurRadius + 1];
    for (int k = 0; k <= radius_; ++k) {
      weight[k] = std::exp(-0.5 * k * k / (double{sigma} * double{sigma}));
      sum += k == 0 ? weight[k] : 2 * weight[k];
    }
    for (int k = 0; k <= radius_; ++k) taps_[k] = static_cast<float>(weight[k] / sum);
  }

  const Plane& plane_;
  int height_;
  std::size_t width_;
  int radius_ = 0;
  int kept_ = 0;
  int made_ = 0;
  float* padded_ = nullptr;
  float* rows_ = nullptr;
  float taps_[detail::kMaxBlurRadius + 1] = {};
};

/// Buffers of one thread.
struct Scratch {
  std::vector<float> row;
  std::vector<float> normal;
  std::vector<float> columns;
  std::vector<float> down;
  std::vector<float> blur;
};

/// Fills `out` with n normal numbers times sigma.
void fill_normal(const PhotometricKernels& kernels, std::uint64_t key, std::size_t n, float sigma,
                 std::vector<float>* out) {
  const std::size_t half = (n + 1) / 2;
  out->resize(2 * half);
  kernels.gaussians(HashKey(key), 0, half, out->data(), out->data() + half);
  for (float& value : *out) value *= sigma;
}

detail::ToneModel tone_of(const Photometric& p, bool clip) noexcept {
  return {p.gain, p.offset, p.gamma, p.invert ? -1.0F : 1.0F, p.invert ? 1.0F : 0.0F, clip};
}

/// Stuck pixels: so many places drawn with repetition, each at the bottom or the top.
void kill_pixels(const Photometric& p, const FrameShape& shape, const Plane& plane,
                 const PhotometricKernels& kernels, const detail::ToneModel& tone,
                 std::uint64_t key) {
  const HashKey hash(key);
  const auto count = static_cast<std::uint64_t>(shape.height) * static_cast<unsigned>(shape.width);
  const double wanted = double{p.dead} * static_cast<double>(count);
  const double share = detail::hash_bits(hash, 0) * 0x1p-32;
  const auto dead = static_cast<std::uint32_t>(wanted + share);
  float ends[2] = {0, 1};
  kernels.tone(ends, 2, tone);
  for (std::uint32_t i = 0; i < dead; ++i) {
    const std::uint64_t place = (detail::hash_bits(hash, 2 * i + 1) * count) >> 32;
    const float value = ends[detail::hash_bits(hash, 2 * i + 2) >> 31];
    plane.set(static_cast<int>(place / static_cast<unsigned>(shape.width)),
              static_cast<int>(place % static_cast<unsigned>(shape.width)), value);
  }
}

void apply_to_plane(const Photometric& p, const FrameShape& shape, const Plane& plane, int channel,
                    bool clip, Scratch* scratch) {
  const PhotometricKernels& kernels = detail::photometric_kernels();
  const auto width = static_cast<std::size_t>(shape.width);
  const std::size_t half = (width + 1) / 2;
  const std::uint64_t key = stream_key(p.key, static_cast<std::uint64_t>(channel));
  const detail::ToneModel tone = tone_of(p, clip);
  const detail::NoiseModel model{p.noise * p.noise, p.shot * p.shot};
  const bool pixels = p.noise > 0 || p.shot > 0;
  const bool pattern = p.column > 0 || p.row > 0;
  scratch->row.resize(width);
  scratch->normal.resize(2 * half);
  if (pattern) {
    fill_normal(kernels, stream_key(key, kColumns), width, p.column, &scratch->columns);
    fill_normal(kernels, stream_key(key, kRows), static_cast<std::size_t>(shape.height), p.row,
                &scratch->down);
  }
  const HashKey hash(stream_key(key, kPixels));
  float* normal = scratch->normal.data();
  float* row = scratch->row.data();
  BlurredRows blurred(plane, shape, p.blur, &scratch->blur);
  const bool looked_up = shape.type == PixelType::u8 && !(p.blur > 0) && !p.has_noise();
  if (p.blur > 0 || p.has_noise() || (p.has_tone() && !looked_up)) {
    for (int y = 0; y < shape.height; ++y) {
      if (p.blur > 0) {
        blurred.get(y, kernels, row);
      } else {
        plane.load(y, row);
      }
      const std::uint32_t counter = static_cast<std::uint32_t>(y) << 16;
      if (pixels) kernels.gaussians(hash, counter, half, normal, normal + half);
      if (pixels || pattern) {
        kernels.add_noise(row, pixels ? normal : nullptr, width, model,
                          pattern ? scratch->columns.data() : nullptr,
                          pattern ? scratch->down[static_cast<std::size_t>(y)] : 0.0F);
      }
      if (p.has_tone() || clip) kernels.tone(row, width, tone);
      plane.store(y, row);
    }
  }
  if (p.dead > 0) kill_pixels(p, shape, plane, kernels, tone, stream_key(key, kDead));
}

/// The tone of bytes, which have 256 values: the same bits as by computing each pixel.
void look_tone_up(const FrameEffects& effects, const FrameShape& shape,
                  const detail::ToneModel& tone, std::size_t pixels, std::uint8_t* frame) {
  constexpr int kLevels = 256;
  std::uint8_t table[kLevels];
  float row[kLevels];
  for (int level = 0; level < kLevels; ++level) table[level] = static_cast<std::uint8_t>(level);
  const FrameShape line{1, kLevels, 1, PixelType::u8, Layout::chw};
  const Plane levels(effects, line, 0, 1, table);
  levels.load(0, row);
  detail::photometric_kernels().tone(row, kLevels, tone);
  levels.store(0, row);
  const std::size_t values = pixels * static_cast<std::size_t>(shape.channels);
  for (std::size_t i = 0; i < values; ++i) frame[i] = table[frame[i]];
}

void paint(const Hole& hole, const Plane& plane) {
  for (int y = hole.top; y < hole.bottom; ++y) {
    for (int x = hole.left; x < hole.right; ++x) plane.set(y, x, hole.fill);
  }
}

bool in_bounds(float value, float low, float high) noexcept {
  return value >= low && value <= high;
}

void require_photometric(const Photometric& p) {
  IRTD_REQUIRE(in_bounds(p.blur, 0, kMaxBlur), "blur is a sigma from 0 to 32 pixels");
  for (const float deviation : {p.noise, p.shot, p.column, p.row}) {
    IRTD_REQUIRE(in_bounds(deviation, 0, 1e6F), "standard deviations are not negative");
  }
  IRTD_REQUIRE(in_bounds(p.dead, 0, 1), "dead is a share of the pixels");
  IRTD_REQUIRE(in_bounds(p.gain, -1e6F, 1e6F) && in_bounds(p.offset, -1e6F, 1e6F),
               "gain and offset are numbers");
  IRTD_REQUIRE(in_bounds(p.gamma, 1e-3F, 1e3F), "gamma is from 0.001 to 1000");
}

}  // namespace

std::uint64_t mix_bits(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

std::uint64_t stream_key(std::uint64_t key, std::uint64_t n) noexcept {
  return mix_bits(key + (n + 1) * 0x9E3779B97F4A7C15U);
}

bool FrameEffects::active(std::size_t frame) const noexcept {
  const bool cut = !hole_offsets.empty() && hole_offsets[frame + 1] > hole_offsets[frame];
  return cut || (!photometric.empty() && photometric[frame].active());
}

void require_effects(const FrameEffects& effects, const FrameShape& shape, std::size_t frames) {
  IRTD_REQUIRE(
      shape.type == PixelType::f32 || shape.type == PixelType::u8 || shape.type == PixelType::u16,
      "effects are for float32, uint8 and uint16 frames");
  IRTD_REQUIRE(in_bounds(static_cast<float>(shape.height), 1, 1 << 16) &&
                   in_bounds(static_cast<float>(shape.width), 1, 1 << 16),
               "frames have 1 to 65536 rows and columns");
  IRTD_REQUIRE(effects.high - effects.low > 0 && std::isfinite(effects.high - effects.low),
               "the output's top must be above its bottom");
  IRTD_REQUIRE(effects.photometric.empty() || effects.photometric.size() == frames,
               "photometric parameters for each frame");
  for (const Photometric& p : effects.photometric) require_photometric(p);
  const std::vector<std::uint64_t>& ends = effects.hole_offsets;
  if (ends.empty()) return;
  IRTD_REQUIRE(ends.size() == frames + 1 && ends.front() == 0 &&
                   ends.back() == effects.holes.size() && std::is_sorted(ends.begin(), ends.end()),
               "hole_offsets rise from 0 to the number of holes, one more than frames");
  for (const Hole& hole : effects.holes) {
    IRTD_REQUIRE(hole.top >= 0 && hole.top <= hole.bottom && hole.bottom <= shape.height &&
                     hole.left >= 0 && hole.left <= hole.right && hole.right <= shape.width,
                 "holes lie within the frame");
    IRTD_REQUIRE(std::isfinite(hole.fill), "holes are filled with a number");
  }
}

void apply_effects(const FrameEffects& effects, std::size_t frame, const FrameShape& shape,
                   bool same_channels, void* pixels) {
  thread_local Scratch scratch;
  const int planes = same_channels ? 1 : shape.channels;
  const int copies = same_channels ? shape.channels : 1;
  const bool integers = shape.type != PixelType::f32;
  if (!effects.photometric.empty() && effects.photometric[frame].active()) {
    const Photometric& p = effects.photometric[frame];
    if (shape.type == PixelType::u8 && p.has_tone() && !p.has_noise() && !(p.blur > 0)) {
      const std::size_t count =
          static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(shape.width);
      look_tone_up(effects, shape, tone_of(p, true), count, static_cast<std::uint8_t*>(pixels));
    }
    for (int channel = 0; channel < planes; ++channel) {
      const Plane plane(effects, shape, channel, copies, pixels);
      apply_to_plane(p, shape, plane, channel, effects.clip || integers, &scratch);
    }
  }
  if (effects.hole_offsets.empty()) return;
  const Plane all(effects, shape, 0, shape.channels, pixels);
  for (std::uint64_t i = effects.hole_offsets[frame]; i < effects.hole_offsets[frame + 1]; ++i) {
    paint(effects.holes[static_cast<std::size_t>(i)], all);
  }
}

void apply_effects(const FrameEffects& effects, const FrameShape& shape, bool same_channels,
                   void* pixels, std::size_t frames, int threads) {
  require_effects(effects, shape, frames);
  const std::size_t stride = static_cast<std::size_t>(shape.height) *
                             static_cast<std::size_t>(shape.width) *
                             static_cast<std::size_t>(shape.channels) * pixel_bytes(shape.type);
  parallel_for(frames, threads, [&](std::size_t i, int) {
    apply_effects(effects, i, shape, same_channels,
                  static_cast<std::uint8_t*>(pixels) + i * stride);
  });
}

}  // namespace irtd
