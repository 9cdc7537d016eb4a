// One process of a handler program with its three pipes. Started by Boost.Process, which no other file includes. The
// kernel kills it when the thread that started it ends, however that comes: so Program's own thread starts it,
// which lives as long as the daemon; what it has started itself is ProcessGuard's. Its file descriptors never block.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace channels {

class Process {
 public:
  // `variables` are added to the environment. Throws std::runtime_error, with the reason.
  Process(const std::vector<std::string>& command, const std::map<std::string, std::string>& variables);
  // Kills it with all that it started.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  int in() const { return in_; }    // its standard input; -1 once closed
  int out() const { return out_; }
  int err() const { return err_; }
  void close_in();
  // Waits so long for its end at most; false if it is still there.
  bool ended_within(milliseconds limit);
  void kill();
  // "exit 1", "signal 9"; after its end.
  std::string how_it_ended();

 private:
  struct Child;
  std::unique_ptr<Child> child_;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
  bool killed_ = false;
};

}  // namespace channels
