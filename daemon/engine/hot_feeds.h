// Long-polls for the databases that were active lately, a bounded set, and for those that are
// pinned (the handshake, the names in [channels] follow). CouchDB's own hint, _db_updates, comes
// some 300 ms after a change; a long-poll answers at once. One thread a place.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/log.h"
#include "couch/server.h"
#include "engine/schedule.h"

namespace channels {

class HotFeeds {
 public:
  // `places`: how many databases besides the pinned ones. Each costs a thread and a connection.
  HotFeeds(Env& env, Log& log, Server& server, Schedule& schedule, int places,
           const std::vector<std::string>& pinned);
  ~HotFeeds();
  // Ends the polls at once; turns that still run may go on calling the rest.
  void stop();

  // After a turn that read all there was up to `position`: poll from there. `active`: the turn
  // found something, so the database may take the place of one that was quiet for longer.
  void turn_ended(const std::string& database, const std::string& position, bool active);
  // The database is no longer followed here.
  void leave(const std::string& database);
  // A long-poll waits on it, for long enough to be sure that it listens: a hint from elsewhere
  // says nothing new.
  bool hears(const std::string& database);

 private:
  struct Place {
    std::string database;               // empty: free
    std::optional<std::string> since;   // set: to be polled from there; else a turn is due first
    bool pinned = false;
    bool polling = false;
    MonoTime polling_since{};
    MonoTime used_at;
    std::stop_source stop;              // ends the poll under way
  };

  void work(std::size_t place);
  void poll(std::size_t place, const std::string& database, const std::string& since,
            const std::stop_token& stop);
  Place* place_for(const std::string& database);

  Env& env_;
  Log& log_;
  Server& server_;
  Schedule& schedule_;
  std::mutex mutex_;
  std::unique_ptr<Signal> changed_;
  std::vector<Place> places_;   // guarded by mutex_
  bool stopped_ = false;        // guarded by mutex_
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace channels
