// The daemons that share one registry: each announces itself there and shares the databases out by rendezvous
// hashing, so that every database has one worker that follows it. The engine calls beat() now and then.
//
//   {"_id": "worker-<id>", "type": "worker", "beat": 17, "time": "<for people>", "place": "couchdb@host 123",
//    "updates_seq": "...", "awake": ["control-...", ...], "ended": false, "status": {...}}
//
// Whose document changed lately, as seen by this worker's own clock, is alive; whose did not is dead to it, and its
// share moves. Two workers may disagree for some seconds: then both do the same database, which leases and
// CouchDB's revisions make harmless, or (after a death) none, which the hand-over below makes good.
//
// Hand-over: updates_seq and awake say what a worker had not finished: every database that _db_updates brought up
// before updates_seq is worked off or in awake. Who sees a worker dead, ended or for the first time reads the
// updates from there, and marks what is its own now.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/log.h"
#include "couch/database.h"

namespace channels {

// What a worker had not finished.
struct HandOver {
  std::string updates_seq;  // "" for one that never read any
  std::vector<std::string> awake;
};

class Workers {
 public:
  // `id` is of this run of the daemon, no other ever has it; `place` tells people which one it is.
  Workers(Env& env, Log& log, Database registry, std::string id, std::string place);

  // Announces this worker and looks at the others. Gives what they left for this worker to look at. Throws what
  // requests throw: then this worker goes on with the shares as they were.
  std::vector<HandOver> beat(const HandOver& mine, const json::object& status);
  // The last beat of a worker that ends in good order.
  void end(const HandOver& mine);
  // Until the next beat: longer when nobody else is there to see it.
  milliseconds interval();

  // By this worker's present view, it is the one to follow the database.
  bool is_mine(std::string_view database);
  std::size_t alive();

 private:
  struct Other {
    std::string rev;
    MonoTime seen{};          // when `rev` was first seen
    bool alive = false;       // its document was seen to change
    bool taken_over = false;  // what it left was handed over since
  };

  void announce(const HandOver& mine, const json::object& status, bool ended);
  std::vector<HandOver> look_at_others();
  // True if what this one left has to be looked at now.
  bool note(const std::string& id, const Document& doc);
  void forget_long_dead(const std::vector<Document>& docs);
  void say_members();

  Env& env_;
  Log& log_;
  Database registry_;
  const std::string id_;
  const std::string place_;
  std::string rev_;        // of this worker's document; only the beating thread uses it
  std::int64_t beats_ = 0;
  std::mutex mutex_;
  std::map<std::string, Other> others_;  // by worker id; guarded by mutex_
  std::vector<std::string> members_;     // alive, this one included, sorted; guarded by mutex_
};

// What the registry says of all workers: [{"place", "alive", "time", "status"}]. Watches long enough to see a beat of
// each that is alive. For `status`.
json::array workers_now(Env& env, Database& registry);

// The member with the highest score for that database; every worker with the same members comes to the same. When one
// leaves, only its databases move (rendezvous hashing). Pure. `members` is not empty.
const std::string& worker_of(std::string_view database, const std::vector<std::string>& members);

}  // namespace channels
