// Where the engine learns that a database changed, besides the long-polls of hot_feeds.h:
//
//   UpdatesFeed  the server's one _db_updates feed: a hint for every database
//   Sweep        walks over all databases slowly and compares their update_seq with the
//                checkpoint: finds what a lost hint left behind, in bounded time
//   Revisits     documents whose time has come, from the registry's records
//
// Each has a thread of its own, waits through Env, and outlives any trouble of the server.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/log.h"
#include "engine/hot_feeds.h"
#include "engine/records.h"
#include "engine/rules.h"
#include "engine/schedule.h"

namespace channels {

// What the three share.
struct HintsBench {
  Env& env;
  Log& log;
  Server& server;
  Records& records;
  Schedule& schedule;
  HotFeeds& hot;
  // A database of that name has rules, and this worker is the one to follow it.
  std::function<bool(std::string_view database)> relevant;
  // It has saved there and not seen its own rows yet.
  std::function<bool(const std::string& database)> expects_echoes;
  // The sweep found that it changed, or has an older design document than it should; or even that its update_seq is
  // behind the checkpoint.
  std::function<void(const std::string& database, bool went_back)> changed_unseen;
  // The server closed a feed, or went away.
  std::function<void()> lost_connection;
  // A server that did not answer answers again.
  std::function<void()> is_back;
  // The version of the design document that a database of that name should have.
  std::function<int(std::string_view database)> design_version;
};

// A thread that calls `body` again and again until the end; body returns how long to wait until the next call. An
// exception is logged once a row and means a growing wait, of a few seconds at most. A body that worked for longer than
// that wait had found its server again: what fails then is the first of a new row.
class Repeating {
 public:
  Repeating(HintsBench& bench, std::string name, std::function<milliseconds(const std::stop_token&)> body);
  ~Repeating();
  // There is something to do: the wait ends now, or after the call under way there is none.
  void wake();

 private:
  void work();
  milliseconds after_failure(int failures, const std::string& why, std::optional<seconds> retry_after);

  HintsBench& bench_;
  const std::string name_;
  const std::function<milliseconds(const std::stop_token&)> body_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::unique_ptr<Signal> changed_;
  bool woken_ = false;  // guarded by mutex_
  std::unique_ptr<Thread> thread_;
};

class UpdatesFeed {
 public:
  explicit UpdatesFeed(HintsBench& bench);

  // From where on; nothing is read before.
  void start(const std::string& since);
  // Reads the updates since then up to now once more, beside the feed: what a lost worker had not finished.
  void replay(const std::string& since);
  // Every update up to here has marked its database.
  std::string position();
  // {"heard": TIME}: when the feed last said anything, heartbeats included.
  json::object status();

 private:
  milliseconds follow(const std::stop_token& stop);
  milliseconds replay_next();
  // True if it says that the feed ends here.
  bool take_line(std::string_view line);
  void take_row(const json::object& row);
  void make_global_changes();

  HintsBench& bench_;
  bool warned_ = false;
  std::mutex mutex_;
  std::optional<std::string> since_;  // guarded by mutex_
  std::optional<WallTime> heard_;     // guarded by mutex_
  std::deque<std::string> replays_;   // guarded by mutex_
  Repeating thread_;                  // last: they use all above
  Repeating replaying_;
};

// Goes round all databases, so many a second.
class Sweep {
 public:
  // `rate`: databases a second.
  Sweep(HintsBench& bench, int rate);
  // {"rounds": 3, "last_round": {"ended": TIME, "databases": 1200, "seconds": 61, "found": 2}}
  json::object status();

 private:
  struct Round {
    WallTime began{};
    std::int64_t databases = 0;
    std::int64_t found = 0;  // that had changed unseen
  };

  milliseconds step();
  // What so many databases may take.
  milliseconds time_for(std::size_t databases) const { return seconds(1) * static_cast<int>(databases) / rate_; }
  std::vector<std::string> next_names();
  void advance(const std::vector<std::string>& names);
  void look_at(const std::vector<std::string>& names);
  void end_round();

  HintsBench& bench_;
  const int rate_;
  std::string last_name_;
  std::deque<std::string> ahead_;  // names that were read, and not looked at yet
  bool is_last_page_ = false;
  Round round_;
  std::mutex mutex_;
  std::int64_t rounds_ = 0;      // guarded by mutex_
  json::object last_round_;      // guarded by mutex_
  Repeating thread_;
};

class Revisits {
 public:
  using HandIn = std::function<void(const std::string& database, const std::vector<Revisit>&)>;
  Revisits(HintsBench& bench, HandIn hand_in);

 private:
  milliseconds step();

  HintsBench& bench_;
  const HandIn hand_in_;
  std::optional<Revisit> last_;  // where the next step goes on, after one that did not come to the end
  Repeating thread_;
};

}  // namespace channels
