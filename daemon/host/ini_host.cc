#include "host/ini_host.h"

#include <poll.h>

#include <cerrno>

#include "host/service_notify.h"

namespace channels {

Section IniHost::section(std::string_view name) {
  const auto found = sections_.find(name);
  return found == sections_.end() ? Section{} : found->second;
}

void IniHost::tell_ready() {
  notify_service("READY=1");
}

void IniHost::wait_for_end() {
  pollfd ready{signals_.fd(), POLLIN, 0};
  while (poll(&ready, 1, -1) < 0 && errno == EINTR) {
  }
  notify_service("STOPPING=1");
}

}  // namespace channels
