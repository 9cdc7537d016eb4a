// What the engine itself keeps in the registry, besides leases and workers: checkpoints, revisits, failures.
//
//   {"_id": "checkpoint-<SHA-256 of database>", "type": "checkpoint", "database", "seq", "counter",
//    "design_version"[, "life"]}
//   {"_id": "revisit-<SHA-256 of database, id>", "type": "revisit", "database", "id", "due"[, "attempts"]}
//   {"_id": "failure-<SHA-256 of database, id>", "type": "failure", "database", "id", "rule", "parked": true,
//    "attempts", "reason", "last_time"}
//   "attempts": {"rev", "count", "history": [{"time", "reason"}, ...]}, the newest last
//
// Checkpoints are written behind, in bulk: losing one means reading rows again, no more. A revisit
// or failure is written before its row is settled (invariant 2), so those calls return only when
// the registry has them.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/env.h"
#include "couch/database.h"

namespace channels {

// How far a database is worked off.
struct CheckpointRecord {
  std::string seq = "0";
  // Goes up with each checkpoint over rows of others; the database keeps it as well (local_counter.h).
  std::int64_t counter = 0;
  // Of the design document that the database was last seen to have or given; 0 for none.
  int design_version = 0;
  // Changes when the database is found to be an older copy: what was read before counts no longer. "" at first.
  std::string life{};
};

// The failed attempts at one revision of a document.
struct Attempts {
  struct Failure {
    WallTime time;
    std::string reason;
  };
  std::string rev;
  int count = 0;
  std::vector<Failure> history;  // the last ten, the newest last

  // One more at this revision; the first one at another revision than before begins anew.
  void add(const std::string& of_rev, WallTime now, const std::string& reason);
};

struct Revisit {
  std::string database;
  std::string id;
  WallTime due;
  Attempts attempts;       // count 0: it did not fail, it only waits
  std::string record_rev;  // of the record; "" for one that is to be put
};

struct ParkedFailure {
  std::string database;
  std::string id;
  std::string rule;
  Attempts attempts;
  std::string record_rev;
};

// Of a database that is no more.
void remove_checkpoint(Database& registry, const std::string& database);

class Records {
 public:
  Records(Env& env, Database registry);

  // Seq "0" and counter 0 for a database that has none. Those of `others`, which will be wanted soon, come with the
  // same request and are kept until then.
  CheckpointRecord load_checkpoint(const std::string& database, const std::vector<std::string>& others = {});
  // As the registry has it now, whatever this worker is about to put there.
  CheckpointRecord read_checkpoint(const std::string& database);
  // Kept until flush_checkpoints().
  void put_checkpoint(const std::string& database, const CheckpointRecord& checkpoint);
  // `beside` goes with the same request: new documents, of which one that is there already was written by an earlier try. Gives
  // the ids of those that the registry's validation refused.
  std::vector<std::string> flush_checkpoints(std::vector<Document> beside = {});
  // In the order of databases; empty where none is known. One request.
  std::vector<std::optional<CheckpointRecord>> checkpoints(const std::vector<std::string>& databases);

  void put_revisits(const std::vector<Revisit>& revisits);
  // The earliest ones up to `until`, at most `limit`, those after `after` (the last one of the page before).
  std::vector<Revisit> due_revisits(WallTime until, std::size_t limit, const Revisit* after = nullptr);
  // Empty if that document waits for no later time.
  std::optional<Revisit> revisit_of(const std::string& database, const std::string& id);
  // Those that are settled: exactly the records that were read; one that was put again since stays.
  void remove_revisits(const std::vector<Revisit>& revisits);

  void put_failures(const std::vector<ParkedFailure>& failures);
  // In no order, at most `limit` after the one with the record's id `after`.
  std::vector<ParkedFailure> failures(std::size_t limit, const ParkedFailure* after = nullptr);
  // Hands parked documents out again, from the first attempt on.
  void bring_back(const std::vector<ParkedFailure>& failures);
  // Those whose document has changed since: nothing is parked there any longer.
  void remove_failures(const std::vector<ParkedFailure>& failures);

 private:
  // Saves over whatever revision is there: for records of which the newest word counts. But for the ids `once`, which are
  // tried once; gives those of them that were refused.
  std::vector<std::string> overwrite(std::vector<Document> docs, const std::set<std::string>& once = {});
  std::vector<std::optional<CheckpointRecord>> read_checkpoints(const std::vector<std::string>& databases,
                                                                bool keep_revs);
  // What keeps workers from running a lost run's document (lease.h).
  void remove_parked_leases(const std::vector<ParkedFailure>& failures);
  void remove(const std::vector<std::pair<std::string, std::string>>& ids_and_revs);

  Env& env_;
  Database registry_;
  std::mutex mutex_;
  std::map<std::string, CheckpointRecord> unsaved_;  // by database; guarded by mutex_
  struct Loaded {
    CheckpointRecord checkpoint;
    MonoTime until;  // another worker may have followed the database since
  };
  std::map<std::string, Loaded> loaded_;  // by database, not asked for yet; guarded by mutex_
  std::map<std::string, std::string> revs_;          // checkpoint id -> rev; only a hint
};

}  // namespace channels
