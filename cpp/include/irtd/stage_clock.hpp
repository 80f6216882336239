// Where the time of a thread goes: always on, since a look at the clock costs 20 ns.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace irtd {

/// What a thread is doing for a sample.
enum class Stage { other, read, check, decode, normalize, resample, effects };
inline constexpr std::size_t kStages = 7;

/// Nanoseconds by stage.
using StageNanoseconds = std::array<std::uint64_t, kStages>;

/// This thread is in a stage while the scope lasts, then in the one before again. Nested scopes
/// take their time away from the outer one, so that the stages add up to what passed.
class StageScope {
 public:
  explicit StageScope(Stage stage) noexcept;
  ~StageScope();
  StageScope(const StageScope&) = delete;
  StageScope& operator=(const StageScope&) = delete;

 private:
  Stage before_;
};

/// What this thread has spent since the last call.
StageNanoseconds take_stage_times() noexcept;

}  // namespace irtd
