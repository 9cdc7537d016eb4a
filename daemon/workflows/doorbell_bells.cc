#include "workflows/doorbell_bells.h"

#include <utility>

namespace channels {

namespace {

// Another thread has the bell in hand: one write.
constexpr milliseconds while_ringing{200};

}  // namespace

void Bells::want(const std::string& user, const std::string& channel) {
  const std::lock_guard lock(mutex_);
  bells_[user].wanted.insert(channel);
  waiting_[channel].insert(user);
}

std::vector<std::string> Bells::waiting_for(const std::string& channel) {
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(channel);
  if (found == waiting_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

Bells::Ring Bells::begin(const std::string& user, MonoTime now) {
  const std::lock_guard lock(mutex_);
  const auto found = bells_.find(user);
  if (found == bells_.end()) return {};
  Bell& bell = found->second;
  if (!bell.ringing.empty()) return {{}, now + while_ringing};
  if (bell.wanted.empty()) return {};
  if (now < bell.next) return {{}, bell.next};
  bell.ringing = std::exchange(bell.wanted, {});
  return {bell.ringing, std::nullopt};
}

void Bells::ended(const std::string& user, bool told, MonoTime now, MonoTime next) {
  const std::lock_guard lock(mutex_);
  Bell& bell = bells_[user];
  bell.next = next;
  for (const std::string& channel : std::exchange(bell.ringing, {})) {
    if (!told) {
      bell.wanted.insert(channel);
    } else if (!bell.wanted.contains(channel)) {
      told_of(user, channel);
    }
  }
  quiet_at_.emplace_back(next, user);
  forget_quiet(now);
}

void Bells::told_of(const std::string& user, const std::string& channel) {
  const auto found = waiting_.find(channel);
  if (found == waiting_.end()) return;
  found->second.erase(user);
  if (found->second.empty()) waiting_.erase(found);
}

void Bells::forget_quiet(MonoTime now) {
  while (!quiet_at_.empty() && quiet_at_.front().first <= now) {
    const auto found = bells_.find(quiet_at_.front().second);
    quiet_at_.pop_front();
    if (found == bells_.end()) continue;
    const Bell& bell = found->second;
    if (bell.wanted.empty() && bell.ringing.empty() && bell.next <= now) bells_.erase(found);
  }
}

}  // namespace channels
