// One program of [channels_handlers]: starts it, hands it documents over its standard input, takes its answers, and
// starts it again with a growing delay when it ends. To the engine it is the place where its rules run. Made by
// Programs; a thread of its own does all the waiting, and starts the process, so that the kernel ends it with the
// daemon.
//
// What it does wrong has one end each:
//   dies, closes its stdout, sends a line beyond all bounds or nothing but garbage, or answers nothing at all
//     -> it is ended and started again; safe runs in hand are handed out again, unsafe ones are lost runs
//   one run beyond its time limit -> "cancel"; without an answer soon after, given up in the same way
//   answers twice, or for an unknown number; a line that is no message -> said in the log, and counted
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/program_settings.h"
#include "programs/cookies.h"
#include "programs/in_hand.h"
#include "programs/lines.h"
#include "programs/messages.h"
#include "programs/process.h"
#include "programs/program_log.h"

namespace channels {

class Program : public Elsewhere {
 public:
  // `url`: the server's, which the program finds as COUCHDB_URL. `cookies` outlives it.
  Program(Env& env, Log& log, ProgramSettings settings, std::string url, Cookies& cookies, bool on);
  // Ends the program: its standard input is closed, and soon after it is killed.
  ~Program() override;

  std::size_t places(Mode mode) const override;
  void begin(Task task, Ended ended) override;

  void switch_on(bool on);
  // What it registered when it was ready last; empty before the first time.
  std::optional<std::vector<Registration>> registered();
  const ProgramSettings& settings() const { return settings_; }
  // How long one run takes at most, with the wait after "cancel".
  milliseconds longest_run() const;
  // It is about to say what it registers, for the first time.
  bool is_beginning();
  // While the engine is made anew: what comes is put off, what is in hand comes to its end.
  void pause(bool paused);
  bool is_idle();
  // It is ended and not started any more: what it wants is another's.
  void refuse(const std::string& why);

 private:
  enum class State { off, starting, up };
  struct Outgoing {
    std::uint64_t number;  // of the run that the line hands over; 0: another line
    std::string line;
    std::size_t written = 0;
  };

  void work();
  bool wait_until(MonoTime time);
  bool is_wanted();
  void run_process();
  // Until the process has to end; the reason.
  std::string serve();
  void begin_serving();
  void put_off_queue();
  void hand_out();
  bool hand(ProgramRun run);
  std::string read_answers();
  void read_errors();
  // False if nobody reads it any more.
  bool write_some();
  std::string take_line(const std::string& line);
  std::string take_bad_line(const std::string& what);
  std::string take_answer(std::uint64_t number, const std::function<Outcome(const Task&)>& outcome);
  void take_ready();
  std::string look_at_clock();
  void poll_pipes(milliseconds longest);
  milliseconds until_next_event();
  void settle_in_hand(const std::string& reason);
  void end_process(const std::string& reason);
  // The outcome of a run that cannot begin now.
  Outcome put_off();
  void end(const ProgramRun& run, std::optional<Outcome> outcome);
  void wake();

  Env& env_;
  const ProgramSettings settings_;
  const std::string url_;
  Cookies& cookies_;
  const int wake_fd_;

  std::mutex mutex_;
  std::deque<ProgramRun> queue_;                          // guarded by mutex_; unsafe ones first
  State state_ = State::off;                              // guarded by mutex_
  bool wanted_;                                           // guarded by mutex_
  bool paused_ = false;                                   // guarded by mutex_
  std::size_t accepted_ = 0;                              // runs that have not ended; guarded by mutex_
  bool stopped_ = false;                                  // guarded by mutex_
  bool refused_ = false;                                  // guarded by mutex_
  bool has_ended_ = false;                                // a process of it; guarded by mutex_
  int put_off_ = 0;                                       // in a row; guarded by mutex_
  std::optional<std::vector<Registration>> registered_;   // guarded by mutex_

  // Only the thread uses these.
  ProgramLog log_;
  std::unique_ptr<Process> process_;
  std::vector<Registration> registering_;
  bool ready_ = false;
  bool out_ended_ = false;
  bool err_ended_ = false;
  MonoTime started_at_;
  MonoTime heard_at_;
  int bad_lines_ = 0;  // since the last good one
  int failures_ = 0;   // starts in a row that did not last
  InHand in_hand_;
  Lines out_;
  Lines err_;
  std::deque<Outgoing> outgoing_;

  std::unique_ptr<Thread> thread_;  // last: it uses all of the above
};

}  // namespace channels
