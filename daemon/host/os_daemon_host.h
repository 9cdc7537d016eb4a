// CouchDB as the host, by the os_daemons protocol (docs/os_daemons.md): one JSON value a line, requests on our
// standard output, answers on our standard input. The host kills without warning when something that we
// registered changes, and says nothing at all when it ends: the end of standard input is the only sign.
//
// One thread reads (so the end is noticed whatever the rest does), one writes: a host that does not read
// for a while delays nobody who logs.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/json.h"
#include "base/time.h"
#include "host/host.h"
#include "host/signals.h"

namespace channels {

class OsDaemonHost : public Host {
 public:
  // Takes over the two file descriptors, 0 and 1 in the program, until its end. They are not closed.
  OsDaemonHost(int in, int out);
  ~OsDaemonHost() override;

  // Waits for the answer however slow the host is; empty once the host is gone, or where its answer is null.
  Section section(std::string_view name) override;
  void watch(std::string_view section) override;
  Log& log() override { return log_; }
  void wait_for_end() override;
  bool waits_for_better_configuration() const override { return true; }
  bool is_trusted() const override { return false; }

 private:
  // Sends ["log", TEXT, {"level": LEVEL}]. At most a few lines a second: a flood of them brings CouchDB's
  // manager down, and every daemon with it. What is left out is counted and said.
  class HostLog : public Log {
   public:
    explicit HostLog(OsDaemonHost& host) : host_(host) {}
    void write(Level level, std::string_view text) override;

   private:
    OsDaemonHost& host_;
  };

  void read();
  void write();
  // False once nobody reads any more, or at the end not in time.
  bool write_line(std::string_view text);
  bool may_write();
  void take_bytes(std::string_view bytes);
  void end();
  void send(const json::array& request);
  void send_log(Level level, std::string_view text);

  const int in_;
  const int out_;
  EndSignals signals_;
  HostLog log_{*this};

  std::mutex asking_;  // one question at a time, or answers could be taken for one another's

  std::mutex mutex_;
  std::condition_variable changed_;
  // All below guarded by mutex_.
  std::string unread_;                 // the beginning of a line
  std::deque<std::string> answers_;
  std::deque<std::string> unsent_;
  bool ended_ = false;
  bool closing_ = false;
  MonoTime closing_at_;
  double log_allowance_;
  MonoTime log_allowance_at_;
  std::size_t left_out_ = 0;

  int wake_reader_;  // an eventfd
  std::thread reader_;
  std::thread writer_;
};

}  // namespace channels
