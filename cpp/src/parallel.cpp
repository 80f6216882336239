#include "irtd/parallel.hpp"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <fstream>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace irtd {
namespace {

constexpr int kMaxThreads = 1024;  // more only costs memory; guards against a nonsensical request

/// One call of parallel_for: a counter of work handed out and a count of helpers still inside.
struct Job {
  std::size_t n = 0;
  const std::function<void(std::size_t, int)>* body = nullptr;
  std::atomic<std::size_t> next{0};
  std::atomic<int> worker_ids{1};  // 0 is the caller
  int max_workers = 1;
  std::mutex mutex;
  std::condition_variable done;
  int active = 0;  // helpers inside run(), guarded by mutex
  std::exception_ptr error;

  void run(int worker) noexcept {
    while (true) {
      const std::size_t i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= n) return;
      try {
        (*body)(i, worker);
      } catch (...) {
        next.store(n, std::memory_order_relaxed);  // hand out nothing more
        const std::lock_guard<std::mutex> lock(mutex);
        if (!error) error = std::current_exception();
      }
    }
  }
};

thread_local bool inside_body = false;

class Pool {
 public:
  ~Pool() = default;

  void submit(const std::shared_ptr<Job>& job, int helpers) noexcept {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      try {
        grow(helpers);
        for (int i = 0; i < helpers; ++i) queue_.push_back(job);
      } catch (const std::bad_alloc&) {  // fewer help; the caller does the rest
      }
    }
    for (int i = 0; i < helpers; ++i) wake_.notify_one();
  }

  /// Takes back what no helper has picked up yet, so that the caller need not wait for it.
  void withdraw(const std::shared_ptr<Job>& job) {
    const std::lock_guard<std::mutex> lock(mutex_);
    queue_.erase(std::remove(queue_.begin(), queue_.end(), job), queue_.end());
  }

  int size() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return threads_;
  }

 private:
  void grow(int wanted) {
    try {
      while (threads_ < wanted) {
        // Detached: the pool lives until the process ends, and is never joined, so that neither
        // interpreter exit nor fork has to wait for it.
        std::thread([this] { loop(); }).detach();
        ++threads_;
      }
    } catch (const std::system_error&) {  // the system has no more threads for us: work with fewer
    }
  }

  void loop() {
    inside_body = true;
    while (true) {
      std::shared_ptr<Job> job;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [this] { return !queue_.empty(); });
        job = std::move(queue_.front());
        queue_.pop_front();
        const std::lock_guard<std::mutex> job_lock(job->mutex);
        ++job->active;
      }
      const int worker = job->worker_ids.fetch_add(1, std::memory_order_relaxed);
      if (worker < job->max_workers) job->run(worker);
      {
        const std::lock_guard<std::mutex> job_lock(job->mutex);
        if (--job->active == 0) job->done.notify_all();
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> queue_;
  int threads_ = 0;
};

// The pool is leaked on purpose: helpers may still wait on it while statics are destroyed, and a
// forked child must not touch its parent's (its threads do not exist there).
std::atomic<Pool*> current_pool{nullptr};
std::mutex pool_mutex;

void forget_pool_in_child() {
  new (&pool_mutex) std::mutex();
  current_pool.store(nullptr, std::memory_order_release);
  inside_body = false;
}

const int fork_handler = pthread_atfork(nullptr, nullptr, forget_pool_in_child);

Pool& pool() {
  Pool* existing = current_pool.load(std::memory_order_acquire);
  if (existing != nullptr) return *existing;
  const std::lock_guard<std::mutex> lock(pool_mutex);
  existing = current_pool.load(std::memory_order_acquire);
  if (existing == nullptr) {
    (void)fork_handler;
    existing = new Pool();
    current_pool.store(existing, std::memory_order_release);
  }
  return *existing;
}

int cgroup_quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  try {
    return std::max(1, static_cast<int>(std::stod(quota) / period + 0.5));
  } catch (const std::exception&) {
    return 0;
  }
}

}  // namespace

int available_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int count = 0;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) count = CPU_COUNT(&set);
  if (count <= 0) count = static_cast<int>(std::thread::hardware_concurrency());
  const int quota = cgroup_quota();
  if (quota > 0) count = std::min(count, quota);
  return std::max(1, count);
}

void parallel_for(std::size_t n, int threads, const std::function<void(std::size_t, int)>& body) {
  if (n == 0) return;
  const auto wanted =
      std::min<std::size_t>(n, static_cast<std::size_t>(std::clamp(threads, 1, kMaxThreads)));
  if (wanted == 1 || inside_body) {
    for (std::size_t i = 0; i < n; ++i) body(i, 0);
    return;
  }
  auto job = std::make_shared<Job>();
  job->n = n;
  job->body = &body;
  job->max_workers = static_cast<int>(wanted);
  Pool& threads_pool = pool();
  threads_pool.submit(job, job->max_workers - 1);
  inside_body = true;
  job->run(0);
  inside_body = false;
  threads_pool.withdraw(job);
  std::unique_lock<std::mutex> lock(job->mutex);
  job->done.wait(lock, [&job] { return job->active == 0; });
  // Taken out of the job, so that the exception ends on this thread: a helper may hold the job on.
  const std::exception_ptr error = std::exchange(job->error, nullptr);
  lock.unlock();
  if (error) std::rethrow_exception(error);
}

int default_read_threads() { return std::clamp(2 * available_threads(), 4, 64); }

int pool_size() {
  Pool* existing = current_pool.load(std::memory_order_acquire);
  return existing == nullptr ? 0 : existing->size();
}

}  // namespace irtd
