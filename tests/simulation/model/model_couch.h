// An in-memory CouchDB with the real rules, behind the transport seam: what the simulation runs the daemons on. One
// thread at a time calls it (scheduler.h); waits are ModelTransport's. tests/simulation/model/model_test.cc runs the same
// assertions on it and on a live server, so that it cannot drift unseen.
//
// What it leaves out: attachments, _find, reduces, filters other than _design, conflicts=true and other decorations,
// stemming, multipart, sessions by name and password over cookies, plain passwords of users. Seqs are "N-<digest>"; a
// cluster's reordering is the weather's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/env.h"
#include "http/transport.h"
#include "simulation/model/model_database.h"

namespace channels::simulation {

// What the server does unkindly just now; chances in [0, 1], drawn by `happens`.
struct Weather {
  double lost_hint = 0;       // an event of _db_updates that nobody gets
  double replayed_rows = 0;   // a _changes answer begins before `since`
  double split_vote = 0;      // two racing edits are both kept, the second is answered 202
  double deaf_poll = 0;       // a long-poll misses a change that came between its reading and its listening
  bool below_quorum = false;  // every write is answered 202
  bool maintenance = false;   // 503 for all
};

class ModelCouch {
 public:
  // `env`: for the time and for signals. `chance`: in [0, 1), the simulation's.
  ModelCouch(Env& env, std::function<bool(double)> happens, std::string admin, std::string password);

  // All but the waiting of feeds.
  HttpResponse answer(const HttpRequest& request);
  Weather weather;

  // After each commit, in order; the checkers'.
  struct Commit {
    const std::string& database;
    const std::string& id;
    const std::string& rev;
  };
  std::function<void(const Commit&)> on_commit;

  std::map<std::string, std::unique_ptr<ModelDatabase>>& databases() { return databases_; }
  ModelDatabase* find(const std::string& name);
  // Feeds wait on it.
  Signal& changed() { return *changed_; }
  std::mutex& mutex() { return mutex_; }
  // How many copies of each document it says to keep.
  int copies = 1;
  // All open feeds end.
  void restart() { ++incarnation_; changed_->notify_all(); }
  std::uint64_t incarnation() const { return incarnation_; }
  // A database is put back to what it was at the copy, with the same identity.
  void copy(const std::string& database);
  void restore(const std::string& database);

  // {"db_name", "type", "seq"} of the updates after `since`, those that are not lost and not too fresh.
  std::vector<json::object> updates_since(std::uint64_t since);
  // When the next update is old enough to be told; MonoTime::max() if none waits.
  MonoTime next_update(std::uint64_t since) const;

 private:
  friend class ModelRequest;
  void note_update(const std::string& database, const char* type);
  ModelDatabase& make(const std::string& name);

  Env& env_;
  std::function<bool(double)> happens_;
  std::string admin_;
  std::string password_;
  std::mutex mutex_;
  std::unique_ptr<Signal> changed_;
  std::map<std::string, std::unique_ptr<ModelDatabase>> databases_;
  struct Update {
    std::string database;
    std::string type;
    MonoTime at;
    bool lost = false;
  };
  std::vector<Update> updates_;
  std::map<std::string, ModelDatabase::Copy> copies_;
  std::uint64_t made_ = 0;
  std::uint64_t incarnation_ = 0;
};

// Answers by a ModelCouch, waiting for feeds through `env`.
class ModelTransport : public Transport {
 public:
  ModelTransport(Env& env, ModelCouch& couch) : env_(env), couch_(couch) {}
  HttpResponse send(const HttpRequest& request) override;
  HttpResponse stream(const HttpRequest& request, milliseconds silence,
                      const std::function<bool(std::string_view)>& receive) override;

 private:
  // Until something changed, or the deadline. False if the request is to end.
  bool wait(const HttpRequest& request, MonoTime deadline, std::uint64_t incarnation);

  Env& env_;
  ModelCouch& couch_;
};

}  // namespace channels::simulation
