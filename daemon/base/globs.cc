#include "base/globs.h"

#include <algorithm>

namespace channels {

bool may_overlap(std::string_view left, std::string_view right) {
  // row[j]: the rest of `left` from here on, and the rest of `right` from j on, have a name in common.
  std::vector<bool> row(right.size() + 1, false);
  for (std::size_t i = left.size() + 1; i-- > 0;) {
    std::vector<bool> here(right.size() + 1, false);
    for (std::size_t j = right.size() + 1; j-- > 0;) {
      const bool left_over = i == left.size();
      const bool right_over = j == right.size();
      if (left_over && right_over) {
        here[j] = true;
      } else if (!left_over && left[i] == '*') {
        here[j] = row[j] || (!right_over && here[j + 1]);
      } else if (!right_over && right[j] == '*') {
        here[j] = here[j + 1] || (!left_over && row[j]);
      } else {
        here[j] = !left_over && !right_over && left[i] == right[j] && row[j + 1];
      }
    }
    row = std::move(here);
  }
  return row[0];
}

bool matches(std::string_view glob, std::string_view name) {
  return name.find('*') == name.npos && may_overlap(glob, name);
}

bool matches(const Globs& globs, std::string_view name) {
  return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) { return matches(glob, name); });
}

bool may_overlap(const Globs& left, const Globs& right) {
  return std::any_of(left.begin(), left.end(), [&](const std::string& one) {
    return std::any_of(right.begin(), right.end(), [&](const std::string& other) { return may_overlap(one, other); });
  });
}

}  // namespace channels
