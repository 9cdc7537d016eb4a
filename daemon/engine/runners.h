// The threads that run handlers beside the turns, so that a slow one (mail) delays no other document and no
// other database: unsafe ones, and safe ones that do requests of their own. A follower hands over a
// document, an unsafe run with its lease, and gets the outcome back by a callback. It takes no lease before a runner is
// free, since a lease would run out in a queue. Of a rule that runs elsewhere the threads here do what comes before
// the act: look once more at the lease.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/env.h"
#include "engine/handler.h"
#include "engine/lease.h"
#include "engine/rules.h"

namespace channels {

struct HandedRun {
  Database database;
  Document doc;
  const Rule* rule = nullptr;
  std::optional<Lease> lease;  // an unsafe rule's
  int attempt = 1;
  std::string attempt_key;
  bool has_branches = false;
  // Empty: it was not run, since the document or the lease is no longer what it was.
  std::function<void(std::optional<Outcome>)> finished;
};

class Runners {
 public:
  Runners(Env& env, Log& log, Leases& leases, int threads, std::size_t places);
  ~Runners();
  // Waits for the runs under way, though not long for those elsewhere; those that had not begun are dropped and their
  // leases released.
  void end();

  // How many of `wanted` places can be had now. What is got must be used: run() or give_back().
  std::size_t reserve(std::size_t wanted);
  void give_back(std::size_t places);
  // How many could be had now.
  std::size_t free_places();
  void run(HandedRun run);

  // Calls `wake` once when a place is free: those of other names that came before have the first choice.
  void when_free(const std::string& name, std::function<void()> wake);
  // Whoever was woken and had his choice says so: a place that is still free goes to the next in line.
  void pass_on();

 private:
  // What a callback from elsewhere meets, perhaps after our end.
  struct Desk {
    std::mutex mutex;
    Runners* runners;  // null after the end; guarded by mutex
  };

  void begin_elsewhere(HandedRun run);
  void await_elsewhere();
  void work();
  // Waits for one; nullopt at the end.
  std::optional<HandedRun> next();
  std::optional<Outcome> run_one(const HandedRun& run);
  // The revision and the lease are what they were, and there is time enough.
  bool may_act(const HandedRun& run);
  bool has_time(const HandedRun& run);

  Env& env_;
  Log& log_;
  Leases& leases_;
  std::mutex mutex_;
  std::unique_ptr<Signal> changed_;
  std::deque<HandedRun> queue_;                                             // guarded by mutex_
  std::deque<std::pair<std::string, std::function<void()>>> line_;  // guarded by mutex_
  std::size_t free_;                                                        // guarded by mutex_
  std::size_t elsewhere_ = 0;                                               // runs begun there; guarded by mutex_
  bool stopped_ = false;                                                    // guarded by mutex_
  std::shared_ptr<Desk> desk_;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace channels
