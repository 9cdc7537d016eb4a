// A document is the JSON object that CouchDB keeps, with _id and _rev inside. These are the words
// for its parts, used from couch up to the workflows.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace channels {

// The whole of it, _id and _rev included; fields that are nobody's here are kept as they are.
using Document = json::object;

// Its _id; "" where the document has none, or none that is a string, as of the next three.
std::string doc_id(const Document& doc);
// Its _rev; "" for one that was never saved.
std::string doc_rev(const Document& doc);
// Its `type`, by which rules are looked up.
std::string doc_type(const Document& doc);
// Its `state`, the other half of that.
std::string doc_state(const Document& doc);
// Whether it is the mark of a deletion (`_deleted`).
bool is_deleted(const Document& doc);

// A rev is "N-hash". Order as CouchDB's: by N, then by hash.
struct Rev {
  unsigned long long generation = 0;  // N: 1 for a first revision
  std::string hash;                   // of the content and what it came from

  // As CouchDB orders leaves: the greatest of those that are not deleted is the winner.
  auto operator<=>(const Rev&) const = default;
};
// What has no dash, or no number before it, has generation 0: before all real ones.
Rev parse_rev(std::string_view rev);

// The same document in another state; all else stays.
Document in_state(Document doc, std::string_view state);
// {..., "state": "error", "error": {"error": `error`, "reason": `reason`}}. `reason` is one sentence for a person.
Document in_error(Document doc, std::string_view error, std::string_view reason);
// Whether the document has an `error` of this word, whatever its state is.
bool tells_error(const Document& doc, std::string_view error);

// Equal but for _rev and the order of members. Numbers are compared by value: 1.0 is 1.
bool same_content(const Document& left, const Document& right);

}  // namespace channels
