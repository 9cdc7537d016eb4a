// What is different between two documents, for people: a line for each member. Pure; used by `replay`.
#pragma once

#include <string>
#include <vector>

#include "couch/document.h"

namespace channels {

struct Difference {
  std::string member;  // "a.b" within objects
  json::value before;  // undefined where there was none: see the flags
  json::value after;
  bool was_there = true;
  bool is_there = true;
};

// But for _id and _rev. In the order of members.
std::vector<Difference> differences(const json::object& before, const json::object& after);

// `member: "old" -> "new"`, values cut to what a line holds, and fit for a terminal.
std::string line_of(const Difference& difference);

json::object json_of(const Difference& difference);

}  // namespace channels
