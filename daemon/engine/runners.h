// The threads that run unsafe handlers, so that a slow one (mail) delays no other document and no
// other database. A follower hands over a document with its lease and gets the outcome back by a
// callback; it takes no lease before a runner is free, since a lease would run out in a queue.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/env.h"
#include "engine/handler.h"
#include "engine/lease.h"
#include "engine/rules.h"

namespace channels {

struct UnsafeRun {
  Database database;
  Document doc;
  const Rule* rule = nullptr;
  Lease lease;
  int attempt = 1;
  bool has_branches = false;
  // Empty: it was not run, since the document or the lease is no longer what it was.
  std::function<void(std::optional<Outcome>)> finished;
};

class Runners {
 public:
  Runners(Env& env, Log& log, Leases& leases, int threads);
  ~Runners();

  // How many of `wanted` places can be had now. What is got must be used: run() or give_back().
  std::size_t reserve(std::size_t wanted);
  void give_back(std::size_t places);
  void run(UnsafeRun run);
  // Calls `wake` once when a place is free again.
  void when_free(const std::string& name, std::function<void()> wake);

 private:
  void work();
  // Waits for one; nullopt at the end.
  std::optional<UnsafeRun> next();
  std::optional<Outcome> run_one(const UnsafeRun& run);
  void free_one_place();

  Env& env_;
  Log& log_;
  Leases& leases_;
  std::mutex mutex_;
  std::unique_ptr<Signal> changed_;
  std::deque<UnsafeRun> queue_;                             // guarded by mutex_
  std::map<std::string, std::function<void()>> waiting_;    // guarded by mutex_
  std::size_t free_;                                        // guarded by mutex_
  bool stopped_ = false;                                    // guarded by mutex_
  std::vector<std::unique_ptr<Thread>> threads_;
};

// Runs a handler, turning what it throws into Failed.
Outcome call_handler(const Handler& handler, Run& run, const Document& doc);

}  // namespace channels
