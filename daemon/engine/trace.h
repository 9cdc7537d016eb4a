// What became of runs, kept for `couchdb-channels trace`: each unsafe run and each failure, and every run where [channels] trace = on.
// Followers add lines, which costs them no request; the engine writes them behind, once a second, by the same _bulk_docs
// as its checkpoints. So nothing waits for a trace, and what a killed worker had not written is missing there, nowhere else.
//
//   {"_id": "trace-<SHA-256 of id>-<time>-<worker>-<number>", "type": "trace", "database", "id", "rev", "rule", "mode",
//    "attempt", "time", "took_ms", "outcome", "until"[, "state"][, "due"][, "reason"][, "left_out"]}
//
// One record a run, and not one a document: that would have to be read before each write, would be fought over by workers, and would be
// written again with all that it holds. `until` says when it is purged. A flood of runs, which a stranger can cause too, is cut:
// `left_out` counts what this worker did not write before that record.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "couch/database.h"
#include "engine/mode.h"

namespace channels {

struct TraceLine {
  enum class Outcome {
    saved,      // detail: the state that it is in now
    kept,       // it was as it should be
    later,      // detail: the time at which it comes again
    overtaken,  // somebody changed the document meanwhile, the result was dropped
    failed,     // detail: the reason, as for the next
    parked
  };
  std::string database;
  std::string id;
  std::string rev;  // that the run was about
  std::string rule;
  Mode mode = Mode::safe;
  int attempt = 1;
  milliseconds took{0};
  Outcome outcome = Outcome::kept;
  std::string detail;
};

struct TraceOptions {
  bool all = false;  // [channels] trace
  // How long the lines of a database's documents are kept.
  std::function<seconds(std::string_view database)> kept = [](std::string_view) { return seconds(7 * 86400); };
};

class Trace {
 public:
  // `worker`: of this run of the daemon.
  Trace(Env& env, TraceOptions options, std::string worker);

  void add(const TraceLine& line);
  // What is to be written now.
  std::vector<Document> take();
  // It could not be written; the next take() gives it again.
  void put_back(std::vector<Document> lines);

 private:
  bool is_wanted(const TraceLine& line) const;
  bool may_write(bool is_ordinary);
  Document record_of(const TraceLine& line);

  Env& env_;
  const TraceOptions options_;
  const std::string worker_;
  std::mutex mutex_;
  std::vector<Document> lines_;  // guarded by mutex_, as all below
  double allowance_;
  MonoTime allowance_at_;
  std::uint64_t number_ = 0;
  std::uint64_t left_out_ = 0;
};

// All that the registry has of documents with that _id, the oldest first, at most `most` (the newest). One request.
std::vector<Document> traces_of(Database& registry, const std::string& id, std::size_t most);

// Purges those whose time is over; bounded in work, the rest waits for the next call.
void forget_traces(Database& registry, WallTime now);

}  // namespace channels
