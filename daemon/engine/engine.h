// The engine: follows the change feeds of all databases that have rules, and runs their handlers. app makes
// one, with the rules of workflows/all.cc, and destroys it at the end; between, it works by itself.
//
//   hints (a feed, the sweep, a revisit) mark a database in the Schedule
//   -> a thread of the pool takes it -> its Follower does one turn (follower.h) -> again if wanted
//
// engine.cc has the turns, engine_share.cc what this worker tells and hears from the others (workers.h).
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
#include "engine/new_databases.h"
#include "engine/sleepers.h"
#include "engine/trace.h"
#include "engine/workers.h"
#include "engine/written_beside.h"

namespace channels {

// How much the engine does at once. The simulation takes smaller ones.
struct EngineSizes {
  int pool = 4;        // threads that do turns: each has one request under way
  int runners = 8;     // threads that run unsafe handlers
  // And slow safe ones, which mostly wait for the server: it commits at once what is written at once.
  int slow_runners = 24;
  int hot_places = 8;  // databases that were active lately, each with a long-poll
  int read_ahead = 2;  // threads, each for a batch of a database with a backlog
  int saving = 2;      // threads, each for half of a large batch
  std::size_t split_from = 200;  // documents: a batch of so many is large
};

struct EngineOptions {
  std::string registry_db;
  // Always followed by a long-poll: the handshake, and what [channels] follow names.
  std::vector<std::string> pinned;
  seconds lease{30};
  int sweep = 20;  // databases a second
  TraceOptions trace;
  // Goes along with the checkpoints; outlives the engine. Null for nothing.
  WrittenBeside* beside = nullptr;
  // What handlers make; outlives the engine. Null where they make none.
  NewDatabases* made = nullptr;
  EngineSizes sizes;
  // The program and the machine it runs on, for people who read `status`.
  std::string place;
  // Called when a database becomes active whose design document is not known to have this version, before its first row
  // is read: false if it only has a name like ours and is to be left alone. The place to bring up what
  // it should hold. May throw as a request does.
  std::function<bool(Kind kind, Database& database)> prepare = [](Kind, Database&) { return true; };
  std::function<int(Kind kind)> design_version = [](Kind) { return 0; };
};

class Engine {
 public:
  // The registry exists and has its design document. `rules` outlives the engine.
  Engine(Env& env, Log& log, Server& server, const Rules& rules, KindOf kind_of,
         EngineOptions options);
  // Ends the feeds at once, waits for the turns and runs under way and saves their results.
  ~Engine();

 private:
  void start_hints();
  void write_behind();
  void tell_written(const std::vector<Document>& others, const std::vector<std::string>& refused);
  const RuleTable* rules_for(std::string_view database) const;
  bool is_relevant(std::string_view database);
  int design_version_of(std::string_view database) const;
  CheckpointRecord load_checkpoint(const std::string& database);
  bool is_new(const std::string& database);
  // Null if the database is none of ours.
  std::shared_ptr<Follower> open(const std::string& database);
  std::shared_ptr<Follower> find(const std::string& database);
  // Kept for a while: a database that wakes again needs no look into the registry.
  void fell_asleep(const std::string& database);
  void work();
  void do_turn(const std::string& database, bool has_rows);
  // Another worker follows it from now on. False while a run's result is to be saved.
  bool drop(const std::string& database);
  void turn_failed(const std::string& database, const std::string& why,
                   std::optional<seconds> retry_after = std::nullopt);
  void changed_unseen(const std::string& database, bool went_back);
  void hand_in(const std::string& database, const std::vector<Revisit>& revisits);

  milliseconds beat();
  void take_over(const HandOver& left);
  HandOver unfinished();
  json::object status();

  Env& env_;
  Log& log_;
  Server& server_;
  const Rules& rules_;
  const KindOf kind_of_;
  const EngineOptions options_;
  const std::string id_;

  Records records_;
  Leases leases_;
  Workers workers_;
  Trace trace_;
  Schedule schedule_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Follower>> followers_;  // guarded by mutex_
  Sleepers sleepers_;                    // of followers_; guarded by mutex_
  std::map<std::string, int> failures_;  // turns in a row that failed; guarded by mutex_
  HandOver announced_;                   // only the beating thread uses it
  bool updates_started_ = false;         // only the beating thread uses it
  // In this order: each uses what is above it and ends before that does.
  std::unique_ptr<Lanes> lanes_;
  std::unique_ptr<ReadAhead> read_ahead_;
  Aside saving_;
  std::atomic<std::uint64_t> losses_{1};
  Workbench bench_;
  std::vector<std::unique_ptr<Thread>> pool_;
  std::unique_ptr<HotFeeds> hot_;
  std::unique_ptr<HintsBench> hints_;
  std::unique_ptr<Repeating> checkpoint_writer_;
  std::unique_ptr<UpdatesFeed> updates_;
  std::unique_ptr<Sweep> sweep_;
  std::unique_ptr<Revisits> revisits_;
  std::unique_ptr<Repeating> beats_;
};

}  // namespace channels
