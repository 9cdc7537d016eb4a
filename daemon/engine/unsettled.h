// The documents of one database that are not settled yet: rows that were read, waits, runs under way and their
// results. The follower's bookkeeping, without any request in it. Invariant 2 lives here: every
// item is either ready, or running, or finished, or has a time at which it is looked at again.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/checkpoint.h"
#include "engine/lease.h"
#include "engine/rules.h"

namespace channels {

struct Item {
  enum class Step {
    ready,     // to be matched and run in this turn
    waiting,   // until look_at
    running,   // an unsafe run, with a runner
    finished   // an unsafe run ended: outcome is set, to be saved
  };

  std::string id;
  Step step = Step::ready;
  MonoTime look_at;
  Document doc;              // the revision to run on; empty while waiting: it is read anew
  bool deleted = false;
  bool has_branches = false;
  bool changed_meanwhile = false;  // a newer row came while it ran: look again afterwards
  bool is_revisit = false;         // the registry has a revisit record of it

  std::vector<Checkpoint::Ticket> tickets;  // the rows that its settling settles

  std::string attempt_rev;  // the revision that `attempts` counts
  int attempts = 0;

  const Rule* rule = nullptr;
  std::optional<Lease> lease;
  std::optional<Outcome> outcome;
};

class Unsettled {
 public:
  explicit Unsettled(std::string seq) : checkpoint_(std::move(seq)) {}

  // A row of the feed: the newest word on that document.
  void add_row(Change change);
  // Looks at a document again that no row brought up.
  void add_revisit(const std::string& id);
  void read_to(std::string last_seq) { checkpoint_.read_to(std::move(last_seq)); }

  // Makes ready what waited until now; returns the ids whose document must be read.
  std::vector<std::string> wake(MonoTime now);
  // Documents that wait for a free runner: their look_at is MonoTime::max().
  bool has_waiting_for_runner() const;
  // Makes at most so many of them due.
  void wake_for_runner(std::size_t most);

  std::vector<Item*> in_step(Item::Step step);
  Item* find(const std::string& id);

  // Nothing is left to do, or the registry has taken it over: its rows are settled.
  void settle(Item& item);
  // Not settled: looked at again then.
  void wait(Item& item, MonoTime until);
  // Counts one more attempt at this revision.
  int count_attempt(Item& item, const std::string& rev);

  std::optional<MonoTime> next_look() const;
  const Checkpoint& checkpoint() const { return checkpoint_; }
  bool empty() const { return items_.empty(); }
  std::size_t size() const { return items_.size(); }

 private:
  Checkpoint checkpoint_;
  std::map<std::string, Item> items_;
};

}  // namespace channels
