// One database. Made where it is needed, holds nothing but its name and its server. The outcomes
// that a caller decides on are in the return types: 404 is an empty optional, 409 is
// Saved::conflict, 412 is Created::existed. All else throws as Server does.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "couch/document.h"
#include "couch/server.h"

namespace channels {

// One row of a _changes feed.
struct Change {
  std::string seq;                // opaque: never compared but for equality, never ordered
  std::string id;                 // of the document
  bool deleted = false;           // the winner is
  std::vector<std::string> revs;  // all leaves, the winner first
  Document doc;                   // the winner; empty unless include_docs
};

// One answer of a feed.
struct Changes {
  std::vector<Change> rows;  // in the feed's order; a document is in it once, with its latest change
  std::string last_seq;      // where to go on: the next query's `since`
  std::int64_t pending = 0;  // rows that the limit left out
  std::size_t bytes = 0;     // of the whole answer
};

// What became of one document of a save.
struct Saved {
  // Only the first two are well.
  enum class Outcome {
    saved,     // 201: a quorum has it
    accepted,  // 202: fewer copies than a quorum have it, a race may still go the other way
    conflict,  // 409: someone was faster
    rejected,  // a validation function refused it; see reason
    failed     // the server could not say: a validation function that broke, a shard that did; see reason
  };
  Outcome outcome = Outcome::saved;  // what the server said
  std::string id;                    // of the document
  std::string rev;                   // of what was saved
  std::string reason;                // of what was not

  // It is in the database.
  bool ok() const { return outcome == Outcome::saved || outcome == Outcome::accepted; }
};

// What became of a wish for a database: it was made now, or was there.
enum class Created { made, existed };

// The leaves of one document by their revisions alone, of which thousands are still a small answer.
struct LeafRevs {
  std::vector<std::string> live;     // the winner first; empty: there is no such document, or its winner is deleted
  std::vector<std::string> deleted;  // beside a winner that is not
};

// The winning revision of one id.
struct Winner {
  std::string rev;              // "": there never was such a document
  bool deleted = false;         // by its winner
  std::optional<Document> doc;  // unless it is deleted
};

// Cheap to copy; the server outlives it. Safe to use from any thread.
class Database {
 public:
  // Asks nothing of the server: there may be no such database.
  Database(Server& server, std::string name);

  const std::string& name() const { return name_; }  // as CouchDB has it, not encoded
  Server& server() const { return *server_; }        // for requests that have no words here

  // Makes it with so many shards (q).
  Created create(int shards);
  // With all that is in it; nothing happens if it is not there.
  void remove();
  // Whether the server has it now.
  bool exists();
  // The seq of its latest change; opaque.
  std::string update_seq();

  // How many copies the server keeps of each document (n of a cluster, 1 on a single node).
  int copies();

  // With copies above one, so many are asked in place of one.
  std::optional<Document> get(std::string_view id, int copies = 1);
  // Every leaf, deleted ones too, in CouchDB's order: the winner first. Unreadable if they are too large together.
  std::vector<Document> leaves(std::string_view id);
  // What leaves there are, in the same order: for a document that strangers may have given any number of branches.
  LeafRevs leaf_revs(std::string_view id);
  // Some of them, in the same order; one that is not there any longer is left out.
  std::vector<Document> leaves(std::string_view id, std::span<const std::string> revs);
  // The first leaf of which that is true, deleted ones too; read in parts, however many there are. One too large to be
  // read is passed over. Nothing where the winner is deleted.
  std::optional<Document> find_leaf(std::string_view id, const std::function<bool(const Document&)>& wanted);
  // In the order of ids; empty where there is no such document or its winner is deleted.
  std::vector<std::optional<Document>> get_many(const std::vector<std::string>& ids);
  // The same where it matters whether there was one.
  std::vector<Winner> winners(const std::vector<std::string>& ids);

  // Saves by one _bulk_docs, the result in the order of docs; none of them is `failed`, that throws Unavailable.
  std::vector<Saved> save_all(const std::vector<Document>& docs);
  // The same where what failed may not hide what was saved beside it.
  std::vector<Saved> save_each(std::span<const Document> docs);
  // One document alone, as save_all; without _rev it is a new one.
  Saved save(const Document& doc);

  // Which rows of the feed are wanted. All leaves are always told (style=all_docs).
  struct ChangesQuery {
    std::string since = "0";   // the seq behind which it begins; "now": only what comes
    std::size_t limit = 500;   // rows of one answer
    bool include_docs = true;  // fills Change::doc
    // Only design documents (CouchDB's built-in filter, without JavaScript).
    bool design_only = false;
    // Above zero: a long-poll that returns empty after this time.
    milliseconds long_poll{0};
    std::stop_token stop;  // ends the wait, with Unavailable
    // Above it: Unreadable. A smaller `limit` may then do.
    std::size_t largest_answer = HttpRequest().largest_answer;
  };
  // One request's worth of the feed; the rest by another, with `last_seq` as its `since`.
  Changes changes(const ChangesQuery& query);

  // Removes revisions for good, {id: [revs]}; the caller keeps to 100 ids a request.
  void purge(const json::object& revs_by_id);
  // Asks for a compaction; it goes on when this has returned.
  void compact();
  // Whether one goes on now.
  bool is_compacting();
  // What is left of purged rows in the index of _design/channels' views goes, too.
  void compact_views();
  // CouchDB keeps the ids of the last purges, a thousand by default; older ones go with the next compaction.
  void keep_purged_infos(int most);

  // {"admins": {...}, "members": {...}, ...}
  json::object security();
  // Takes the place of the whole of it.
  void put_security(const json::object& security);

  // Rows of a view of _design/channels; `query` is as in POST of CouchDB's view API, for example
  // {"startkey": ..., "limit": 10}. Each row: {"id", "key", "value"[, "doc"]}.
  std::vector<json::object> view(std::string_view view, const json::object& query);

  // Rows of _all_docs, a range of ids: the query needs "startkey" and "endkey". Rows as those of a view.
  std::vector<json::object> all_docs(const json::object& query);

  // The database's own path for Server::request, with `rest`, already encoded, behind it.
  std::string path(std::string_view rest = {}) const;

 private:
  std::vector<json::object> rows(std::string_view rest, const json::object& query);

  Server* server_;
  std::string name_;
};

// The path of a document below its database, with _design/ and _local/ kept as they are.
std::string doc_path(std::string_view id);

}  // namespace channels
