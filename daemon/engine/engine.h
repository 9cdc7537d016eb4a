// The engine: follows the change feeds of all databases that have rules, and runs their handlers. app makes
// one, with the rules of workflows/all.cc, and destroys it at the end; between, it works by itself.
//
//   hints (a feed, the sweep, a revisit) mark a database in the Schedule
//   -> a thread of the pool takes it -> its Follower does one turn (follower.h) -> again if wanted
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/follower.h"
#include "engine/hints.h"
#include "engine/hot_feeds.h"

namespace channels {

// How much the engine does at once. The simulation takes smaller ones.
struct EngineSizes {
  int pool = 4;        // threads that do turns: each has one request under way
  int runners = 8;     // threads that run unsafe handlers
  int hot_places = 8;  // databases that were active lately, each with a long-poll
};

struct EngineOptions {
  std::string registry_db;
  // Always followed by a long-poll: the handshake, and what [channels] follow names.
  std::vector<std::string> pinned;
  seconds lease{30};
  int sweep = 20;      // databases a second
  EngineSizes sizes;
  // Called once each time that a database becomes active, before its first row is read: false if it
  // only has a name like ours and is to be left alone. The place to bring up what it should hold (its
  // design document). May throw as a request does.
  std::function<bool(Kind kind, Database& database)> prepare = [](Kind, Database&) { return true; };
};

class Engine {
 public:
  // The registry exists and has its design document. `rules` outlives the engine.
  Engine(Env& env, Log& log, Server& server, const Rules& rules, KindOf kind_of,
         EngineOptions options);
  // Ends the feeds at once and waits for the turns and runs under way.
  ~Engine();

 private:
  const RuleTable* rules_for(std::string_view database) const;
  // Null if the database is none of ours.
  std::shared_ptr<Follower> open(const std::string& database);
  void forget_if_asleep(const std::string& database);
  void work();
  void do_turn(const std::string& database);
  void turn_failed(const std::string& database, const std::string& why);
  bool nothing_unsettled();

  Env& env_;
  Log& log_;
  Server& server_;
  const Rules& rules_;
  const KindOf kind_of_;
  const EngineOptions options_;

  Records records_;
  Leases leases_;
  Schedule schedule_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Follower>> followers_;  // awake ones; guarded by mutex_
  std::map<std::string, int> failures_;  // turns in a row that failed; guarded by mutex_
  // In this order: each uses what is above it and ends before that does.
  std::unique_ptr<Runners> runners_;
  Workbench bench_;
  std::vector<std::unique_ptr<Thread>> pool_;
  std::unique_ptr<HotFeeds> hot_;
  std::unique_ptr<HintsBench> hints_;
  std::unique_ptr<Repeating> checkpoint_writer_;
  std::unique_ptr<UpdatesFeed> updates_;
  std::unique_ptr<Sweep> sweep_;
  std::unique_ptr<Revisits> revisits_;
};

}  // namespace channels
