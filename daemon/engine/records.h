// What the engine itself keeps in the registry, besides leases: checkpoints, revisits, failures.
//
//   {"_id": "checkpoint-<SHA-256 of database>", "type": "checkpoint", "database", "seq"}
//   {"_id": "revisit-<SHA-256 of database, id>", "type": "revisit", "database", "id", "due"}
//   {"_id": "failure-<SHA-256 of database, id>", "type": "failure", "database", "id", "rev", "rule",
//    "attempts", "reason", "parked": true, "last_time"}
//
// Checkpoints are written behind, in bulk: losing one means reading rows again, no more. A revisit
// or failure is written before its row is settled (invariant 2), so those calls return only when
// the registry has them.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "couch/database.h"

namespace channels {

struct Revisit {
  std::string database;
  std::string id;
  WallTime due;
};

struct ParkedFailure {
  std::string database;
  std::string id;
  std::string rev;
  std::string rule;
  int attempts = 0;
  std::string reason;
};

class Records {
 public:
  Records(Env& env, Database registry);

  // The seq to go on from; "0" for a database that has none.
  std::string load_checkpoint(const std::string& database);
  // Kept until flush_checkpoints().
  void put_checkpoint(const std::string& database, const std::string& seq);
  void flush_checkpoints();
  // In the order of databases; empty where none is known. One request.
  std::vector<std::optional<std::string>> checkpoints(const std::vector<std::string>& databases);

  void put_revisits(const std::vector<Revisit>& revisits);
  // The earliest ones up to `until`, at most `limit`.
  std::vector<Revisit> due_revisits(WallTime until, std::size_t limit);
  // Those that are settled.
  void remove_revisits(const std::string& database, const std::vector<std::string>& ids);

  void put_failures(const std::vector<ParkedFailure>& failures);

 private:
  // Saves over whatever revision is there: for records of which the newest word counts.
  void overwrite(std::vector<Document> docs);

  Env& env_;
  Database registry_;
  std::mutex mutex_;
  std::map<std::string, std::string> unsaved_;  // database -> seq; guarded by mutex_
  std::map<std::string, std::string> revs_;     // checkpoint id -> rev; only a hint
};

}  // namespace channels
