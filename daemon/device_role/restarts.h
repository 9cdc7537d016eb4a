// When a replication that is down is to be begun anew: CouchDB itself waits up to hours, or for
// ever. Pure but for what it remembers; a new start of the program remembers nothing, which costs
// one restart.
#pragma once

#include <map>
#include <string>

#include "base/time.h"

namespace channels {

class Restarts {
 public:
  // It is down: is it time? Then the next time is later, up to a quarter of an hour.
  bool is_due(const std::string& id, MonoTime now);
  // It runs, or is gone. Only after it ran for a while the delays begin anew.
  void runs(const std::string& id, MonoTime now);

 private:
  struct History {
    int restarts = 0;
    MonoTime next{};
    MonoTime runs_since{};
    bool was_running = false;
  };
  std::map<std::string, History> histories_;
};

}  // namespace channels
