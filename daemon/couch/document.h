// A document is the JSON object that CouchDB keeps, with _id and _rev inside. These are the words
// for its parts, used from couch up to the workflows.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace channels {

using Document = json::object;

// "" where the document has none, or none that is a string.
std::string doc_id(const Document& doc);
std::string doc_rev(const Document& doc);
std::string doc_type(const Document& doc);
std::string doc_state(const Document& doc);
bool is_deleted(const Document& doc);

// A rev is "N-hash". Order as CouchDB's: by N, then by hash.
struct Rev {
  unsigned long long generation = 0;
  std::string hash;

  auto operator<=>(const Rev&) const = default;
};
Rev parse_rev(std::string_view rev);

// The same document in another state; all else stays.
Document in_state(Document doc, std::string_view state);
// {..., "state": "error", "error": {"error": `error`, "reason": `reason`}}. `reason` is one sentence for a person.
Document in_error(Document doc, std::string_view error, std::string_view reason);

// Equal but for _rev and the order of members.
bool same_content(const Document& left, const Document& right);

}  // namespace channels
