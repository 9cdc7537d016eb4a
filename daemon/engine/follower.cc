#include "engine/follower.h"

#include "base/check.h"
#include "base/errors.h"
#include "engine/batches.h"
#include "engine/rebase.h"

namespace channels {

namespace {

// More rows a request save little, and one turn would keep other databases waiting.
constexpr std::size_t most_rows_per_read = 500;
// A follower with this many unsettled documents reads no further: its memory is bounded.
constexpr std::size_t most_unsettled = 5000;
// Documents that a free runner wakes: more would be read than it can take.
constexpr std::size_t woken_at_once = 32;

}  // namespace

Follower::Follower(Workbench& bench, std::string database, const RuleTable& rules, std::string seq)
    : bench_(bench),
      database_(bench.server, std::move(database)),
      rules_(rules),
      put_seq_(seq),
      items_(std::move(seq)),
      rows_per_read_(most_rows_per_read) {}

Follower::Turn Follower::turn() {
  Verdicts verdicts;
  collect_finished(verdicts);
  const std::size_t rows = read_rows();
  const bool active = rows > 0;
  load_woken();
  run_ready(verdicts);
  save(verdicts);
  conclude(verdicts);
  await_runners();

  const std::lock_guard lock(mutex_);
  bench_.log.debug("turn of " + database_.name() + ": " + std::to_string(rows) + " rows, " +
                   std::to_string(verdicts.to_save.size()) + " saved, " +
                   std::to_string(items_.size()) + " unsettled");
  if (more_to_read_ && items_.size() < most_unsettled) return {bench_.env.mono_now(), active};
  return {items_.next_look(), active};
}

void Follower::revisit(const std::vector<std::string>& ids) {
  const std::lock_guard lock(mutex_);
  for (const std::string& id : ids) items_.add_revisit(id);
}

std::string Follower::position() {
  const std::lock_guard lock(mutex_);
  return items_.checkpoint().position();
}

bool Follower::asleep() {
  const std::lock_guard lock(mutex_);
  return items_.empty();
}

// --- 1. results of unsafe runs ---------------------------------------------------------------

void Follower::run_finished(const std::string& id, std::optional<Outcome> outcome) {
  {
    const std::lock_guard lock(mutex_);
    Item* item = items_.find(id);
    check(item != nullptr && item->step == Item::Step::running, "a run ended that nobody began");
    item->step = Item::Step::finished;
    item->outcome = std::move(outcome);
  }
  bench_.wake(database_.name());
}

void Follower::collect_finished(Verdicts& verdicts) {
  const std::lock_guard lock(mutex_);
  for (Item* item : items_.in_step(Item::Step::finished)) {
    if (!item->outcome) {  // it was not run: the document or the lease had changed
      verdicts.ended_leases.push_back(*item->lease);
      verdicts.waiting.emplace_back(item, bench_.env.mono_now() + not_run_wait);
    } else if (auto* wanted = std::get_if<Save>(&*item->outcome)) {
      verdicts.to_save.push_back({item, wanted->doc});
    } else {
      verdicts.ended_leases.push_back(*item->lease);
      if (const auto* failure = std::get_if<Failed>(&*item->outcome)) {
        failed(verdicts, *item, *failure);
      } else if (const auto* later = std::get_if<Later>(&*item->outcome)) {
        verdicts.later.emplace_back(item, later->due);
      } else {
        verdicts.settled.push_back(item);
      }
    }
  }
}

// --- 2. reading ------------------------------------------------------------------------------

std::size_t Follower::read_rows() {
  Database::ChangesQuery query;
  {
    const std::lock_guard lock(mutex_);
    if (items_.size() >= most_unsettled) return 0;
    query.since = items_.checkpoint().position();
  }
  query.limit = rows_per_read_;
  query.design_only = rules_.is_for_design_only();
  Changes changes;
  try {
    changes = read_changes(database_, query, bench_.log);
    rows_per_read_ = std::min(most_rows_per_read, query.limit * 2);
  } catch (const Unavailable&) {
    // Perhaps the batch was too large for a time limit or for memory: smaller next time.
    rows_per_read_ = std::max<std::size_t>(1, rows_per_read_ / 2);
    throw;
  }
  const std::lock_guard lock(mutex_);
  more_to_read_ = changes.rows.size() >= query.limit;
  for (Change& row : changes.rows) items_.add_row(std::move(row));
  items_.read_to(std::move(changes.last_seq));
  return changes.rows.size();
}

// Documents that waited are read anew: what they were when they began to wait may be long gone.
void Follower::load_woken() {
  std::vector<std::string> ids;
  {
    const std::lock_guard lock(mutex_);
    ids = items_.wake(bench_.env.mono_now());
  }
  if (ids.empty()) return;
  auto docs = read_documents(database_, ids, bench_.log);
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    Item* item = items_.find(ids[i]);
    item->deleted = !docs[i].has_value();
    item->doc = docs[i] ? std::move(*docs[i]) : Document{{"_id", ids[i]}, {"_deleted", true}};
  }
}

