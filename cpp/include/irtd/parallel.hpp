// A thread pool that starts on first use, survives fork, and carries exceptions to the caller.
#pragma once

#include <cstddef>
#include <functional>

namespace irtd {

/// Hardware threads this process may use (affinity mask and cgroup quota respected), at least 1.
int available_threads();

/// Runs `body(i, worker)` for every i in [0, n) on up to `threads` threads, the caller included.
///
/// `worker` is in [0, threads) and unique among bodies that run at the same time, so it can index
/// scratch space. The first exception stops the hand-out of further work and is rethrown here once
/// every running body has returned. Calls from inside a body that shares its work with helpers run
/// serially. Helper threads belong to the process (started on first use); a child made by fork
/// starts its own on its first call.
void parallel_for(std::size_t n, int threads, const std::function<void(std::size_t, int)>& body);

/// Threads a read of many samples uses unless told otherwise: a few more than the cores, so that
/// reads which wait for the disk overlap with others that decode.
int default_read_threads();

/// Number of helper threads alive in this process (0 before first use and in a fresh fork).
int pool_size();

}  // namespace irtd
