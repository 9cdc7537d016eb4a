#include "host/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "base/check.h"
#include "host/host.h"

namespace channels {

namespace {

sigset_t end_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

void prepare_signals() {
  const sigset_t signals = end_signals();
  check(pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0, "signals cannot be blocked");
  std::signal(SIGPIPE, SIG_IGN);
}

EndSignals::EndSignals() {
  const sigset_t signals = end_signals();
  fd_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  check(fd_ >= 0, "there is no signalfd");
}

EndSignals::~EndSignals() {
  close(fd_);
}

}  // namespace channels