// --- 3. running ------------------------------------------------------------------------------

const Rule* Follower::rule_for(const Item& item) const {
  if (item.id.starts_with("_design/")) return rules_.for_design();
  if (item.deleted) return rules_.for_deleted();
  return rules_.find(doc_type(item.doc), doc_state(item.doc));
}

void Follower::run_ready(Verdicts& verdicts) {
  std::vector<Item*> ready;
  {
    const std::lock_guard lock(mutex_);
    ready = items_.in_step(Item::Step::ready);
  }
  std::vector<Item*> unsafe;
  for (Item* item : ready) {
    item->rule = rule_for(*item);
    if (item->rule == nullptr) {
      verdicts.settled.push_back(item);
    } else if (item->rule->mode == Mode::unsafe) {
      unsafe.push_back(item);
    } else {
      Outcome outcome = run_safe(*item, *item->rule);
      if (auto* wanted = std::get_if<Save>(&outcome)) {
        verdicts.to_save.push_back({item, std::move(wanted->doc)});
      } else if (const auto* failure = std::get_if<Failed>(&outcome)) {
        failed(verdicts, *item, *failure);
      } else if (const auto* later = std::get_if<Later>(&outcome)) {
        verdicts.later.emplace_back(item, later->due);
      } else {
        verdicts.settled.push_back(item);
      }
    }
  }
  hand_out(unsafe);
}

Outcome Follower::run_safe(Item& item, const Rule& rule) {
  Run run{bench_.env, bench_.log, database_, 1, {}, MonoTime::max(), item.has_branches};
  run.attempt = item.attempt_rev == doc_rev(item.doc) ? item.attempts + 1 : 1;
  run.attempt_key = lease_key({database_.name(), item.id, doc_rev(item.doc)});
  return call_handler(rule.handler, run, item.doc);
}

void Follower::hand_out(const std::vector<Item*>& unsafe) {
  if (unsafe.empty()) return;
  const std::size_t places = bench_.runners.reserve(unsafe.size());
  std::vector<LeaseSubject> subjects;
  for (std::size_t i = 0; i < places; ++i)
    subjects.push_back({database_.name(), unsafe[i]->id, doc_rev(unsafe[i]->doc)});
  std::vector<TakenLease> taken;
  try {
    if (places > 0) taken = bench_.leases.take(subjects);
  } catch (...) {
    bench_.runners.give_back(places);
    throw;
  }
  std::size_t unused = 0;
  for (std::size_t i = 0; i < unsafe.size(); ++i) {
    if (i < places && taken[i].lease) {
      hand_to_runner(*unsafe[i], *taken[i].lease);
      continue;
    }
    if (i < places) ++unused;
    const std::lock_guard lock(mutex_);
    items_.wait(*unsafe[i], i < places ? taken[i].look_again : MonoTime::max());
  }
  bench_.runners.give_back(unused);
}

// Those without a place wait for one; their far time is never reached.
void Follower::await_runners() {
  {
    const std::lock_guard lock(mutex_);
    if (!items_.has_waiting_for_runner()) return;
  }
  bench_.runners.when_free(database_.name(), [self = shared_from_this()] {
    {
      const std::lock_guard lock(self->mutex_);
      self->items_.wake_for_runner(woken_at_once);
    }
    self->bench_.wake(self->database_.name());
  });
}

