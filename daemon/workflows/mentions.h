// Finds a person in documents, and takes him out of them: what `couchdb-channels erase` searches databases with. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "couch/document.h"

namespace channels {

struct Mentioned {
  std::string address;          // folded, as parse_address gives it
  std::set<std::string> words;  // the address' digest and the like: unmistakable wherever they are
};

// The text has the address, in whatever letters, and not as a part of a longer one; or one of the words.
bool mentions(std::string_view text, const Mentioned& who);
// Any member's name or value, _id and _rev included.
bool mentions(const Document& doc, const Mentioned& who);

// The document with "(erased)" in the place of each mention but in _id and _rev.
Document without_mentions(const Document& doc, const Mentioned& who);

}  // namespace channels
