// The second step of a follower's turn: each ready document meets its rule. Conflicts are settled first; safe handlers
// run here, or with a runner if they do requests of their own; unsafe ones get their lease and go to a runner.
#include <map>

#include "base/check.h"
#include "base/mutation.h"
#include "engine/follower.h"

namespace channels {

namespace {

// Longer than that a turn runs no further handlers: what is done is saved, and other databases have their turn.
constexpr milliseconds longest_running = seconds(2);

bool runs_in_turn(const Rule& rule) {
  if (rule.mode == Mode::unsafe) return mutant("unsafe-as-safe");
  return !rule.options.slow && !rule.elsewhere;
}

}  // namespace

const Rule* Follower::rule_for(std::string_view id, bool deleted, const Document& doc) const {
  if (id.starts_with("_design/")) return rules_.for_design();
  if (deleted) return rules_.for_deleted();
  return rules_.find(doc_type(doc), doc_state(doc));
}

void Follower::run_ready(Verdicts& verdicts) {
  std::vector<Item*> ready;
  {
    const std::lock_guard lock(mutex_);
    ready = items_.in_step(Item::Step::ready);
  }
  const MonoTime enough = bench_.env.mono_now() + longest_running;
  std::map<Lane, std::vector<Item*>> handed;
  for (Item* item : without_conflicts(verdicts, ready)) {
    const Rule* rule = rule_for(item->id, item->deleted, item->doc);
    if (item->kept && rule != nullptr) rule = rule->extension.get();
    {
      const std::lock_guard lock(mutex_);
      item->rule = rule;
    }
    if (rule == nullptr) {
      verdicts.settled.push_back(item);
    } else if (!runs_in_turn(*rule)) {
      handed[bench_.lanes.of(*rule)].push_back(item);
    } else if (bench_.env.mono_now() < enough) {  // else it stays ready, for the next turn
      Outcome outcome = run_safe(*item, *rule);
      if (!goes_on(*item, outcome)) ended(verdicts, *item, std::move(outcome));
    }
  }
  for (const auto& [lane, items] : handed) hand_out(verdicts, lane, items);
}

bool Follower::goes_on(Item& item, const Outcome& outcome) {
  if (item.rule->extension == nullptr || !std::holds_alternative<Keep>(outcome)) return false;
  trace(item, TraceLine::Outcome::kept);
  const std::lock_guard lock(mutex_);
  item.kept = true;
  item.step = Item::Step::ready;
  item.outcome.reset();
  return true;
}

void Follower::ended(Verdicts& verdicts, Item& item, Outcome outcome) {
  if (auto* wanted = std::get_if<Save>(&outcome)) {
    verdicts.to_save.push_back({&item, std::move(wanted->doc), std::move(wanted->beside), wanted->at_rest});
  } else if (const auto* failure = std::get_if<Failed>(&outcome)) {
    failed(verdicts, item, *failure);
  } else if (const auto* lost = std::get_if<Lost>(&outcome)) {
    failed(verdicts, item, {lost->reason, std::nullopt});
  } else if (const auto* later = std::get_if<Later>(&outcome)) {
    trace(item, TraceLine::Outcome::later, format_time(later->due));
    verdicts.later.emplace_back(&item, later->due);
  } else {
    trace(item, TraceLine::Outcome::kept);
    verdicts.settled.push_back(&item);
  }
}

Outcome Follower::run_safe(Item& item, const Rule& rule) {
  Run run{bench_.env, bench_.log, database_, 1, {}, MonoTime::max(), item.has_branches};
  run.attempt = item.attempts.rev == doc_rev(item.doc) ? item.attempts.count + 1 : 1;
  item.attempt = run.attempt;
  item.began = bench_.env.mono_now();
  run.attempt_key = lease_key({database_.name(), item.id, doc_rev(item.doc)});
  return call_handler(rule.handler, run, item.doc);
}

// --- conflicts ---------------------------------------------------------------------------------

std::vector<Item*> Follower::without_conflicts(Verdicts& verdicts, const std::vector<Item*>& ready) {
  if (!rules_.resolver()) return ready;
  std::vector<Item*> clear;
  for (Item* item : ready) {
    const bool in_conflict = item->may_conflict && !item->deleted && !item->id.starts_with("_design/");
    if (!in_conflict || !settle_conflict(verdicts, *item)) clear.push_back(item);
  }
  return clear;
}

// True if there was one; the document comes again. What the losers say is saved on the winner first, and they are
// deleted in a later turn, when nothing in them is missing there: a crash or a faster writer in between
// costs a turn, and no edit.
bool Follower::settle_conflict(Verdicts& verdicts, Item& item) {
  std::vector<Document> leaves = database_.leaves(item.id);
  std::erase_if(leaves, [](const Document& leaf) { return is_deleted(leaf); });
  if (leaves.size() < 2) return false;
  const auto merged = rules_.resolver()(leaves);
  if (!merged) return false;
  if (!same_content(*merged, leaves.front()) && !mutant("conflict-drop")) {
    const std::lock_guard lock(mutex_);
    item.doc = leaves.front();
    verdicts.to_save.push_back({&item, *merged});
    return true;
  }
  std::vector<Document> losers;
  for (std::size_t i = 1; i < leaves.size(); ++i)
    losers.push_back({{"_id", item.id}, {"_rev", doc_rev(leaves[i])}, {"_deleted", true}});
  database_.save_all(losers);
  verdicts.waiting.emplace_back(&item, bench_.env.mono_now());
  return true;
}

// --- runners -----------------------------------------------------------------------------------

bool Follower::is_lost_for_good(const Item& item) {
  return item.lease && item.lease->lost_run && item.rule->options.on_lost == OnLost::park &&
         !mutant("lost-run-ignored");
}

LeaseSubject Follower::lease_subject(const Item& item) const {
  return {database_.name(), item.id, item.rule->options.per_document ? "" : doc_rev(item.doc)};
}

void Follower::hand_out(Verdicts& verdicts, Lane lane, const std::vector<Item*>& items) {
  if (items.empty()) return;
  Runners& runners = bench_.lanes.runners(lane);
  const bool leased = items.front()->rule->mode == Mode::unsafe;
  const std::size_t places = runners.reserve(items.size());
  std::vector<TakenLease> taken(places);
  if (leased && places > 0) {
    std::vector<LeaseSubject> subjects;
    for (std::size_t i = 0; i < places; ++i)
      subjects.push_back(lease_subject(*items[i]));
    try {
      taken = bench_.leases.take(subjects);
    } catch (...) {
      runners.give_back(places);
      throw;
    }
  }
  std::size_t unused = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i >= places) {
      const std::lock_guard lock(mutex_);
      items_.queue(*items[i], lane);
    } else if (leased && taken[i].parked) {
      ++unused;
      verdicts.settled.push_back(items[i]);
    } else if (leased && !taken[i].lease) {
      ++unused;
      const std::lock_guard lock(mutex_);
      items_.wait(*items[i], taken[i].look_again);
    } else {
      hand_to_runner(*items[i], lane, taken[i].lease);
    }
  }
  runners.give_back(unused);
}

void Follower::hand_to_runner(Item& item, Lane lane, const std::optional<Lease>& lease) {
  HandedRun run{database_, item.doc, item.rule, lease, 1, lease_key(lease_subject(item)), item.has_branches, {}};
  bool lost = false;
  {
    const std::lock_guard lock(mutex_);
    item.lease = lease;
    lost = is_lost_for_good(item);
    item.step = lost ? Item::Step::finished : Item::Step::running;
    if (item.attempts.rev == doc_rev(item.doc)) run.attempt = item.attempts.count + 1;
    if (lease) run.attempt = std::max(lease->attempt, run.attempt);
    item.attempt = run.attempt;
    item.began = bench_.env.mono_now();
    if (lost)
      item.outcome = Failed{"a worker was lost during this run; whether it acted is unknown", std::nullopt};
  }
  if (lost) {
    bench_.lanes.runners(lane).give_back(1);
    return;
  }
  run.finished = [self = shared_from_this(), id = item.id](std::optional<Outcome> outcome) {
    self->run_finished(id, std::move(outcome));
  };
  bench_.lanes.runners(lane).run(std::move(run));
}

}  // namespace channels
