// The daemon's log for one program's words: each line has the program's name, is made harmless and cut, and a flood is
// left out and counted. Used by one thread.
#pragma once

#include <string>

#include "base/env.h"
#include "base/log.h"

namespace channels {

class ProgramLog {
 public:
  ProgramLog(Env& env, Log& log, std::string name);
  // What the program wrote, or what is to be said of its conduct as often as it behaves so.
  void said(Level level, std::string_view text);
  // What the daemon did about it: never left out.
  void told(Level level, std::string_view text);

 private:
  Env& env_;
  Log& log_;
  const std::string name_;
  double allowance_;
  MonoTime allowance_at_;
  std::size_t left_out_ = 0;
};

}  // namespace channels
