// What several tests need: a folder of their own, file contents, errors as values, pictures.
#pragma once

#include <doctest/doctest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "irtd/error.hpp"
#include "irtd/jpeg.hpp"

namespace irtd::testing {

using Data = std::vector<std::uint8_t>;

/// A folder that goes away with its content.
class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "irtd_tests_XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  std::string path(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }
  bool empty() const { return std::filesystem::is_empty(path_); }

 private:
  std::filesystem::path path_;
};

inline Data read_all(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  REQUIRE(stream.good());
  return Data(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
}

inline std::string write_all(const std::string& path, const Data& data) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  for (const std::uint8_t byte : data) stream.put(static_cast<char>(byte));
  stream.close();
  REQUIRE(stream.good());
  return path;
}

/// The irtd::Error that `body` throws, if it throws one.
template <typename Body>
std::optional<Error> caught(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

/// Whether `body` throws an irtd::Error of this class.
template <typename Body>
bool throws(Errc code, const Body& body) {
  const std::optional<Error> error = caught(body);
  return error.has_value() && error->code() == code;
}

/// Bytes that do not compress.
inline Data noise(std::size_t n, unsigned seed) {
  std::mt19937 generator(seed);
  Data data(n);
  for (std::uint8_t& byte : data) byte = static_cast<std::uint8_t>(generator());
  return data;
}

/// Bytes that compress well, different for every seed.
inline Data smooth(std::size_t n, unsigned seed) {
  Data data(n);
  for (std::size_t i = 0; i < n; ++i) data[i] = static_cast<std::uint8_t>(seed + i / 16);
  return data;
}

/// A smooth picture; its channels differ by `colour` levels.
inline Data picture(int rows, int cols, int channels, int colour = 0, int seed = 0) {
  Data pixels;
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < cols; ++c) {
      const double wave = 120 + 50 * std::sin(0.1 * r + seed) + 30 * std::cos(0.07 * c);
      for (int k = 0; k < channels; ++k) {
        pixels.push_back(static_cast<std::uint8_t>(wave + colour * (k - 1)));
      }
    }
  }
  return pixels;
}

inline Data jpeg_file(int rows, int cols, int channels, int colour = 0, int seed = 0) {
  const Data pixels = picture(rows, cols, channels, colour, seed);
  return encode_jpeg({pixels.data(), rows, cols, channels}, 90, 444, false);
}

/// Runs `body` in a forked child; its exit status, or -1 if it hangs or dies.
template <typename Body>
int run_in_child(const Body& body) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(body());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return -1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace irtd::testing
