// The signals that end the program, as a file descriptor that hosts poll.
#pragma once

namespace channels {

// A signalfd for SIGTERM and SIGINT, which prepare_signals() has blocked.
class EndSignals {
 public:
  EndSignals();
  ~EndSignals();
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace channels
