// The last step of a follower's turn: what failed waits or is parked, what must wait long goes to the registry, what
// is done is settled, and the checkpoint moves.
#include "base/mutation.h"
#include "engine/follower.h"

namespace channels {

namespace {

// A longer wait is kept in the registry, so that the checkpoint can move on. Where many documents wait, each
// wait is: else they would use up the places of unsettled ones, and nothing new would be read.
constexpr seconds longest_wait_in_memory{30};
constexpr std::size_t crowd = 1000;
constexpr seconds least_wait_in_a_crowd{60};
// A checkpoint that is about to be passed by the rows of own saves is not written; of a database in which that goes on all the
// time one is written so often.
constexpr seconds longest_passed_over{2};

}  // namespace

void Follower::failed(Verdicts& verdicts, Item& item, const Failed& failure) {
  item.attempts.add(doc_rev(item.doc), bench_.env.wall_now(), failure.reason);
  const int count = item.attempts.count;
  const std::string rule = item.rule == nullptr ? "conflict" : item.rule->name;
  if (is_lost_for_good(item) || count >= attempts_before_parking) {
    bench_.log.error("parked " + escaped(item.id) + " in " + database_.name() + " after " +
                     std::to_string(count) + " attempts: " + escaped(failure.reason));
    trace(item, TraceLine::Outcome::parked, failure.reason);
    verdicts.parked.emplace_back(&item, ParkedFailure{database_.name(), item.id, rule, item.attempts, {}});
    return;
  }
  milliseconds delay = backoff(count, bench_.env.random_unit());
  if (failure.retry_after) delay = std::max<milliseconds>(delay, *failure.retry_after);
  bench_.log.info("attempt " + std::to_string(count) + " at " + escaped(item.id) + " in " +
                  database_.name() + " failed: " + escaped(failure.reason));
  trace(item, TraceLine::Outcome::failed, failure.reason);
  verdicts.waiting.emplace_back(&item, bench_.env.mono_now() + delay);
}

void Follower::trace(const Item& item, TraceLine::Outcome outcome, std::string detail) {
  const std::string rule = item.rule == nullptr ? "conflict" : item.rule->name;
  const auto took = std::chrono::duration_cast<milliseconds>(bench_.env.mono_now() - item.began);
  bench_.trace.add({database_.name(), item.id, doc_rev(item.doc), rule, item.rule == nullptr ? Mode::safe : item.rule->mode,
                    item.attempt, item.began == MonoTime() ? milliseconds(0) : took, outcome, std::move(detail)});
}

// Each wait to where it belongs: `waiting` holds those in memory, `later` those that the registry keeps (which are
// given back), the rest of the row being settled.
std::vector<Revisit> Follower::sort_waits(Verdicts& verdicts) {
  bool crowded = false;
  {
    const std::lock_guard lock(mutex_);
    crowded = items_.size() > crowd;
  }
  const WallTime now = bench_.env.wall_now();
  const MonoTime mono_now = bench_.env.mono_now();
  const milliseconds longest = crowded ? not_run_wait : longest_wait_in_memory;
  std::vector<std::pair<Item*, WallTime>> kept;
  for (const auto& [item, due] : verdicts.later) {
    const auto wait = std::chrono::duration_cast<milliseconds>(due - now);
    if (crowded || wait > longest) {
      kept.emplace_back(item, due);
    } else {
      verdicts.waiting.emplace_back(item, mono_now + wait);
    }
  }
  std::erase_if(verdicts.waiting, [&](const auto& wait) {
    if (wait.second <= mono_now + longest) return false;
    kept.emplace_back(wait.first, now + std::chrono::duration_cast<milliseconds>(wait.second - mono_now));
    return true;
  });
  std::vector<Revisit> revisits;
  for (auto& [item, due] : kept) {
    const auto spread = milliseconds(static_cast<int>(60000 * bench_.env.random_unit()));
    if (crowded) due = std::max(due, now + least_wait_in_a_crowd + spread);
    revisits.push_back({database_.name(), item->id, due, item->attempts, {}});
  }
  verdicts.later = std::move(kept);
  return revisits;
}

// Whatever goes to the registry is there before its row is settled (invariant 2).
void Follower::conclude(Verdicts& verdicts, bool is_last) {
  const std::vector<Revisit> revisits = sort_waits(verdicts);
  std::vector<ParkedFailure> failures;
  for (const auto& [item, failure] : verdicts.parked) failures.push_back(failure);
  if (!revisits.empty() && !mutant("no-revisit")) bench_.records.put_revisits(revisits);
  if (!failures.empty()) bench_.records.put_failures(failures);
  if (mutant("park-forgotten")) std::swap(verdicts.ended_leases, verdicts.parked_leases);
  bench_.leases.park(verdicts.parked_leases);
  std::vector<Revisit> done;
  {
    const std::lock_guard lock(mutex_);
    for (const Item* item : verdicts.settled) {
      if (item->revisit) done.push_back(*item->revisit);
    }
    for (const auto& [item, failure] : verdicts.parked) {
      if (item->revisit) done.push_back(*item->revisit);
    }
  }
  if (!done.empty()) bench_.records.remove_revisits(done);
  bench_.leases.release(verdicts.ended_leases);
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [item, until] : verdicts.waiting) items_.wait(*item, until);
    for (Item* item : verdicts.settled) settle_or_look_again(*item);
    for (const auto& [item, failure] : verdicts.parked) settle_or_look_again(*item);
    for (const auto& [item, due] : verdicts.later) settle_or_look_again(*item);
  }
  put_checkpoint(!is_last && !verdicts.to_save.empty());
}

void Follower::settle_or_look_again(Item& item) {
  if (item.changed_meanwhile && !mutant("settled-while-running")) {
    item.changed_meanwhile = false;
    item.revisit.reset();
    items_.wait(item, bench_.env.mono_now());
  } else {
    items_.settle(item);
  }
}

// The rows of what this turn saved come next, and nothing else is left to do: the turn that reads them has a checkpoint to write as
// well. Until then a restart reads a few rows again. With mutex_ held.
bool Follower::is_passed_soon(bool has_saved) {
  const MonoTime now = bench_.env.mono_now();
  if (!has_saved || !items_.empty() || echoes_.size() == 0) {
    passed_over_since_.reset();
    return false;
  }
  if (!passed_over_since_) passed_over_since_ = now;
  if (now - *passed_over_since_ < longest_passed_over) return true;
  passed_over_since_.reset();
  return false;
}

// The database's own mark is there before the registry's checkpoint passes rows of others (local_mark.h).
void Follower::put_checkpoint(bool has_saved) {
  CheckpointRecord next;
  bool needs_mark = false;
  {
    const std::lock_guard lock(mutex_);
    if (tell_at_) return;  // else a restart would tell nobody
    next.seq = mutant("checkpoint-early") ? items_.checkpoint().position() : items_.checkpoint().seq();
    next.design_version = design_version_;
    if (next.seq == put_.seq && next.design_version == put_.design_version) return;
    if (is_passed_soon(has_saved)) return;
    needs_mark = unmarked_ && !rules_.is_for_design_only();
  }
  if (needs_mark && database_.save(next_mark()).ok()) mark_saved();
  const std::lock_guard lock(mutex_);
  next.counter = counter_;
  next.life = life_;
  bench_.records.put_checkpoint(database_.name(), next);
  put_ = next;
}

}  // namespace channels
