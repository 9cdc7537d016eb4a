#include "programs/in_hand.h"

#include <algorithm>

namespace channels {

void InHand::add(ProgramRun run, MonoTime now) {
  runs_.emplace(++last_number_, Entry{std::move(run), now, now + time_limit_});
}

std::optional<ProgramRun> InHand::take(std::uint64_t number) {
  const auto found = runs_.find(number);
  if (found == runs_.end() || !found->second.run) return std::nullopt;
  std::optional<ProgramRun> run = std::move(found->second.run);
  runs_.erase(found);
  return run;
}

bool InHand::was_late(std::uint64_t number) {
  const auto found = runs_.find(number);
  if (found == runs_.end() || found->second.run) return false;
  runs_.erase(found);
  return true;
}

std::vector<std::uint64_t> InHand::to_be_cancelled(MonoTime now) {
  std::vector<std::uint64_t> numbers;
  for (auto& [number, entry] : runs_) {
    if (!entry.run || entry.cancelled || entry.next > now) continue;
    entry.cancelled = true;
    entry.next = now + grace_;
    numbers.push_back(number);
  }
  return numbers;
}

std::vector<InHand::GivenUp> InHand::to_be_given_up(MonoTime now) {
  std::vector<GivenUp> given_up;
  for (auto& [number, entry] : runs_) {
    if (!entry.run || !entry.cancelled || entry.next > now) continue;
    given_up.push_back({std::move(*entry.run), entry.handed_at});
    entry.run.reset();
  }
  return given_up;
}

std::optional<MonoTime> InHand::next_event() const {
  std::optional<MonoTime> next;
  for (const auto& [number, entry] : runs_) {
    if (entry.run && (!next || entry.next < *next)) next = entry.next;
  }
  return next;
}

std::map<std::uint64_t, ProgramRun> InHand::take_all() {
  std::map<std::uint64_t, ProgramRun> runs;
  for (auto& [number, entry] : runs_) {
    if (entry.run) runs.emplace(number, std::move(*entry.run));
  }
  runs_.clear();
  return runs;
}

std::size_t InHand::given_up() const {
  return static_cast<std::size_t>(
      std::count_if(runs_.begin(), runs_.end(), [](const auto& entry) { return !entry.second.run; }));
}

}  // namespace channels
