// Leases for unsafe runs: documents of the registry, taken in bulk by MVCC. The follower takes one
// before it hands a document to a runner and releases it after the save.
//
//   {"_id": "lease-<SHA-256 of database, id, rev>", "type": "lease", "worker": "<this run>",
//    "attempt": 1, "taken_at": "<time, for people>"[, "lost_run": true][, "parked": true]}
//
// Only a 201 counts as won (a 202 may still lose the race when the nodes meet). A lease of another
// worker is taken over only after this worker has itself seen the same revision of it for the
// whole lease time: no clock is compared with another machine's. A lease of this worker whose run is known to have
// ended, or never to have begun, is used again at once.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/env.h"
#include "base/log.h"
#include "couch/database.h"

namespace channels {

// The document revision that a run is about; `rev` is "" for a run about the document as such (RuleOptions::per_document).
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

// Either the lease is ours, or the run was parked, or the time to look again.
struct TakenLease {
  std::optional<Lease> lease;
  bool parked = false;
  MonoTime look_again;
};

std::string lease_key(const LeaseSubject& subject);
std::string lease_id(const std::string& key);

class Leases {
 public:
  // `duration`: [channels] lease. `worker`: an id of this run of the daemon, no other ever has it.
  Leases(Env& env, Log& log, Database registry, seconds duration, std::string worker);

  // In the order of subjects; one or two requests in all.
  std::vector<TakenLease> take(const std::vector<LeaseSubject>& subjects);
  // Looks once more, right before the act: false if it isn't ours any longer. Where the registry has several
  // copies, branches that a race left are removed and all copies are asked.
  bool still_ours(const Lease& lease);
  // Ended runs. Never throws: what the registry did not hear of now goes with a later call, and only costs other
  // workers the wait for the lease's end.
  void release(const std::vector<Lease>& leases);
  // Lost runs that a person has to decide on. Their leases stay, marked, so that no worker takes the document for a new
  // one, until Records::bring_back removes them. Throws as requests do.
  void park(const std::vector<Lease>& leases);

  // False while fewer copies of the registry answer than a quorum: no unsafe run starts then.
  bool has_quorum();
  const std::string& worker() const { return worker_; }

 private:
  // Another worker's lease, as first seen in this revision.
  struct Watch {
    std::string rev;
    int attempt = 1;
    MonoTime since;
  };
  // A lease document of this worker.
  struct Own {
    std::string rev;
    int attempt = 1;
    bool running = false;  // from take() to release()
    bool lost_run = false;
    MonoTime until{};
  };
  // What is to be saved for one subject, and why it may be.
  struct Claim {
    std::string key;
    Document doc;
    bool lost_run = false;
    bool running = false;  // here, under another follower: not to be touched
  };

  Claim claim(const LeaseSubject& subject);
  std::vector<Saved> save(const std::vector<Claim>& claims);
  void won(const Claim& claim, const std::string& rev, MonoTime until);
  // Taken over, but below quorum.
  void keep_lost(const Claim& claim, const std::string& rev);
  // Those that were won by a take() that did not come to its end.
  void not_begun(const std::vector<TakenLease>& taken);
  // What each of these, held by somebody, looks like now.
  void watch(const std::vector<std::string>& keys, const std::vector<std::size_t>& places,
             std::vector<TakenLease>& results);
  void withdraw(const std::vector<Document>& accepted);
  void note_quorum(bool quorum);
  // How many copies of each document the registry keeps.
  int copies();
  bool remove_branches(const Lease& lease);

  Env& env_;
  Log& log_;
  Database registry_;
  const seconds duration_;
  const std::string worker_;
  std::mutex mutex_;
  std::unordered_map<std::string, Watch> watches_;  // guarded by mutex_
  std::unordered_map<std::string, Own> own_;        // guarded by mutex_
  bool quorum_ = true;                              // guarded by mutex_
  int copies_ = 0;                                  // 0: not asked yet; guarded by mutex_
};

}  // namespace channels
