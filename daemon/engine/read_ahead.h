// Reads the next batch of a database with a backlog while the one before is handled and saved: CouchDB does both at
// once, and a backlog is worked off as fast as the server can. Followers ask for it; few batches are held at a
// time, whatever the number of databases.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "couch/database.h"

namespace channels {

class ReadAhead {
 public:
  // A batch under way or read, held by the follower that will take it.
  struct Batch {
    Database database;
    Database::ChangesQuery query;
    bool done = false;
    std::optional<Changes> changes;  // empty when done: the request failed
  };

  ReadAhead(Env& env, int threads);
  ~ReadAhead();

  // Null if as many batches as there are threads are held already.
  std::shared_ptr<Batch> start(const Database& database, const Database::ChangesQuery& query);
  // Waits for its end. Empty if it failed: the caller asks once more, and sees why.
  std::optional<Changes> take(const std::shared_ptr<Batch>& batch);

 private:
  void work();
  std::shared_ptr<Batch> next();

  Env& env_;
  std::mutex mutex_;
  std::unique_ptr<Signal> changed_;
  std::deque<std::shared_ptr<Batch>> queue_;      // guarded by mutex_, as are all batches
  std::vector<std::weak_ptr<Batch>> held_;        // guarded by mutex_
  std::stop_source stop_;
  const std::size_t most_;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace channels
