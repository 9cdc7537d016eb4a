// The last step of a follower's turn: what failed waits or is parked, what must wait long goes to the registry, what
// is done is settled, and the checkpoint moves.
#include "base/errors.h"
#include "engine/follower.h"

namespace channels {

namespace {

// A longer wait is kept in the registry, so that the checkpoint can move on. Where many documents wait, each
// wait is: else they would use up the places of unsettled ones, and nothing new would be read.
constexpr seconds longest_wait_in_memory{30};
constexpr std::size_t crowd = 1000;
constexpr seconds least_wait_in_a_crowd{60};

}  // namespace

void Follower::failed(Verdicts& verdicts, Item& item, const Failed& failure) {
  const int attempts = items_.count_attempt(item, doc_rev(item.doc));
  const bool lost = item.lease && item.lease->lost_run && item.rule->options.on_lost == OnLost::park;
  if (lost || attempts >= attempts_before_parking) {
    bench_.log.error("parked " + escaped(item.id) + " in " + database_.name() + " after " +
                     std::to_string(attempts) + " attempts: " + escaped(failure.reason));
    verdicts.parked.emplace_back(
        &item, ParkedFailure{database_.name(), item.id, doc_rev(item.doc), item.rule->name,
                             attempts, failure.reason});
    return;
  }
  milliseconds delay = backoff(attempts, bench_.env.random_unit());
  if (failure.retry_after) delay = std::max<milliseconds>(delay, *failure.retry_after);
  bench_.log.info("attempt " + std::to_string(attempts) + " at " + escaped(item.id) + " in " +
                  database_.name() + " failed: " + escaped(failure.reason));
  verdicts.waiting.emplace_back(&item, bench_.env.mono_now() + delay);
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
  std::vector<std::pair<Item*, WallTime>> later;
  for (const auto& [item, due] : verdicts.later) {
    if (crowded || due - now > longest_wait_in_memory) {
      later.emplace_back(item, due);
    } else {
      verdicts.waiting.emplace_back(item, mono_now + std::chrono::duration_cast<milliseconds>(due - now));
    }
  }
  if (crowded) {
    std::erase_if(verdicts.waiting, [&](const auto& wait) {
      if (wait.second <= mono_now + not_run_wait) return false;  // it is read again at once
      later.emplace_back(wait.first, now + std::chrono::duration_cast<milliseconds>(wait.second - mono_now));
      return true;
    });
  }
  std::vector<Revisit> revisits;
  for (auto& [item, due] : later) {
    const auto spread = milliseconds(static_cast<int>(60000 * bench_.env.random_unit()));
    if (crowded) due = std::max(due, now + least_wait_in_a_crowd + spread);
    revisits.push_back({database_.name(), item->id, due});
  }
  verdicts.later = std::move(later);
  return revisits;
}

// Whatever goes to the registry is there before its row is settled (invariant 2).
void Follower::conclude(Verdicts& verdicts) {
  std::vector<ParkedFailure> failures;
  const std::vector<Revisit> revisits = sort_waits(verdicts);
  for (const auto& [item, failure] : verdicts.parked) failures.push_back(failure);
  if (!revisits.empty()) bench_.records.put_revisits(revisits);
  if (!failures.empty()) bench_.records.put_failures(failures);
  std::vector<std::string> done_revisits;
  {
    const std::lock_guard lock(mutex_);
    for (const Item* item : verdicts.settled) {
      if (item->is_revisit) done_revisits.push_back(item->id);
    }
    for (const auto& [item, failure] : verdicts.parked) {
      if (item->is_revisit) done_revisits.push_back(item->id);
    }
  }
  if (!done_revisits.empty()) bench_.records.remove_revisits(database_.name(), done_revisits);
  if (!verdicts.ended_leases.empty()) bench_.leases.release(verdicts.ended_leases);

  const std::lock_guard lock(mutex_);
  for (const auto& [item, until] : verdicts.waiting) items_.wait(*item, until);
  for (Item* item : verdicts.settled) settle_or_look_again(*item);
  for (const auto& [item, failure] : verdicts.parked) settle_or_look_again(*item);
  for (const auto& [item, due] : verdicts.later) settle_or_look_again(*item);
  const std::string seq = items_.checkpoint().seq();
  if (seq == put_seq_) return;
  bench_.records.put_checkpoint(database_.name(), seq);
  put_seq_ = seq;
}

void Follower::settle_or_look_again(Item& item) {
  if (item.changed_meanwhile) {
    item.changed_meanwhile = false;
    items_.wait(item, bench_.env.mono_now());
  } else {
    items_.settle(item);
  }
}

}  // namespace channels
