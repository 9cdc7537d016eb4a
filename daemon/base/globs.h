// Names of databases as operators write them: plain or with * for any characters. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace channels {

// A list of them, as `[channels] follow` has it; a name is meant if one of them matches.
using Globs = std::vector<std::string>;

// Whether the whole name is as the glob says, case included.
bool matches(std::string_view glob, std::string_view name);
// Whether one of the list matches.
bool matches(const Globs& globs, std::string_view name);
// Is there a name that both match?
bool may_overlap(std::string_view left, std::string_view right);
// The same of two lists.
bool may_overlap(const Globs& left, const Globs& right);

}  // namespace channels