void Follower::hand_to_runner(Item& item, const Lease& lease) {
  UnsafeRun run{database_, item.doc, item.rule, lease, 1, item.has_branches, {}};
  {
    const std::lock_guard lock(mutex_);
    item.lease = lease;
    item.step = lease.lost_run && item.rule->options.on_lost == OnLost::park ? Item::Step::finished
                                                                            : Item::Step::running;
    run.attempt = std::max(lease.attempt, item.attempt_rev == doc_rev(item.doc) ? item.attempts + 1 : 1);
    if (item.step == Item::Step::finished)
      item.outcome = Failed{"a worker was lost during this run; whether it acted is unknown",
                            std::nullopt};
  }
  if (item.step == Item::Step::finished) {
    bench_.runners.give_back(1);
    return;
  }
  run.finished = [self = shared_from_this(), id = item.id](std::optional<Outcome> outcome) {
    self->run_finished(id, std::move(outcome));
  };
  bench_.runners.run(std::move(run));
}

// --- 4. saving -------------------------------------------------------------------------------

void Follower::save(Verdicts& verdicts) {
  if (verdicts.to_save.empty()) return;
  std::vector<Document> docs;
  for (const auto& entry : verdicts.to_save) {
    check(doc_id(entry.doc) == entry.item->id, "a handler answered with another document");
    docs.push_back(entry.doc);
    // CouchDB takes an edit of a deletion for a conflict; without a rev it is a new beginning.
    if (entry.item->deleted) docs.back().erase("_rev");
  }
  const std::vector<Saved> results = save_documents(database_, docs);
  std::vector<Item*> overtaken;
  for (std::size_t i = 0; i < results.size(); ++i) {
    Item& item = *verdicts.to_save[i].item;
    if (results[i].outcome == Saved::Outcome::conflict && item.lease) {
      overtaken.push_back(&item);
    } else {
      after_save(verdicts, item, results[i]);
    }
  }
  save_rebased(verdicts, overtaken);
}

void Follower::after_save(Verdicts& verdicts, Item& item, const Saved& saved) {
  if (saved.outcome == Saved::Outcome::conflict) {
    // Someone was faster: read again, match again.
    verdicts.waiting.emplace_back(&item, bench_.env.mono_now());
  } else if (saved.outcome == Saved::Outcome::rejected) {
    if (item.lease) verdicts.ended_leases.push_back(*item.lease);
    failed(verdicts, item, {"the database's validation refused the result: " + saved.reason, {}});
  } else {
    if (item.lease) verdicts.ended_leases.push_back(*item.lease);
    verdicts.settled.push_back(&item);
  }
}

// An unsafe run has acted already, so its result is put on whatever the document is now, if that
// is still in the state that was acted on; running it again would act twice.
void Follower::save_rebased(Verdicts& verdicts, const std::vector<Item*>& overtaken) {
  std::vector<Item*> left = overtaken;
  for (int tries = 0; !left.empty() && tries < 5; ++tries) {
    std::vector<std::string> ids;
    for (const Item* item : left) ids.push_back(item->id);
    const auto fresh = database_.get_many(ids);
    std::vector<Document> docs;
    std::vector<Item*> saving;
    for (std::size_t i = 0; i < left.size(); ++i) {
      const Document& wanted = std::get<Save>(*left[i]->outcome).doc;
      auto merged = fresh[i] ? rebase(left[i]->doc, wanted, *fresh[i]) : std::nullopt;
      if (merged) {
        docs.push_back(std::move(*merged));
        saving.push_back(left[i]);
        continue;
      }
      bench_.log.info("the result of an unsafe run no longer applies to " + escaped(left[i]->id) +
                      " in " + database_.name());
      verdicts.ended_leases.push_back(*left[i]->lease);
      verdicts.waiting.emplace_back(left[i], bench_.env.mono_now());
    }
    const std::vector<Saved> results = save_documents(database_, docs);
    left.clear();
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (results[i].outcome == Saved::Outcome::conflict) {
        left.push_back(saving[i]);
      } else {
        after_save(verdicts, *saving[i], results[i]);
      }
    }
  }
  // Still overtaken: it stays finished, and the next turn tries again.
}

}  // namespace channels
