// Where the engine learns that a database changed, besides the long-polls of hot_feeds.h:
//
//   UpdatesFeed  the server's one _db_updates feed: a hint for every database
//   Sweep        walks over all databases slowly and compares their update_seq with the
//                checkpoint: finds what a lost hint left behind, in bounded time
//   Revisits     documents whose time has come, from the registry's records
//
// Each has a thread of its own, waits through Env, and outlives any trouble of the server.
#pragma once

#include <functional>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

#include "base/env.h"
#include "base/log.h"
#include "engine/hot_feeds.h"
#include "engine/records.h"
#include "engine/rules.h"
#include "engine/schedule.h"

namespace channels {

// What the three share. `relevant` says whether a database of that name has rules at all.
struct HintsBench {
  Env& env;
  Log& log;
  Server& server;
  Records& records;
  Schedule& schedule;
  HotFeeds& hot;
  std::function<bool(std::string_view database)> relevant;
  std::function<bool()> nothing_unsettled;
};

// A thread that calls `body` again and again until the end; body returns how long to wait until
// the next call. An exception is logged once a row and means a growing wait.
class Repeating {
 public:
  Repeating(HintsBench& bench, std::string name, std::function<milliseconds(const std::stop_token&)> body);
  ~Repeating();

 private:
  void work();

  HintsBench& bench_;
  const std::string name_;
  const std::function<milliseconds(const std::stop_token&)> body_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::unique_ptr<Signal> changed_;
  std::unique_ptr<Thread> thread_;
};

class UpdatesFeed {
 public:
  explicit UpdatesFeed(HintsBench& bench);

 private:
  milliseconds follow(const std::stop_token& stop);
  void take_line(std::string_view line);
  void save_seq_when_idle();

  HintsBench& bench_;
  std::string since_;        // "" until it is read from the registry
  std::string saved_since_;
  bool warned_ = false;
  Repeating thread_;         // last: it uses all above
};

class Sweep {
 public:
  // `rate`: databases a second.
  Sweep(HintsBench& bench, int rate);

 private:
  milliseconds step();

  HintsBench& bench_;
  const int rate_;
  std::string last_name_;
  Repeating thread_;
};

class Revisits {
 public:
  using HandOver = std::function<void(const std::string& database, const std::vector<std::string>&)>;
  Revisits(HintsBench& bench, HandOver hand_over);

 private:
  milliseconds step();

  HintsBench& bench_;
  const HandOver hand_over_;
  Repeating thread_;
};

}  // namespace channels
