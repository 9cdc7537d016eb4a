// The engine's own saves come back as rows of the feed. One whose document has no rule in its new state needs no second
// look: the follower puts its id and rev here when it saves, and settles the row by it without reading the document.
// Forgetting one only costs that look, so the memory is bounded. Pure.
#pragma once

#include <string>
#include <unordered_map>

#include "couch/database.h"

namespace channels {

class Echoes {
 public:
  void expect(const std::string& id, const std::string& rev) {
    if (revs_.size() < most) revs_[id] = rev;
  }
  // True once for each expected row. One with branches is never an echo: somebody else wrote there.
  bool take(const Change& row) {
    const auto found = revs_.find(row.id);
    if (found == revs_.end()) return false;
    const bool is_echo = row.revs.size() == 1 && row.revs.front() == found->second;
    revs_.erase(found);
    return is_echo;
  }
  void clear() { revs_.clear(); }
  std::size_t size() const { return revs_.size(); }

 private:
  static constexpr std::size_t most = 25000;
  std::unordered_map<std::string, std::string> revs_;  // by id
};

}  // namespace channels
