#include "engine/schedule.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace channels {

namespace {

constexpr int served_before_an_echo = 8;

}  // namespace

Schedule::Schedule(Env& env) : env_(env), changed_(env.make_signal()) {}

void Schedule::enqueue(const std::string& database, Entry& entry) {
  drop_timer(database, entry);
  if (entry.taken) {
    entry.again = true;
  } else if (!entry.queued || entry.is_echo) {
    entry.queued = true;
    entry.is_echo = false;
    queue_.push_back(database);
    changed_->notify_all();
  }
}

// The next name, if there is one: from echoes_ when queue_ is empty, and now and then. "" if there is none.
std::string Schedule::pop() {
  const auto is_stale = [&](const std::string& name) {
    const auto found = entries_.find(name);
    return found == entries_.end() || !found->second.queued || !found->second.is_echo;
  };
  while (!echoes_.empty() && is_stale(echoes_.front())) echoes_.pop_front();
  if (queue_.empty() && echoes_.empty()) return {};
  const bool from_echoes = !echoes_.empty() && (queue_.empty() || served_ >= served_before_an_echo);
  served_ = from_echoes ? 0 : served_ + 1;
  std::deque<std::string>& queue = from_echoes ? echoes_ : queue_;
  std::string name = std::move(queue.front());
  queue.pop_front();
  return name;
}

void Schedule::drop_timer(const std::string& database, Entry& entry) {
  if (!entry.due) return;
  auto [at, end] = timers_.equal_range(*entry.due);
  while (at != end && at->second != database) ++at;
  check(at != end, "a timer is missing");
  timers_.erase(at);
  entry.due.reset();
}

void Schedule::mark(std::string_view database, Cause cause) {
  const std::lock_guard lock(mutex_);
  const std::string name(database);
  Entry& entry = entries_[name];
  if (cause != Cause::at_hand) entry.has_rows = true;
  if (cause != Cause::echoes) {
    enqueue(name, entry);
  } else if (!entry.taken && !entry.queued) {
    entry.queued = entry.is_echo = true;
    echoes_.push_back(name);
    changed_->notify_all();
  } else if (entry.taken) {
    entry.again = true;
  }
}

void Schedule::mark_at(std::string_view database, MonoTime due, Cause cause) {
  const std::lock_guard lock(mutex_);
  const std::string name(database);
  Entry& entry = entries_[name];
  if (cause == Cause::rows) entry.has_rows = true;
  if (entry.queued || entry.again || (entry.due && *entry.due <= due)) return;
  drop_timer(name, entry);
  entry.due = due;
  timers_.emplace(due, name);
  changed_->notify_all();
}

void Schedule::move_due_timers() {
  const MonoTime now = env_.mono_now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const std::string name = timers_.begin()->second;
    enqueue(name, entries_.at(name));
  }
}

std::optional<Schedule::Taken> Schedule::take() {
  std::unique_lock lock(mutex_);
  std::string name;
  while (true) {
    if (stopped_) return std::nullopt;
    move_due_timers();
    name = pop();
    if (!name.empty()) break;
    const MonoTime far = env_.mono_now() + seconds(60);
    changed_->wait_until(lock, timers_.empty() ? far : std::min(far, timers_.begin()->first));
  }
  Entry& entry = entries_.at(name);
  drop_timer(name, entry);
  entry.queued = entry.is_echo = false;
  entry.taken = true;
  return Taken{std::move(name), std::exchange(entry.has_rows, false)};
}

void Schedule::done(std::string_view database) {
  const std::lock_guard lock(mutex_);
  const std::string name(database);
  Entry& entry = entries_.at(name);
  check(entry.taken, "a database was given back that nobody took");
  entry.taken = false;
  if (entry.again) {
    entry.again = false;
    enqueue(name, entry);
  } else if (!entry.due) {
    entries_.erase(name);
  }
}

void Schedule::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_->notify_all();
}

std::vector<std::string> Schedule::upcoming(std::size_t most) {
  const std::lock_guard lock(mutex_);
  const std::size_t count = std::min(most, queue_.size());
  return {queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count)};
}

std::set<std::string> Schedule::names() {
  const std::lock_guard lock(mutex_);
  std::set<std::string> all;
  for (const auto& [name, entry] : entries_) all.insert(name);
  return all;
}

}  // namespace channels
