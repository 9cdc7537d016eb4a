// Saves of many threads by few requests: what gathers while the requests under way are answered goes out together by the next
// one. Who comes alone waits for nobody. The registry has one, for what runs that go side by side write at the same time: CouchDB
// commits and validates a document of a bulk for less than one of its own request.
//
// Thread-safe.
#pragma once

#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/env.h"
#include "couch/database.h"

namespace channels {

class JointSaves {
 public:
  JointSaves(Env& env, Database database);

  // As Database::save_part, and throws as that does; documents of others go by the same request. One that CouchDB refuses as a
  // whole (one of them is too large, say) is made again for each caller by itself, so that none suffers from another's.
  std::vector<Saved> save_all(std::span<const Document> docs);
  Saved save(const Document& doc) { return save_all(std::span(&doc, 1)).front(); }

 private:
  // One caller's documents, and what became of them.
  struct Letter {
    std::vector<Document> docs;
    std::vector<Saved> saved = {};
    std::exception_ptr thrown = nullptr;
    bool is_done = false;
    bool is_refused = false;  // with others'
  };
  using Letters = std::vector<std::shared_ptr<Letter>>;

  Letters take();
  void send(const Letters& letters);

  Env& env_;
  Database database_;
  std::mutex mutex_;
  std::unique_ptr<Signal> changed_;
  std::deque<std::shared_ptr<Letter>> waiting_;  // guarded by mutex_
  int under_way_ = 0;                            // requests; guarded by mutex_
};

}  // namespace channels
