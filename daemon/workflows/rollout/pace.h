// How many channels a rollout changes at once, by what its own requests show of the server's load. Pure.
//
// A probe is a small read, timed while the rollout is at work. Where it takes more than twice as long as when the
// server was last idle, and 20 ms on top, the number is halved, at one channel a rest is made that doubles; where it
// does not, the number goes up by one. Looked at and left: _active_tasks counts indexers and compactions, but neither
// users' requests nor the disk; the time of a read has all of it in it.
#pragma once

#include "base/time.h"

namespace channels {

class Pace {
 public:
  void took(milliseconds probe);

  int at_once() const { return at_once_; }
  // Between two slices of channels.
  milliseconds rest() const { return rest_; }

  // More at once only wait for each other in CouchDB.
  static constexpr int most_at_once = 8;

 private:
  int at_once_ = 2;
  milliseconds rest_{0};
  double quiet_ms_ = -1;  // what a probe takes on an idle server; below zero: not known yet
};

}  // namespace channels
