#include "irtd/error.hpp"

#include <system_error>

namespace irtd {

Error Error::from_errno(int err, const std::string& what, std::string path) {
  // std::generic_category().message is the thread-safe strerror.
  Error error(Errc::io, what + ": " + std::generic_category().message(err));
  error.errno_ = err;
  error.path_ = std::move(path);
  return error;
}

void throw_invalid(const std::string& message) { throw Error(Errc::invalid_argument, message); }

}  // namespace irtd
