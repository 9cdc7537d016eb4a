// The engine's part in sharing the databases out among workers: what it tells of itself, and what it does with what
// others left.
#include <algorithm>

#include "engine/engine.h"

namespace channels {

namespace {

// More are not named in the worker's document: others then start from an earlier update.
constexpr std::size_t most_named = 500;

}  // namespace

milliseconds Engine::beat() {
  const std::vector<HandOver> left = workers_.beat(unfinished(), status());
  if (!updates_started_) {
    // From where an earlier worker got to; the others' updates are read beside the feed.
    updates_->start(left.empty() || left.front().updates_seq.empty() ? "0" : left.front().updates_seq);
    updates_started_ = true;
  }
  for (const HandOver& each : left) take_over(each);
  return workers_.interval();
}

void Engine::take_over(const HandOver& left) {
  if (!left.updates_seq.empty()) updates_->replay(left.updates_seq);
  for (const std::string& name : left.awake) {
    if (is_relevant(name)) schedule_.mark(name);
  }
  for (const std::string& name : options_.pinned) {
    if (is_relevant(name)) schedule_.mark(name);
  }
}

// In this order: an update up to the position has marked its database; a marked database is in the schedule until its
// turn is over; from then on its follower says whether it is asleep.
HandOver Engine::unfinished() {
  HandOver now{updates_->position(), {}};
  std::set<std::string> awake = schedule_.names();
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& name : awake_) {
      const auto found = followers_.find(name);
      if (found != followers_.end() && !found->second->asleep()) awake.insert(name);
    }
  }
  if (awake.size() <= most_named) {
    now.awake.assign(awake.begin(), awake.end());
  } else {
    // What was awake then and is still; all others changed after that position.
    now.updates_seq = announced_.updates_seq;
    for (const std::string& name : announced_.awake) {
      if (awake.contains(name)) now.awake.push_back(name);
    }
  }
  announced_ = now;
  return now;
}

// {"backlog": {"device/new": 3}, "databases": 17, "quorum": true, "workers": 2, "updates": true, "sweep": ...}
json::object Engine::status() {
  std::map<std::string, int> backlog;
  std::size_t awake = 0;
  std::vector<std::shared_ptr<Follower>> followers;
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& name : awake_) {
      const auto found = followers_.find(name);
      if (found != followers_.end()) followers.push_back(found->second);
    }
  }
  for (const auto& follower : followers) {
    if (follower->asleep()) continue;
    ++awake;
    for (const auto& [rule, count] : follower->backlog()) backlog[rule.empty() ? "unread" : rule] += count;
  }
  json::object counts;
  for (const auto& [rule, count] : backlog) counts[rule] = count;
  return {{"backlog", std::move(counts)},
          {"awake", awake},
          {"quorum", leases_.has_quorum()},
          {"workers", workers_.alive()},
          {"feed", updates_->status()},
          {"sweep", sweep_->status()}};
}

}  // namespace channels
