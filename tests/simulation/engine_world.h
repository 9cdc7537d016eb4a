// Scenario "engine": three workers with rules of the simulation's own follow a few databases of one server, clients
// write, race and quarrel there, and faults come by the seed. Tests the engine alone, without workflows.
#pragma once

#include <map>
#include <memory>
#include <set>

#include "engine/engine.h"
#include "simulation/faults.h"
#include "simulation/settings_of_run.h"

namespace channels::simulation {

class TraceLog : public Log {
 public:
  explicit TraceLog(Scheduler& scheduler) : scheduler_(scheduler) {}
  void write(Level level, std::string_view text) override {
    if (level == Level::debug && !scheduler_.print) return;
    scheduler_.trace("[" + std::string(name_of(level)) + "] " + std::string(text));
  }

 private:
  Scheduler& scheduler_;
};

// What handlers did outside, which nobody can take back: the shop's bank and its mail.
struct Act {
  MonoTime lease_ends;
};

class EngineWorld {
 public:
  explicit EngineWorld(Scheduler& scheduler);
  void run();

 private:
  struct Worker {
    Worker(Scheduler& scheduler, ModelCouch& couch, int number);
    Process process;
    SimEnv env;
    TraceLog log;
    Line line;
    FaultyTransport transport;
    BasicCredentials credentials;
    Server server;
    Rules rules;
    std::unique_ptr<Engine> engine;
  };

  // --- engine_world.cc: the course of a run
  void set_up();
  void start_worker(int number);
  void kill_worker(int number);
  void fault_step();
  void end_faults();
  void wait_until_settled();
  void pause_world(milliseconds time) { env_.sleep(time); }

  // --- shop_rules.cc: the handlers
  void fill_rules(Worker& worker);
  Outcome safe_step(Worker& worker, Run& run, const Document& doc);
  Outcome act(Worker& worker, Run& run, const Document& doc, bool may_repeat);

  // --- clients.cc: who writes
  void clients();
  void client_step();
  void write_new();
  void edit_some();
  void count_to_three(Document doc, const std::string& name);
  void branch_some();
  Database database(const std::string& name) { return Database(client_server_, name); }

  // --- checks.cc
  void on_commit(const ModelCouch::Commit& commit);
  void check_checkpoint(const Document& checkpoint);
  // When the run's lease ends.
  MonoTime check_lease_at_start(const Run& run);
  void check_act(const std::string& key, MonoTime lease_ends, bool may_repeat);
  bool is_carried_over(const std::string& database, const ModelDoc& doc) const;
  void check_end();
  std::vector<std::string> unsettled();
  bool is_recorded(const std::string& database, const std::string& id);

  Scheduler& scheduler_;
  const RunSettings settings_;
  Process process_{"world"};
  Process client_process_{"client"};
  SimEnv env_;
  SimEnv client_env_;
  const int copies_;
  ModelCouch couch_;
  ModelTransport client_transport_;
  BasicCredentials client_credentials_;
  Server client_server_;
  std::map<int, std::unique_ptr<Worker>> workers_;  // those that live, by number; numbers are never used twice
  std::vector<std::unique_ptr<Thread>> funerals_;   // killed workers, until their threads have ended
  int last_worker_ = 0;
  int disturbances_ = 0;
  bool clients_end_ = false;
  std::map<std::string, std::vector<Act>> acts_;            // by attempt key
  std::map<std::string, std::set<std::string>> notes_;      // acknowledged, by database/id
  std::map<std::string, ModelDatabase::Snapshot> copies_of_files_;
  std::set<std::string> restored_;                          // databases that lost something by an operator
  int written_ = 0;
};

// The document that the handler on this thread was called for; empty outside of handlers.
struct InHandler {
  InHandler(const std::string& database, const std::string& id);
  ~InHandler();
  static bool is_for(const std::string& database, const std::string& id);
};

}  // namespace channels::simulation
