// Names of databases as operators write them: plain or with * for any characters. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace channels {

using Globs = std::vector<std::string>;

bool matches(std::string_view glob, std::string_view name);
bool matches(const Globs& globs, std::string_view name);
// Is there a name that both match?
bool may_overlap(std::string_view left, std::string_view right);
bool may_overlap(const Globs& left, const Globs& right);

}  // namespace channels
