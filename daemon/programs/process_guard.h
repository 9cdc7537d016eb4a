// Ends what programs have started, when the daemon is killed. The kernel kills a program itself then (PR_SET_PDEATHSIG), but none
// of its children: in `sh -c 'cd /srv && node handlers.mjs; ...'` that is the program proper, with an admin's cookie. So a small shell, one
// for all programs, waits for the end of its input, which is the daemon's end however that comes, and kills their process groups.
// Used by Process; safe to call from any thread.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <string_view>

namespace channels {

class ProcessGuard {
 public:
  // Started with the first program.
  static ProcessGuard& of_this_process();
  ~ProcessGuard();
  ProcessGuard(const ProcessGuard&) = delete;
  ProcessGuard& operator=(const ProcessGuard&) = delete;

  void add(pid_t group) { tell("add", group); }
  // To be called when all of it has been killed: from then on its number may be another's.
  void drop(pid_t group) { tell("drop", group); }

 private:
  ProcessGuard();
  void tell(std::string_view word, pid_t group);

  std::mutex mutex_;
  int pipe_ = -1;
  pid_t shell_ = -1;
};

}  // namespace channels
