#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include "irtd/buffer_pool.hpp"
#include "support.hpp"

namespace {

using irtd::acquire_buffer;
using irtd::Errc;
using irtd::idle_pool_bytes;
using irtd::PooledBuffer;
using irtd::trim_pool;
using irtd::testing::throws;

constexpr std::size_t kMiB = std::size_t{1} << 20;

}  // namespace

TEST_CASE("buffers are aligned, large enough and clean when new") {
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{4097},
                              2 * kMiB - 1, 2 * kMiB, 5 * kMiB}) {
    CAPTURE(n);
    trim_pool();
    const PooledBuffer buffer = acquire_buffer(n);
    REQUIRE(buffer.data() != nullptr);
    CHECK(buffer.capacity() >= n);
    CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % 4096 == 0);
    CHECK(buffer.data()[buffer.capacity() - 1] == 0);
    std::memset(buffer.data(), 1, buffer.capacity());
    CHECK(buffer.bytes(n).size() == n);
  }
  trim_pool();
}

TEST_CASE("a buffer given back is the next one of its size") {
  trim_pool();
  CHECK(idle_pool_bytes() == 0);
  std::uint8_t* first = nullptr;
  std::size_t capacity = 0;
  {
    const PooledBuffer buffer = acquire_buffer(3 * kMiB);
    first = buffer.data();
    capacity = buffer.capacity();
    CHECK(idle_pool_bytes() == 0);
  }
  CHECK(idle_pool_bytes() == capacity);
  {
    const PooledBuffer small = acquire_buffer(4096);  // far too small for that one
    CHECK(small.data() != first);
    const PooledBuffer large = acquire_buffer(capacity + 1);
    CHECK(large.data() != first);
    const PooledBuffer same = acquire_buffer(3 * kMiB);
    CHECK(same.data() == first);
    const PooledBuffer another = acquire_buffer(3 * kMiB);
    CHECK(another.data() != first);
  }
  trim_pool();
  CHECK(idle_pool_bytes() == 0);
}

TEST_CASE("a buffer has one owner") {
  trim_pool();
  {
    PooledBuffer a = acquire_buffer(4096);
    std::uint8_t* const data = a.data();
    PooledBuffer b = std::move(a);
    CHECK(b.data() == data);
    PooledBuffer c;
    c = std::move(b);
    CHECK(c.data() == data);
    c = PooledBuffer();
    CHECK(c.data() == nullptr);
    CHECK(idle_pool_bytes() == 4096);
  }
  CHECK(idle_pool_bytes() == 4096);
  trim_pool();
}

TEST_CASE("only so much lies idle") {
  trim_pool();
  {
    const std::size_t most = irtd::pool_limit() / 2 + 100 * kMiB;
    const PooledBuffer a = acquire_buffer(most);  // pages nobody touches cost nothing
    const PooledBuffer b = acquire_buffer(most);
  }
  CHECK(idle_pool_bytes() > irtd::pool_limit() / 2);
  CHECK(idle_pool_bytes() <= irtd::pool_limit());
  trim_pool();
}

TEST_CASE("a buffer nobody can have is an error") {
  CHECK(throws(Errc::invalid_argument,
               [] { acquire_buffer(std::numeric_limits<std::size_t>::max()); }));
  CHECK(throws(Errc::invalid_argument,
               [] { acquire_buffer(std::numeric_limits<std::size_t>::max() - 2 * kMiB); }));
}

TEST_CASE("threads never share a buffer") {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::uint8_t t = 1; t <= 4; ++t) {
    threads.emplace_back([&wrong, t] {
      for (int round = 0; round < 300; ++round) {
        const PooledBuffer buffer = acquire_buffer(8192);
        std::memset(buffer.data(), t, 8192);
        std::this_thread::yield();
        for (std::size_t i = 0; i < 8192; i += 512) {
          if (buffer.data()[i] != t) ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  trim_pool();
}

TEST_CASE("a child of fork can use the pool, whoever held it at that moment") {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&stop] {  // the mutex is hardly ever free
      while (!stop) acquire_buffer(8192);
    });
  }
  int status = 7;
  for (int i = 0; i < 60 && status == 7; ++i) {
    status = irtd::testing::run_in_child([] {
      const PooledBuffer buffer = acquire_buffer(8192);
      std::memset(buffer.data(), 9, 8192);
      return 7;
    });
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(status == 7);
  trim_pool();
}
