// What `doctor` found: a line for each check, printed as it comes, or one JSON object at the end.
// Every text passes through here, and no secret through it.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace channels {

enum class Result { ok, note, fault };

// Lines to copy or to follow.
using Todo = std::vector<std::string>;

class Report {
 public:
  // `out` null: nothing is printed.
  explicit Report(std::ostream* out) : out_(out) {}

  void ok(std::string_view name, const std::string& found) { add(name, Result::ok, found, {}); }
  // Nothing is broken, but an operator may want to know.
  void note(std::string_view name, const std::string& found, const Todo& todo = {}) {
    add(name, Result::note, found, todo);
  }
  void fault(std::string_view name, const std::string& found, const Todo& todo) {
    add(name, Result::fault, found, todo);
  }

  // From now on "..." stands where that text would.
  void hide(const std::string& secret);

  int faults() const { return faults_; }
  // {"faults": N, "checks": [{"name", "result", "found", "do": [LINE]}]}
  json::object as_json() const;

 private:
  void add(std::string_view name, Result result, const std::string& found, const Todo& todo);
  std::string clean(std::string text) const;

  std::ostream* const out_;
  std::vector<std::string> secrets_;
  json::array checks_;
  int faults_ = 0;
};

// "in local.ini:", the section and the lines below it, and how they are taken up.
Todo in_local_ini(std::string_view section, std::initializer_list<std::string> lines);

}  // namespace channels
