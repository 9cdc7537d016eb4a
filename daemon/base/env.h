// The seam to time, chance and threads. Everything in the program that waits, starts a thread, reads a
// clock or needs a random number goes through Env, so that the simulation can run the same code
// on virtual time with a seeded generator. RealEnv is the machine.
//
// Rule for callers: guard shared state with std::mutex, but never call Env::start, Signal::wait_until or
// any request while holding a mutex that another thread needs to make progress.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/time.h"

namespace channels {

// A condition variable that belongs to the Env's time.
class Signal {
 public:
  virtual ~Signal() = default;
  // Wakes all who wait for it.
  virtual void notify_all() = 0;
  // Waits for notify_all() or until the deadline; spurious returns are allowed.
  virtual void wait_until(std::unique_lock<std::mutex>& lock, MonoTime deadline) = 0;
};

// A running thread; the destructor waits for its end.
class Thread {
 public:
  virtual ~Thread() = default;
};

// What a part of the program has of the machine: clocks, chance, threads.
class Env {
 public:
  virtual ~Env() = default;

  // For documents and people; it may jump.
  virtual WallTime wall_now() = 0;
  // For waits and limits; it never goes back.
  virtual MonoTime mono_now() = 0;
  // Fit for secrets.
  virtual std::string random_bytes(std::size_t count) = 0;
  // One to wait on and to wake others by.
  virtual std::unique_ptr<Signal> make_signal() = 0;
  // The name is seen in debuggers; at most 15 characters are kept.
  [[nodiscard]] virtual std::unique_ptr<Thread> start(const std::string& name,
                                                      std::function<void()> body) = 0;

  // In [0, 1), for jitter.
  double random_unit();
};

// Nobody wakes who waits so.
void pause(Env& env, milliseconds time);

// The machine itself.
class RealEnv : public Env {
 public:
  WallTime wall_now() override { return std::chrono::system_clock::now(); }
  MonoTime mono_now() override { return std::chrono::steady_clock::now(); }
  std::string random_bytes(std::size_t count) override;
  std::unique_ptr<Signal> make_signal() override;
  std::unique_ptr<Thread> start(const std::string& name, std::function<void()> body) override;
};

}  // namespace channels
