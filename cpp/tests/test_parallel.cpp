#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "irtd/parallel.hpp"
#include "support.hpp"

namespace {

using irtd::parallel_for;
using irtd::pool_size;

/// How often each index was handed out.
std::vector<int> visits(std::size_t n, int threads) {
  std::vector<std::atomic<int>> counts(n);
  parallel_for(n, threads, [&](std::size_t i, int) { ++counts[i]; });
  return std::vector<int>(counts.begin(), counts.end());
}

std::uint64_t sum_to(std::size_t n, int threads) {
  std::atomic<std::uint64_t> sum{0};
  parallel_for(n, threads, [&](std::size_t i, int) { sum += i; });
  return sum;
}

std::string message_of(std::size_t n, int threads, std::size_t thrower,
                       std::atomic<std::size_t>& ran) {
  try {
    parallel_for(n, threads, [&](std::size_t i, int) {
      ++ran;
      if (i == thrower) throw std::runtime_error("body " + std::to_string(i));
    });
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("every index is handed out once") {
  for (const std::size_t n : {0, 1, 2, 3, 7, 64, 1000}) {
    for (const int threads : {-1, 0, 1, 2, 5, 16}) {
      CAPTURE(n);
      CAPTURE(threads);
      CHECK(visits(n, threads) == std::vector<int>(n, 1));
    }
  }
}

TEST_CASE("worker numbers are in range and unique among those that run") {
  for (const int threads : {1, 2, 7}) {
    std::vector<std::atomic<int>> busy(static_cast<std::size_t>(threads));
    std::atomic<int> wrong{0};
    parallel_for(500, threads, [&](std::size_t i, int worker) {
      if (worker < 0 || worker >= threads) {
        ++wrong;
        return;
      }
      if (busy[static_cast<std::size_t>(worker)].exchange(1) != 0) ++wrong;
      if (i % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      busy[static_cast<std::size_t>(worker)] = 0;
    });
    CHECK(wrong == 0);
  }
}

TEST_CASE("a nonsensical number of threads starts no more than a sensible one") {
  CHECK(sum_to(3000, 1 << 30) == 3000U * 2999U / 2);
  CHECK(pool_size() < 1100);
}

TEST_CASE("an exception reaches the caller and stops the hand-out") {
  for (const int threads : {1, 2, 8}) {
    CAPTURE(threads);
    std::atomic<std::size_t> ran{0};
    CHECK(message_of(2000000, threads, 10, ran) == "body 10");
    CHECK(ran < 2000000);
    CHECK(ran >= 11);
    ran = 0;
    CHECK(message_of(5, threads, 4, ran) == "body 4");
    CHECK(sum_to(1000, threads) == 499500);  // and the pool goes on
  }
}

TEST_CASE("of many exceptions one arrives, after every body has returned") {
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> inside{0};
    int thrown = 0;
    try {
      parallel_for(64, 6, [&](std::size_t, int) {
        ++inside;
        std::this_thread::yield();
        --inside;
        throw 5;
      });
    } catch (int value) {
      thrown = value;
    }
    REQUIRE(thrown == 5);
    REQUIRE(inside == 0);
  }
}

TEST_CASE("calls from inside a body run serially on its thread") {
  std::atomic<int> wrong{0};
  std::atomic<int> inner{0};
  parallel_for(40, 4, [&](std::size_t, int) {
    const std::thread::id self = std::this_thread::get_id();
    std::size_t expected = 0;
    parallel_for(10, 4, [&](std::size_t i, int worker) {
      if (i != expected++ || worker != 0 || std::this_thread::get_id() != self) ++wrong;
      ++inner;
    });
  });
  CHECK(wrong == 0);
  CHECK(inner == 400);
  // An exception of the inner call is one of the outer.
  CHECK_THROWS_AS(parallel_for(8, 4,
                               [](std::size_t, int) {
                                 parallel_for(3, 4, [](std::size_t i, int) {
                                   if (i == 2) throw std::out_of_range("inner");
                                 });
                               }),
                  std::out_of_range);
}

TEST_CASE("several threads may call at once") {
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 5; ++c) {
    callers.emplace_back([&wrong, c] {
      for (std::size_t round = 0; round < 60; ++round) {
        const std::size_t n = 1 + round * 7;
        if (sum_to(n, 1 + (c + static_cast<int>(round)) % 6) != n * (n - 1) / 2) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST_CASE("bodies do run at the same time") {
  std::atomic<int> arrived{0};
  std::atomic<bool> met{false};
  parallel_for(2, 2, [&](std::size_t, int) {
    ++arrived;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (arrived < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    if (arrived == 2) met = true;
  });
  CHECK(met);
  CHECK(pool_size() >= 1);
}

TEST_CASE("thread counts of the machine are sensible") {
  CHECK(irtd::available_threads() >= 1);
  CHECK(irtd::default_read_threads() >= 4);
  CHECK(irtd::default_read_threads() <= 64);
}

#ifndef __SANITIZE_THREAD__  // which ends a child that starts threads
TEST_CASE("a forked child makes its own pool") {
  CHECK(sum_to(1000, 4) == 499500);
  CHECK(pool_size() >= 3);
  const auto child = [] {
    if (pool_size() != 0) return 1;
    if (sum_to(1000, 4) != 499500) return 2;
    return pool_size() == 3 ? 7 : 3;
  };
  CHECK(irtd::testing::run_in_child(child) == 7);

  // Also while others use the parent's pool.
  std::atomic<bool> stop{false};
  std::thread other([&stop] {
    while (!stop) sum_to(200, 3);
  });
  for (int i = 0; i < 10; ++i) REQUIRE(irtd::testing::run_in_child(child) == 7);
  stop = true;
  other.join();

  // And from inside a body.
  std::atomic<int> status{0};
  parallel_for(2, 2, [&](std::size_t i, int) {
    if (i == 0) status = irtd::testing::run_in_child(child);
  });
  CHECK(status == 7);
  CHECK(sum_to(1000, 4) == 499500);
}
#endif
