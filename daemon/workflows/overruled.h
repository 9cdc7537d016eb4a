// What a document in conflict keeps of the leaves that lost: the member `overruled`, a list of
// entries
//
//   {"rev": "3-abc", "name": "Kitchen", "left_out": ["drawing"]}
//
// newest rev first, each with the members that this leaf had otherwise. `left_out` names those that
// do not fit (too large, too deep; "*" for further ones); {"more": true} at the end of the list
// says that there were further entries. Used by conflicts.cc.
//
// Promises: at most 10 entries of 4,000 characters, 8,000 in all, whatever was put in; what was in
// stays in and unchanged when the same is added again.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "couch/document.h"

namespace channels {

class Overruled {
 public:
  // The entries that a leaf brings along from earlier conflicts. What is no entry is dropped.
  void add_entries(const Document& leaf);
  // A member of the leaf `rev`; the first value for a member of a leaf stays.
  void add(std::string_view rev, std::string_view key, const json::value& value);
  // Empty if nothing was overruled.
  json::array list() const;

 private:
  struct Entry {
    Document doc;
    std::size_t size = 0;
  };

  Entry& entry_of(std::string_view rev);
  static void leave_out(Entry& entry, std::string_view key);

  std::map<std::pair<Rev, std::string>, Entry> entries_;  // so that each leaf has one
  bool more_ = false;
};

}  // namespace channels
