// The documents of one database that are not settled yet: rows that were read, waits, runs under way and their
// results. The follower's bookkeeping, without any request in it. Invariant 2 lives here: every
// item is either ready, or running, or finished, or queued for a runner (which wakes it), or has a time at which it
// is looked at again.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/checkpoint.h"
#include "engine/lease.h"
#include "engine/records.h"
#include "engine/rules.h"

namespace channels {

// Which runners a document waits for: a hanging mail server must not hold up what needs none. Further ones, by their
// number, are those of rules that run elsewhere (lanes.h).
enum class Lane : std::size_t { unsafe, slow };

struct Item {
  enum class Step {
    ready,     // to be matched and run in this turn
    waiting,   // until look_at
    queued,    // until a runner of `lane` is free
    running,   // with a runner
    finished   // its run ended: outcome is set, to be saved, if that failed at look_at
  };

  std::string id;
  Step step = Step::ready;
  MonoTime look_at;
  Lane lane = Lane::unsafe;
  Document doc;              // the revision to run on; empty while waiting or queued: it is read anew
  bool deleted = false;
  bool has_branches = false;
  // By its newest row, or while it had none. Another branch brings another row: so a document that waited for a runner
  // need not be asked for its leaves.
  bool may_conflict = true;
  bool kept = false;  // by the rule that matches it: the rule's extension is next
  bool changed_meanwhile = false;  // a newer row came while it ran: look again afterwards
  std::optional<Revisit> revisit;  // the registry's record of it, that brought it up

  std::vector<Checkpoint::Ticket> tickets;  // the rows that its settling settles

  Attempts attempts;

  const Rule* rule = nullptr;
  int attempt = 1;
  MonoTime began{};  // its last run, for the trace
  std::optional<Lease> lease;
  std::optional<Outcome> outcome;
};

class Unsettled {
 public:
  explicit Unsettled(std::string seq) : checkpoint_(std::move(seq)) {}

  // A row of the feed: the newest word on that document.
  void add_row(Change change);
  // A row that needs no look.
  void pass_row(std::string seq);
  // Looks at a document again that no row brought up.
  void add_revisit(const Revisit& revisit);
  void read_to(std::string last_seq) { checkpoint_.read_to(std::move(last_seq)); }
  // The database is an older copy, or another: its feed is read from there on. What is under way goes on, for no row.
  void start_at(std::string seq);

  // Makes ready what waited until now, at most so many; returns the ids whose document must be read.
  std::vector<std::string> wake(MonoTime now, std::size_t most);
  bool has_queued(Lane lane);
  // Makes at most so many of those that are queued due, the longest queued first.
  void wake_queued(Lane lane, std::size_t most);

  std::vector<Item*> in_step(Item::Step step);
  Item* find(const std::string& id);

  // Nothing is left to do, or the registry has taken it over: its rows are settled.
  void settle(Item& item);
  // Not settled: looked at again then.
  void wait(Item& item, MonoTime until);
  // Its run ended, its outcome is to be saved by the next turn.
  void finish(Item& item);
  // That turn could not.
  void save_again(Item& item, MonoTime when);
  // Not settled: looked at again when a runner is free.
  void queue(Item& item, Lane lane);

  std::optional<MonoTime> next_look() const;
  const Checkpoint& checkpoint() const { return checkpoint_; }
  bool empty() const { return items_.empty(); }
  std::size_t size() const { return items_.size(); }
  // How many there are of each rule's name; of those not matched yet under "".
  std::map<std::string, int> backlog() const;

 private:
  void put_down(Item& item);
  // The longest queued of that lane; null if there is none.
  Item* first_queued(Lane lane);

  Checkpoint checkpoint_;
  std::map<std::string, Item> items_;
  // Ids in the order in which they were queued; one whose item has moved on is dropped when it comes up.
  std::map<Lane, std::deque<std::string>> queues_;
};

}  // namespace channels
