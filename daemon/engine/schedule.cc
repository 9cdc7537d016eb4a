#include "engine/schedule.h"

#include "base/check.h"

namespace channels {

Schedule::Schedule(Env& env) : env_(env), changed_(env.make_signal()) {}

void Schedule::enqueue(const std::string& database, Entry& entry) {
  drop_timer(database, entry);
  if (entry.taken) {
    entry.again = true;
  } else if (!entry.queued) {
    entry.queued = true;
    queue_.push_back(database);
    changed_->notify_all();
  }
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
  if (cause == Cause::rows) entry.has_rows = true;
  enqueue(name, entry);
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
  while (true) {
    if (stopped_) return std::nullopt;
    move_due_timers();
    if (!queue_.empty()) break;
    const MonoTime far = env_.mono_now() + seconds(60);
    changed_->wait_until(lock, timers_.empty() ? far : std::min(far, timers_.begin()->first));
  }
  std::string name = std::move(queue_.front());
  queue_.pop_front();
  Entry& entry = entries_.at(name);
  entry.queued = false;
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

std::set<std::string> Schedule::names() {
  const std::lock_guard lock(mutex_);
  std::set<std::string> all;
  for (const auto& [name, entry] : entries_) all.insert(name);
  return all;
}

}  // namespace channels
