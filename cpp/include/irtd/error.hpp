// One error type for the whole core: a class of failure, a message, and where it happened.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace irtd {

/// The class of a failure; the bindings map each to one Python exception.
enum class Errc {
  invalid_argument,  ///< the caller broke the contract (ValueError)
  decode,            ///< bytes are not the image they claim to be (DecodeError)
  format,            ///< metadata we cannot accept (StoreFormatError)
  corrupt,           ///< stored bytes are damaged or missing (CorruptStoreError)
  io,                ///< the operating system refused (OSError with errno)
  unsupported,       ///< valid, but not something we do (UnsupportedError)
  internal,          ///< our own fault (RuntimeError)
};

/// Everything the core throws deliberately.
class Error : public std::runtime_error {
 public:
  Error(Errc code, const std::string& message) : std::runtime_error(message), code_(code) {}

  /// An error of the operating system with its errno and the file it was about.
  static Error from_errno(int err, const std::string& what, std::string path);

  Errc code() const noexcept { return code_; }
  int os_errno() const noexcept { return errno_; }
  const std::string& path() const noexcept { return path_; }
  std::int64_t row() const noexcept { return row_; }

  Error& at_path(std::string path) {
    path_ = std::move(path);
    return *this;
  }
  Error& at_row(std::int64_t row) noexcept {
    row_ = row;
    return *this;
  }

 private:
  Errc code_;
  int errno_ = 0;
  std::int64_t row_ = -1;  ///< row of the array the failure is about, -1 if none
  std::string path_;
};

[[noreturn]] void throw_invalid(const std::string& message);

}  // namespace irtd

/// Guards a contract of a public core function; the message says what was expected.
#define IRTD_REQUIRE(condition, message)              \
  do {                                                \
    if (!(condition)) ::irtd::throw_invalid(message); \
  } while (false)
