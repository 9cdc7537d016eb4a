// Follows one database's feed: the path of one change, from feed to save, is turn(). The pool's threads call
// it, one at a time per database; it does one bounded piece of work and says when it wants to be
// called again.
//
//   collect results of unsafe runs -> read _changes -> match each row to a rule -> run the safe
//   ones, lease and hand out the unsafe ones -> save all outcomes by one _bulk_docs -> settle, and
//   move the checkpoint
//
// Exceptions of the server's own trouble (Unavailable, Refused) leave turn(); nothing is lost by
// that, the next turn goes on where this one ended.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "engine/backoff.h"
#include "engine/records.h"
#include "engine/rules.h"
#include "engine/runners.h"
#include "engine/unsettled.h"
#include "engine/verdicts.h"

namespace channels {

// What all followers share.
struct Workbench {
  Env& env;
  Log& log;
  Server& server;
  Records& records;
  Leases& leases;
  Runners& runners;
  // Calls this database's follower again, now.
  std::function<void(const std::string& database)> wake;
};

class Follower : public std::enable_shared_from_this<Follower> {
 public:
  Follower(Workbench& bench, std::string database, const RuleTable& rules, std::string seq);

  struct Turn {
    // When it wants the next turn; empty: when something happens.
    std::optional<MonoTime> next;
    // It found rows: the database is in use.
    bool active = false;
  };
  Turn turn();
  // From the revisits: look at these documents again.
  void revisit(const std::vector<std::string>& ids);

  // Where a long-poll would start, after a turn that read all there was.
  std::string position();
  // Nothing unsettled: it can be forgotten, the checkpoint says all.
  bool asleep();

 private:
  // One unsafe run ended, on a runner's thread.
  void run_finished(const std::string& id, std::optional<Outcome> outcome);

  // Each of these is one step of a turn.
  void collect_finished(Verdicts& verdicts);
  std::size_t read_rows();
  void load_woken();
  void run_ready(Verdicts& verdicts);
  void hand_out(const std::vector<Item*>& unsafe);
  void await_runners();
  void save(Verdicts& verdicts);
  std::vector<Revisit> sort_waits(Verdicts& verdicts);
  void conclude(Verdicts& verdicts);

  const Rule* rule_for(const Item& item) const;
  Outcome run_safe(Item& item, const Rule& rule);
  void hand_to_runner(Item& item, const Lease& lease);
  void after_save(Verdicts& verdicts, Item& item, const Saved& saved);
  void save_rebased(Verdicts& verdicts, const std::vector<Item*>& overtaken);
  void failed(Verdicts& verdicts, Item& item, const Failed& failure);
  void settle_or_look_again(Item& item);

  Workbench& bench_;
  Database database_;
  const RuleTable& rules_;
  std::mutex mutex_;     // guards items_ and all Items, never held during a request
  std::string put_seq_;  // the checkpoint that the registry has, or will have
  Unsettled items_;
  bool more_to_read_ = true;
  std::size_t rows_per_read_;
};

}  // namespace channels
