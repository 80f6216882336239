#include "irtd/stage_clock.hpp"

#include <chrono>

namespace irtd {
namespace {

struct ThreadClock {
  StageNanoseconds spent{};
  Stage now = Stage::other;
  std::uint64_t since = 0;
};

ThreadClock& clock_of_thread() noexcept {
  thread_local ThreadClock clock;
  return clock;
}

std::uint64_t nanoseconds() noexcept {
  return static_cast<std::uint64_t>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

Stage enter(Stage stage) noexcept {
  ThreadClock& clock = clock_of_thread();
  const std::uint64_t now = nanoseconds();
  // Outside of all scopes nothing is counted: a thread may wait there for hours.
  if (clock.now != Stage::other) {
    clock.spent[static_cast<std::size_t>(clock.now)] += now - clock.since;
  }
  clock.since = now;
  const Stage before = clock.now;
  clock.now = stage;
  return before;
}

}  // namespace

StageScope::StageScope(Stage stage) noexcept : before_(enter(stage)) {}

StageScope::~StageScope() { enter(before_); }

StageNanoseconds take_stage_times() noexcept {
  ThreadClock& clock = clock_of_thread();
  const StageNanoseconds spent = clock.spent;
  clock.spent = {};
  return spent;
}

}  // namespace irtd
