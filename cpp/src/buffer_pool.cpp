#include "irtd/buffer_pool.hpp"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "irtd/error.hpp"

namespace irtd {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kMaxBuffer = std::size_t{1} << 47;  // what an address space holds

struct Block {
  std::uint8_t* data;
  std::size_t capacity;
};

struct Pool {
  std::mutex mutex;
  std::vector<Block> idle;
  std::size_t idle_bytes = 0;
};

// Leaked on purpose: arrays may be freed while statics are destroyed.
Pool& pool() {
  static Pool* const instance = new Pool();
  return *instance;
}

// A child of fork inherits the pool but not the thread that may hold its mutex, so nobody may hold
// it then.
const int fork_handlers = pthread_atfork([] { pool().mutex.lock(); }, [] { pool().mutex.unlock(); },
                                         [] { pool().mutex.unlock(); });

std::size_t rounded(std::size_t bytes) {
  const std::size_t unit = bytes >= kHugePage ? kHugePage : 4096;
  return (std::max<std::size_t>(bytes, 1) + unit - 1) / unit * unit;
}

void give_back(std::uint8_t* data, std::size_t capacity) noexcept {
  Pool& p = pool();
  {
    const std::lock_guard<std::mutex> lock(p.mutex);
    if (p.idle_bytes + capacity <= pool_limit()) {
      try {
        p.idle.push_back({data, capacity});
        p.idle_bytes += capacity;
        return;
      } catch (const std::bad_alloc&) {  // no room to remember it: unmapping is the better use
      }
    }
  }
  ::munmap(data, capacity);
}

}  // namespace

PooledBuffer::PooledBuffer(PooledBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), capacity_(std::exchange(other.capacity_, 0)) {}

PooledBuffer& PooledBuffer::operator=(PooledBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(capacity_, other.capacity_);
  return *this;
}

PooledBuffer::~PooledBuffer() {
  if (data_ != nullptr) give_back(data_, capacity_);
}

PooledBuffer acquire_buffer(std::size_t bytes) {
  (void)fork_handlers;
  IRTD_REQUIRE(bytes <= kMaxBuffer, "a buffer of " + std::to_string(bytes) + " bytes is too large");
  const std::size_t wanted = rounded(bytes);
  Pool& p = pool();
  {
    const std::lock_guard<std::mutex> lock(p.mutex);
    // The newest fitting block is the warmest; one of more than twice the size is kept for others.
    for (std::size_t i = p.idle.size(); i-- > 0;) {
      const Block block = p.idle[i];
      if (block.capacity < wanted || block.capacity > 2 * wanted) continue;
      p.idle.erase(p.idle.begin() + static_cast<std::ptrdiff_t>(i));
      p.idle_bytes -= block.capacity;
      return PooledBuffer(block.data, block.capacity);
    }
  }
  void* data = ::mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) {
    throw Error::from_errno(errno, "cannot map " + std::to_string(wanted) + " bytes", "");
  }
  if (wanted >= kHugePage) ::madvise(data, wanted, MADV_HUGEPAGE);
  return PooledBuffer(static_cast<std::uint8_t*>(data), wanted);
}

std::size_t pool_limit() noexcept {
  static constexpr std::size_t kGiB = std::size_t{1} << 30;
  static const std::size_t limit = [] {
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    const long page = ::sysconf(_SC_PAGESIZE);
    if (pages <= 0 || page <= 0) return kGiB;
    const std::size_t share = static_cast<std::size_t>(pages) * static_cast<std::size_t>(page) / 8;
    return std::clamp(share, kGiB, 4 * kGiB);
  }();
  return limit;
}

std::size_t idle_pool_bytes() {
  Pool& p = pool();
  const std::lock_guard<std::mutex> lock(p.mutex);
  return p.idle_bytes;
}

void trim_pool() {
  std::vector<Block> blocks;
  Pool& p = pool();
  {
    const std::lock_guard<std::mutex> lock(p.mutex);
    blocks.swap(p.idle);
    p.idle_bytes = 0;
  }
  for (const Block& block : blocks) ::munmap(block.data, block.capacity);
}

}  // namespace irtd
