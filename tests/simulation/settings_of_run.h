// What a seed decides before its run begins: which kinds of faults there are at all ("swarm": a run with all of them at
// once hides as much as one with none), how often, and how much work.
#pragma once

#include "simulation/time/scheduler.h"

namespace channels::simulation {

struct RunSettings {
  explicit RunSettings(Scheduler& chance);

  bool quiet;  // no faults at all
  double kills = 0, pauses = 0, cuts = 0, restarts = 0, clock_jumps = 0, storms = 0;  // chances for each step
  double lost = 0;      // of requests and answers
  double late = 0;
  double busy = 0;
  double lost_hint = 0;
  double replayed = 0;
  double split_vote = 0;
  double restores = 0;
  double deaf_poll = 0;
  bool hopeless;        // documents that come to be parked, which takes long
  int steps;            // of a few seconds each, until the faults stop
};

}  // namespace channels::simulation
