// A person goes, on request: his log-ins, control database and memberships, and his address wherever the daemon keeps or shows it. Called by
// `couchdb-channels erase`; it works beside running daemons. Safe to repeat, and gone on with by the next call if it was killed.
//
// In this order: the log-ins, so that nothing is written by his devices any more; channels, which go to who is in them longest, or for good
// if nobody else is; his records, so that no daemon shows his address again; his control database; then the handshake and all other control
// databases are searched (nothing tells which of their documents name him). What names him is purged, or deleted and so taken from others' devices as
// well; compaction takes the old revisions.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "couch/purger.h"
#include "mail/address.h"
#include "workflows/erasure_notes.h"
#include "workflows/mentions.h"
#include "workflows/services.h"

namespace channels {

struct Erased {
  std::string user;
  std::vector<Touched> touched;
  std::size_t left_out = 0;
  // Databases that were still being compacted when it was given up to wait for that.
  std::vector<std::string> compacting;
};

// What no such call can reach, in sentences for people.
std::vector<std::string> not_reached_by_erasure();

// `tell` gets a line now and then: a search of many databases takes its time. Throws as requests do; then call it again.
Erased erase_person(Services& services, const Address& address, const std::function<void(const std::string&)>& tell);

// --- parts of it ---

struct Erasure {
  Services& services;
  std::string user;
  std::string digest;  // of the address
  Mentioned who;       // the address, its digest and key
  ErasureNotes notes;
  std::function<void(const std::string&)> tell;
};

// erasure_channels.cc
void leave_all_channels(Erasure& erasure);

// erasure_compaction.cc
// The old revisions of the database go. False if it was still at it when it was given up to wait for that.
bool compact_whole(Env& env, Database& database);

// Several at once, but not too many.
class Compactions {
 public:
  explicit Compactions(Services& services) : services_(services) {}
  // A database that isn't there is none to compact.
  void begin(const std::string& name);
  // The same, and CouchDB's list of the ids that were purged there goes with it.
  void begin_without_purged_ids(const std::string& name);
  // Those that were still at it.
  std::vector<std::string> finish();

 private:
  struct UnderWay {
    std::string name;
    std::unique_ptr<ShortPurgeList> purged;  // null: as it is
  };

  void begin(UnderWay compaction, Database& database);
  void end_first();
  Services& services_;
  std::deque<UnderWay> under_way_;
  std::vector<std::string> unended_;
};

// erasure_search.cc
void search_handshake(Erasure& erasure);
// Each is compacted as well: where no leaf names him any more, an old revision may. Gives those that were still at it.
std::vector<std::string> search_control_databases(Erasure& erasure);
void search_control_database(Erasure& erasure, const std::string& name);
// Failures, revisits and traces that name him, his devices or his databases.
void search_registry(Erasure& erasure);

}  // namespace channels
