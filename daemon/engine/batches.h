// Reads and saves of a follower's batches in which one bad document holds up no other: where a batch as a whole
// cannot be read or saved, its documents are taken one by one. Called by Follower alone.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "couch/database.h"
#include "engine/aside.h"

namespace channels {

// What is about us, the database or the server, and not about a document in the request: other documents fare no better.
bool is_about_the_request(int status);

// Rows with their documents. A document that cannot be read (nested beyond reason, larger than an answer may be)
// comes as {"_id", "_rev"} only, and is logged. `query.limit` is lowered where a batch was too much, and is
// what was asked for in the end.
Changes read_changes(Database& database, Database::ChangesQuery& query, Log& log);

// As Database::get_many; a document that cannot be read comes as {"_id"} only.
std::vector<std::optional<Document>> read_documents(Database& database,
                                                    const std::vector<std::string>& ids, Log& log);

// As Database::save_each; where CouchDB refuses the request, the documents are saved one by one, and those that
// it still refuses are `rejected` with its reason.
std::vector<Saved> save_documents(Database& database, std::span<const Document> docs);

// The same for many: from `split_from` documents on by two requests at once, if there is a thread for the second. Where
// one of them fails as a whole, the other may be saved: who asks again finds those documents in conflict.
std::vector<Saved> save_documents(Database& database, std::span<const Document> docs, Aside& aside,
                                  std::size_t split_from);

}  // namespace channels
