// What this build was made of.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace irtd {

/// Name and value pairs: compiler, library versions, which optional parts are in.
std::vector<std::pair<std::string, std::string>> build_info();

}  // namespace irtd
