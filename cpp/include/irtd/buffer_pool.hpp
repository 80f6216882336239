// Big page-aligned buffers that are reused: a fresh batch costs milliseconds of page faults.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "irtd/view.hpp"

namespace irtd {

/// A page-aligned block, returned to the pool by its deleter.
class PooledBuffer {
 public:
  PooledBuffer() = default;
  PooledBuffer(std::uint8_t* data, std::size_t capacity) : data_(data), capacity_(capacity) {}
  PooledBuffer(PooledBuffer&& other) noexcept;
  PooledBuffer& operator=(PooledBuffer&& other) noexcept;
  PooledBuffer(const PooledBuffer&) = delete;
  PooledBuffer& operator=(const PooledBuffer&) = delete;
  ~PooledBuffer();

  std::uint8_t* data() const noexcept { return data_; }
  std::size_t capacity() const noexcept { return capacity_; }
  MutableBytes bytes(std::size_t n) const noexcept { return MutableBytes(data_, n); }

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t capacity_ = 0;
};

/// Takes a buffer of at least `bytes` from the process's pool, or maps a new one (huge pages are
/// asked for). At most `pool_limit()` bytes stay idle; beyond that buffers are unmapped on return.
PooledBuffer acquire_buffer(std::size_t bytes);

/// An eighth of the machine's memory, but from 1 to 4 GiB: the batches of pairs in large frames
/// that a loader has at once, so that the next epoch finds their memory.
std::size_t pool_limit() noexcept;

/// Bytes that lie idle in the pool now.
std::size_t idle_pool_bytes();

/// Unmaps everything idle.
void trim_pool();

}  // namespace irtd
