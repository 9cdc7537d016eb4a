#include "workflows/mail_gate.h"

namespace channels {

namespace {

// The answer of the mail server and the note in the registry take some time, too.
constexpr milliseconds least_time = seconds(1);

}  // namespace

bool MailGate::Pass::enter() {
  const MonoTime latest = deadline_ - least_time;
  std::unique_lock lock(gate_.mutex_);
  while (!inside_ && gate_.taken_ && gate_.env_.mono_now() < latest) gate_.changed_->wait_until(lock, latest);
  if (gate_.env_.mono_now() >= latest) return false;
  if (!inside_ && gate_.taken_) return false;
  gate_.taken_ = inside_ = true;
  return true;
}

MailGate::Pass::~Pass() {
  if (!inside_) return;
  const std::lock_guard lock(gate_.mutex_);
  gate_.taken_ = false;
  gate_.changed_->notify_all();
}

}  // namespace channels
