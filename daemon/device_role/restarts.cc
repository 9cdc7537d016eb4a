#include "device_role/restarts.h"

#include <algorithm>

namespace channels {

namespace {

constexpr seconds first_delay{20};
constexpr seconds longest_delay{900};
constexpr seconds believed_well{120};

}  // namespace

bool Restarts::is_due(const std::string& id, MonoTime now) {
  History& history = histories_[id];
  history.was_running = false;
  if (history.restarts > 0 && now < history.next) return false;
  seconds delay = first_delay;
  for (int i = 0; i < history.restarts && delay < longest_delay; ++i) delay *= 2;
  history.next = now + std::min(delay, longest_delay);
  ++history.restarts;
  return true;
}

void Restarts::runs(const std::string& id, MonoTime now) {
  const auto found = histories_.find(id);
  if (found == histories_.end()) return;
  History& history = found->second;
  if (!history.was_running) history.runs_since = now;
  history.was_running = true;
  if (now - history.runs_since >= believed_well) histories_.erase(found);
}

}  // namespace channels
