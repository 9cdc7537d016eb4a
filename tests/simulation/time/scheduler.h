// Virtual time, and threads of which one runs at a time: what makes a simulated run repeatable. Real threads pass a
// baton; who has it runs alone and gives it up only in a seam (Signal::wait_until, start and join of a Thread). Who gets
// it next is drawn from the seed; when all wait, time jumps to the first deadline. world.cc makes one scheduler
// for each run, and a SimEnv for each simulated process.
//
// A thread that waits without a limit, a run in which nobody can go on, and one that outlives its time all end with a
// failure (invariant 6).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/env.h"

namespace channels::simulation {

// One simulated machine: its threads are stopped together, its clock may be wrong.
struct Process {
  std::string name;
  std::chrono::milliseconds wall_offset{0};
  MonoTime paused_until{};  // SIGSTOP: its threads do not run before
};

class Scheduler {
 public:
  explicit Scheduler(std::uint64_t seed);
  ~Scheduler();

  // Runs `body` as the first thread, in `process`; returns when it and all that it started have ended.
  void run(Process& process, const std::function<void()>& body);

  MonoTime now() const { return now_; }
  std::uint64_t random();
  // In [0, 1).
  double chance();
  bool happens(double probability) { return chance() < probability; }
  std::uint64_t below(std::uint64_t limit) { return random() % limit; }

  // What happened, in order. With `print` each line goes to stdout as well.
  void trace(const std::string& line);
  bool print = false;
  std::uint64_t trace_digest() const { return digest_; }
  // The run is wrong: says why, once, and ends the process.
  [[noreturn]] void fail(const std::string& why);

  // --- for SimEnv ---
  struct Task;
  std::shared_ptr<Task> start(Process& process, const std::string& name, std::function<void()> body);
  void join(const std::shared_ptr<Task>& task);
  // Gives up the baton until notify(signal) or the deadline.
  void wait(const void* signal, MonoTime deadline);
  void notify(const void* signal);

 private:
  void begin(const std::shared_ptr<Task>& task);
  // To whom, who is then to be woken; null when the last one ended.
  std::shared_ptr<Task> pass_baton();
  std::shared_ptr<Task> choose();
  void wait_for_baton(Task& task, std::unique_lock<std::mutex>& lock);
  bool may_run(const Task& task) const;

  const std::uint64_t seed_;
  std::mt19937_64 generator_;
  MonoTime now_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Task>> tasks_;  // in the order of their start; guarded by mutex_
  std::shared_ptr<Task> running_;             // guarded by mutex_
  std::uint64_t digest_ = 0xcbf29ce484222325;
  std::uint64_t started_ = 0;
};

class SimEnv : public Env {
 public:
  SimEnv(Scheduler& scheduler, Process& process) : scheduler_(scheduler), process_(process) {}

  WallTime wall_now() override;
  MonoTime mono_now() override { return scheduler_.now(); }
  std::string random_bytes(std::size_t count) override;
  std::unique_ptr<Signal> make_signal() override;
  std::unique_ptr<Thread> start(const std::string& name, std::function<void()> body) override;

  Scheduler& scheduler() { return scheduler_; }
  void sleep(milliseconds time) { scheduler_.wait(nullptr, scheduler_.now() + time); }

 private:
  Scheduler& scheduler_;
  Process& process_;
};

}  // namespace channels::simulation
