// Where the program runs: under CouchDB (OsDaemonHost) or by itself (IniHost). main makes one, and gets
// configuration, log and the wish to end from it.
#pragma once

#include <string>
#include <string_view>

#include "base/log.h"
#include "host/ini.h"

namespace channels {

class Host {
 public:
  virtual ~Host() = default;

  // Everything in a section of CouchDB's configuration; empty if there is no such section.
  virtual Section section(std::string_view name) = 0;
  // From now on a change of that section ends the program, which the host then starts anew. Nothing
  // happens where the host has no such service.
  virtual void watch(std::string_view section) = 0;
  virtual Log& log() = 0;
  // The daemon is logged in and has installed what it needs; told once. Nothing happens where nobody waits for it.
  virtual void tell_ready() {}
  // Returns when the program has to end: the host is gone, or a signal came.
  virtual void wait_for_end() = 0;
  // What to do about bad configuration: a host that starts us again at once is waited for, a person is
  // answered by an exit.
  virtual bool waits_for_better_configuration() const = 0;
  // May its configuration name programs and folders? Only files that an admin session cannot write may.
  virtual bool is_trusted() const = 0;
};

// SIGTERM and SIGINT end the program through a host's wait_for_end(); to be called before the first thread
// starts. A write to a closed pipe is an error, no signal.
void prepare_signals();

}  // namespace channels
