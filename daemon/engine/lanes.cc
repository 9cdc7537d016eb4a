#include "engine/lanes.h"

#include <algorithm>

namespace channels {

namespace {

// Of one database, and of one turn. To a program documents go a window at a time.
constexpr std::size_t least_woken_for_programs = 32;
constexpr std::size_t most_woken = 500;

bool is_unsafe(Mode mode) {
  return mode == Mode::unsafe;
}

}  // namespace

Lanes::Lanes(Env& env, Log& log, Leases& leases, int threads, int slow_threads,
             const std::vector<std::shared_ptr<Elsewhere>>& elsewheres) {
  for (const int number : {threads, slow_threads}) {
    runners_.push_back(std::make_unique<Runners>(env, log, leases, number, static_cast<std::size_t>(number)));
    least_woken_.push_back(1);
  }
  for (const auto& elsewhere : elsewheres) {
    first_of_[elsewhere.get()] = runners_.size();
    for (const Mode mode : {Mode::unsafe, Mode::safe}) {
      const std::size_t places = elsewhere->places(mode);
      const int needed = is_unsafe(mode) ? std::min(threads, static_cast<int>(places)) : 0;
      runners_.push_back(std::make_unique<Runners>(env, log, leases, needed, places));
      least_woken_.push_back(std::clamp(places, least_woken_for_programs, most_woken));
    }
  }
}

Lane Lanes::of(const Rule& rule) const {
  const std::size_t first = rule.elsewhere ? first_of_.at(rule.elsewhere.get()) : 0;
  return static_cast<Lane>(first + (is_unsafe(rule.mode) ? 0 : 1));
}

std::size_t Lanes::woken_at_once(Lane lane) {
  return std::clamp(runners(lane).free_places(), least_woken_[static_cast<std::size_t>(lane)], most_woken);
}

void Lanes::end() {
  for (const auto& runners : runners_) runners->end();
}

}  // namespace channels
