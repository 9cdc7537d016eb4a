// Which databases have something to do, and when. The feeds, the sweep and the revisits mark
// databases dirty; the pool's threads take them. A database is with one thread at a time; marked
// meanwhile, it comes again. First come, first served: a thread does one bounded turn and the
// database goes to the end of the line, so that one with a million documents starves nobody.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/env.h"

namespace channels {

class Schedule {
 public:
  explicit Schedule(Env& env);

  // Now.
  void mark(std::string_view database);
  // Not later than then.
  void mark_at(std::string_view database, MonoTime due);

  // Waits for the next database that is due; nullopt after stop().
  std::optional<std::string> take();
  // The turn is over. Every take() is followed by a done().
  void done(std::string_view database);

  void stop();
  // Nothing is marked or taken.
  bool idle();

 private:
  struct Entry {
    bool queued = false;
    bool taken = false;
    bool again = false;                // marked while taken
    std::optional<MonoTime> due;       // in timers_ under that time
  };

  void enqueue(const std::string& database, Entry& entry);
  void drop_timer(const std::string& database, Entry& entry);
  void move_due_timers();

  Env& env_;
  std::mutex mutex_;
  std::unique_ptr<Signal> changed_;
  // All below guarded by mutex_. Only databases that are marked or taken have an entry.
  std::unordered_map<std::string, Entry> entries_;
  std::deque<std::string> queue_;
  std::multimap<MonoTime, std::string> timers_;
  bool stopped_ = false;
};

}  // namespace channels
