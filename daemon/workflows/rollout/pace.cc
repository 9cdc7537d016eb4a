#include "workflows/rollout/pace.h"

#include <algorithm>

namespace channels {

namespace {

// What the idle time is taken to be moves up by so much with each probe, so that one lucky read is forgotten.
constexpr double drift = 1.02;
constexpr double too_slow = 2;
// Below that, two reads differ by chance.
constexpr double jitter_ms = 20;
constexpr milliseconds first_rest{100};
// A server that stays slow is left alone most of the time, but the rollout comes to its end.
constexpr milliseconds longest_rest{5000};

}  // namespace

void Pace::took(milliseconds probe) {
  const auto ms = static_cast<double>(probe.count());
  quiet_ms_ = quiet_ms_ < 0 ? ms : std::min(quiet_ms_ * drift, ms);
  if (ms <= quiet_ms_ * too_slow + jitter_ms) {
    if (rest_.count() == 0) at_once_ = std::min(at_once_ + 1, most_at_once);
    rest_ = milliseconds(0);
    return;
  }
  if (at_once_ == 1) rest_ = std::min(std::max(rest_ * 2, first_rest), longest_rest);
  at_once_ = std::max(at_once_ / 2, 1);
}

}  // namespace channels
