// An in-memory CouchDB 3.5 with the real rules, behind the transport seam: what the simulation runs the program's own
// Server, Database and Engine on. tests/ beside it holds the same assertions for it and for a live server, so that it
// cannot drift unseen. A world makes one ModelCouch, and a ModelTransport for each process that talks to it.
//
// Where it is unlike the server, as far as is known:
// - No attachments (501), _find, _show, _list, _update, _replicate, _scheduler, _config; filters _view and _selector are
//   501. Reduces are _count and _sum of whole numbers. open_revs and _bulk_get answer JSON always.
// - One shard. What a cluster does is the weather's: rows replayed and shuffled, edits split, answers 202. A seq prints
//   differently whenever something was written since (on q = 1 the server prints it the same); idle it stays.
// - Revs are another hash of the same things. A rev that hangs from two different parents hangs from the first only.
//   Purge bumps update_seq by one for each document that keeps leaves, and one for the request.
// - Views sort strings of ASCII as ICU does, others by bytes after them; a view is up to date at every query.
// - A function that throws something other than forbidden or unauthorized: the document's error is the exception's name
//   (the server answers 500, or lets its query server die). No limits of time or memory on JavaScript.
// - _users: no built-in validation, no plain passwords (501), hashes are never made anew, names are never locked.
//   Cookies: HMAC-SHA-256 only.
// - _db_updates does not tell of _dbs and keeps one row for each database and event, as the server does, but its
//   documents have one revision. `maintenance` answers 503 to all but _up (404) and _session.
// - Everything that was answered is durable: restart() loses nothing but hints that are younger than their delay.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "base/env.h"
#include "http/transport.h"
#include "simulation/couch/model_database.h"
#include "simulation/couch/problem.h"

namespace channels::simulation {

struct ModelOptions {
  std::uint64_t seed = 1;
  std::map<std::string, std::string> admins{{"admin", "secret"}};  // name and password
  std::string secret;                                              // of AuthSession cookies; "": none is accepted
  std::string admin_salt;                                          // of all admins, part of their cookies' key
  std::size_t max_document_size = 8'000'000;
  int copies = 1;  // n, as the database's information tells it
};

// What the server does unkindly just now. May be changed at any time; chances are in [0, 1].
struct Weather {
  double lost_hint = 0;        // an event of _db_updates that nobody gets
  double replayed_rows = 0;    // a _changes answer begins some rows before `since`
  double shuffled_rows = 0;    // two neighbouring rows of a _changes answer change places
  double split_vote = 0;       // an edit that lost a race of a moment ago is kept as a branch, and answered 202
  double unsure_win = 0;       // an edit is kept as it should be, and answered 202 all the same
  double deaf_poll = 0;        // a long-poll misses a change between its reading and its listening, till the next one
  double stalled_feed = 0;     // a continuous feed falls silent for good, its heartbeats too
  double late_answer = 0;      // an answer is sent up to `latest` after the server acted
  milliseconds latest{2000};
  bool below_quorum = false;   // every write is answered 202
  bool maintenance = false;    // as CouchDB's maintenance mode
  bool down = false;           // no connection
};

class ModelCouch {
 public:
  // `env`: the time, and signals for those that wait.
  ModelCouch(Env& env, ModelOptions options);

  // Everything but the waiting of feeds: a feed's answer is what there is just now.
  HttpResponse answer(const HttpRequest& request);
  Weather weather;

  // After each committed change of a document, in the order of them; `_local/...` and `_security` too. It is called
  // with the model's mutex held: read by the functions below, send nothing.
  struct Commit {
    std::string database;
    std::string id;
    std::string rev;
    const Document* doc = nullptr;  // as a reader of that revision gets it; null for one that was removed
    bool new_edits = true;
    std::string user;
    std::uint64_t update_seq = 0;
  };
  std::function<void(const Commit&)> on_commit;

  // --- for checkers; only while no other thread is inside (one baton, or all threads ended)
  std::vector<std::string> names() const;
  const std::map<std::string, std::unique_ptr<ModelDatabase>>& databases() const { return databases_; }
  ModelDatabase* find(const std::string& database) const;
  // Empty where there is no such document, or its winner is deleted.
  std::optional<Document> winner(const std::string& database, const std::string& id) const;
  std::vector<Document> leaves(const std::string& database, const std::string& id) const;
  // Every revision whose body is still there, of every document (not _local).
  std::vector<Document> everything(const std::string& database) const;

  // --- the server's life
  // All open feeds end; hints that were not written yet are forgotten.
  void restart();
  // Another one after each restart.
  std::uint64_t incarnation() const { return incarnation_; }
  ModelDatabase::Snapshot snapshot(const std::string& database) const;
  // As an operator puts a copy of the file back: same uuid, seqs that go back, feeds closed.
  void restore(const std::string& database, const ModelDatabase::Snapshot& snapshot);
  void remove(const std::string& database);
  ModelDatabase& make(const std::string& database);

 private:
  friend class Feed;
  friend class ModelRequest;
  friend class ModelTransport;

  // Both with mutex_ held.
  void note_update(const std::string& database, const char* event);
  void tell_commit(Commit commit);
  void write_hints();
  MonoTime hints_due() const { return hints_due_; }
  bool happens(double chance);
  std::uint64_t below(std::uint64_t limit);
  void wake_all();

  Env& env_;
  const ModelOptions options_;
  std::mutex mutex_;
  std::unique_ptr<Signal> changed_;
  std::mt19937_64 generator_;
  Designs designs_;
  std::map<std::string, std::unique_ptr<ModelDatabase>> databases_;
  std::map<std::string, std::uint64_t> hints_;  // "updated:name" not written yet; the value is their order
  MonoTime hints_due_ = MonoTime::max();
  std::uint64_t incarnation_ = 0;
  std::uint64_t made_ = 0;
  bool wakes_ = false;  // something changed since wake_all()
};

}  // namespace channels::simulation
