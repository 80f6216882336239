// Every SIMD target's table of a kernel file, for tests: each must equal the reference.
#pragma once

#include <hwy/targets.h>

#include <cstdint>
#include <vector>

namespace irtd::detail {

/// The reference and what `chosen` gives on each target that this processor can run. `chosen` is a
/// dynamic dispatch, which stays in the file of its kernels: its table of targets has no name
/// outside. The best table must have been fixed before (the targets are narrowed down meanwhile),
/// and no other thread may dispatch.
template <typename Table, typename Chosen>
std::vector<const Table*> tables_of_all_targets(const Table& reference, Chosen chosen) {
  std::vector<const Table*> tables{&reference};
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    tables.push_back(chosen());
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return tables;
}

}  // namespace irtd::detail
