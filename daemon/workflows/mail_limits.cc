#include "workflows/mail_limits.h"

#include <algorithm>

namespace channels {

namespace {

constexpr std::size_t most_waiting = 20000;  // who is dropped asks again
constexpr seconds grant_kept{120};

}  // namespace

MailLimits::MailLimits(int per_minute) {
  const double half = per_minute / 2.0;
  const double most = std::max(1.0, half / 4);
  known_ = {half / 60, most, most, {}};
  strangers_ = {(per_minute - half) / 60, most, most, {}};
}

void MailLimits::Bucket::fill(MonoTime now) {
  if (filled_at != MonoTime{}) {
    const std::chrono::duration<double> passed = now - filled_at;
    level = std::min(most, level + passed.count() * rate);
  }
  filled_at = now;
}

bool MailLimits::Bucket::take() {
  if (level < 1) return false;
  level -= 1;
  return true;
}

bool MailLimits::admit(const Request& request, MonoTime now) {
  const std::lock_guard lock(mutex_);
  known_.fill(now);
  strangers_.fill(now);
  // A grant that nobody came for is no debt: its mail was simply not sent.
  std::erase_if(granted_, [&](const auto& grant) { return grant.second < now; });
  if (request.known && known_.take()) return true;
  if (!granted_.contains(request.device)) wait_in_line(request);
  grant_in_turn();
  for (auto& [device, until] : granted_) {
    if (until == MonoTime{}) until = now + grant_kept;
  }
  return granted_.erase(request.device) > 0;
}

void MailLimits::wait_in_line(const Request& request) {
  if (!waiting_.insert(request.device).second) return;
  lines_[request.domain].push_front(request.device);
  if (waiting_.size() > most_waiting) drop_from_longest_line(request.domain);
}

// A flood pays for its own length: a newcomer is turned away only if no line is longer than his.
void MailLimits::drop_from_longest_line(const std::string& newcomer) {
  auto longest = lines_.find(newcomer);
  for (auto line = lines_.begin(); line != lines_.end(); ++line) {
    const bool is_longer = line->second.size() > longest->second.size() ||
                           (longest->first == newcomer && line->second.size() == longest->second.size());
    if (is_longer) longest = line;
  }
  waiting_.erase(longest->second.back());
  longest->second.pop_back();
  if (longest->second.empty()) lines_.erase(longest);
}

void MailLimits::grant_in_turn() {
  while (!lines_.empty() && strangers_.take()) {
    auto next = lines_.upper_bound(last_domain_);
    if (next == lines_.end()) next = lines_.begin();
    last_domain_ = next->first;
    granted_[next->second.front()] = MonoTime{};
    waiting_.erase(next->second.front());
    next->second.pop_front();
    if (next->second.empty()) lines_.erase(next);
  }
}

}  // namespace channels
