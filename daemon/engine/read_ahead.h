// Reads the next batch of a database with a backlog while the one before is handled and saved: CouchDB does both at
// once, and a backlog is worked off as fast as the server can. Followers ask for it; few batches are held at a
// time, whatever the number of databases.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "couch/database.h"
#include "engine/aside.h"

namespace channels {

class ReadAhead {
 public:
  // A batch under way or read, held by the follower that will take it.
  struct Batch {
    Database database;
    Database::ChangesQuery query;
    std::optional<Changes> changes;
    std::shared_ptr<Aside::Task> task;
  };

  ReadAhead(Env& env, int threads) : most_(static_cast<std::size_t>(threads)), aside_(env, threads) {}
  // Breaks off what is under way.
  ~ReadAhead() { stop_.request_stop(); }

  // Null if as many batches as there are threads are held already.
  std::shared_ptr<Batch> start(const Database& database, const Database::ChangesQuery& query);
  // Waits for its end. Empty if it failed: the caller asks once more, and sees why.
  std::optional<Changes> take(const std::shared_ptr<Batch>& batch);

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<Batch>> held_;  // guarded by mutex_
  std::stop_source stop_;
  const std::size_t most_;
  Aside aside_;  // last: it ends first
};

}  // namespace channels
