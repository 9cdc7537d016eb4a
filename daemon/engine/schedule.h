// Which databases have something to do, and when. The feeds, the sweep and the revisits mark
// databases dirty; the pool's threads take them. A database is with one thread at a time; marked
// meanwhile, it comes again. First come, first served: a thread does one bounded turn and the
// database goes to the end of the line, so that one with a million documents starves nobody.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>
#include <unordered_map>

#include "base/env.h"

namespace channels {

// Why a database is marked: its feed may have rows, or something that is at hand already goes on (a run
// ended, a wait is over), for which the feed need not be read.
enum class Cause {
  rows,
  echoes,  // rows, most likely of the engine's own saves: served when nothing else waits, or now and then
  at_hand
};

class Schedule {
 public:
  explicit Schedule(Env& env);

  struct Taken {
    std::string database;
    bool has_rows = false;  // one of its marks since the last turn was for rows
  };

  // Now.
  void mark(std::string_view database, Cause cause = Cause::rows);
  // Not later than then.
  void mark_at(std::string_view database, MonoTime due, Cause cause = Cause::at_hand);

  // Waits for the next database that is due; nullopt after stop().
  std::optional<Taken> take();
  // The turn is over. Every take() is followed by a done().
  void done(std::string_view database);

  void stop();
  // At most so many of those that will be taken next.
  std::vector<std::string> upcoming(std::size_t most);
  // All that are marked or taken.
  std::set<std::string> names();

 private:
  struct Entry {
    bool queued = false;
    bool is_echo = false;              // queued in echoes_
    bool taken = false;
    bool again = false;                // marked while taken
    bool has_rows = false;             // since it was last taken
    std::optional<MonoTime> due;       // in timers_ under that time
  };

  void enqueue(const std::string& database, Entry& entry);
  std::string pop();
  void drop_timer(const std::string& database, Entry& entry);
  void move_due_timers();

  Env& env_;
  std::mutex mutex_;
  std::unique_ptr<Signal> changed_;
  // All below guarded by mutex_. Only databases that are marked or taken have an entry.
  std::unordered_map<std::string, Entry> entries_;
  std::deque<std::string> queue_;
  std::deque<std::string> echoes_;  // a name that was put into queue_ as well since then is passed over
  int served_ = 0;                  // from queue_, since one of echoes_ was served
  std::multimap<MonoTime, std::string> timers_;
  bool stopped_ = false;
};

}  // namespace channels
