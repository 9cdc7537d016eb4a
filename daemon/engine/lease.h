// Leases for unsafe runs: documents of the registry, taken in bulk by MVCC. The follower takes one
// before it hands a document to a runner and releases it after the save.
//
//   {"_id": "lease-<SHA-256 of database, id, rev>", "type": "lease", "worker": "<this run>",
//    "attempt": 1, "taken_at": "<time, for people>"}
//
// Only a 201 counts as won (a 202 may still lose the race when the nodes meet). A lease of another
// worker is taken over only after this worker has itself seen the same revision of it for the
// whole lease time: no clock is compared with another machine's.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/env.h"
#include "couch/database.h"

namespace channels {

// The document revision that a run is about.
struct LeaseSubject {
  std::string database;
  std::string id;
  std::string rev;
};

struct Lease {
  std::string key;  // the digest: also the run's attempt key
  std::string rev;  // of the lease document
  int attempt = 1;
  // Nobody takes it over before.
  MonoTime until;
  // It was taken from a worker that never released it: its run is lost, and nobody knows whether
  // the act happened.
  bool lost_run = false;
};

// Either the lease is ours, or the time to look again.
struct TakenLease {
  std::optional<Lease> lease;
  MonoTime look_again;
};

std::string lease_key(const LeaseSubject& subject);

class Leases {
 public:
  // `duration`: [channels] lease. `worker`: an id of this run of the daemon, no other ever has it.
  Leases(Env& env, Database registry, seconds duration, std::string worker);

  // In the order of subjects; one or two requests in all.
  std::vector<TakenLease> take(const std::vector<LeaseSubject>& subjects);
  // Reads the lease once more, right before the act: false if it isn't ours any longer.
  bool still_ours(const Lease& lease);
  // Ended runs. Losing this request is harmless: the next worker waits out the lease.
  void release(const std::vector<Lease>& leases);

  seconds duration() const { return duration_; }

 private:
  // Another worker's lease, as seen by this one.
  struct Watch {
    std::string rev;
    int attempt = 1;
    MonoTime since;
  };

  Document document(const std::string& key, const std::optional<Watch>& taken_over);
  std::optional<Watch> ripe_watch(const std::string& key);
  // What each of these, held by others, looks like now.
  void watch(const std::vector<std::string>& keys, const std::vector<std::size_t>& places,
             std::vector<TakenLease>& results);
  void withdraw(const std::vector<Document>& accepted);

  Env& env_;
  Database registry_;
  const seconds duration_;
  const std::string worker_;
  std::mutex mutex_;
  std::unordered_map<std::string, Watch> watches_;  // guarded by mutex_
};

}  // namespace channels
