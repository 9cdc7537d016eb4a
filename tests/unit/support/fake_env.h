// Time and chance for tests of one thread: the clock stands still until somebody waits or the test
// moves it, and random bytes are a counted row. Tests of several threads use RealEnv.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/env.h"

namespace channels {

class FakeEnv : public Env {
 public:
  // 2024-05-01T12:39:12Z; far from zero, where a default MonoTime{} is.
  static constexpr std::int64_t start_of_wall = 1714567152;

  WallTime wall_now() override { return wall_; }
  MonoTime mono_now() override { return mono_; }

  void advance(milliseconds time) {
    wall_ += time;
    mono_ += time;
  }
  // A clock that was set: only wall time jumps.
  void set_wall(WallTime time) { wall_ = time; }

  std::string random_bytes(std::size_t count) override {
    std::string bytes;
    for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(next_byte_++);
    return bytes;
  }

  // A wait is over at once, and its whole time has passed.
  std::unique_ptr<Signal> make_signal() override { return std::make_unique<FakeSignal>(*this); }
  std::unique_ptr<Thread> start(const std::string&, std::function<void()>) override {
    ADD_FAILURE() << "FakeEnv has one thread only";
    return nullptr;
  }

 private:
  class FakeSignal : public Signal {
   public:
    explicit FakeSignal(FakeEnv& env) : env_(env) {}
    void notify_all() override {}
    void wait_until(std::unique_lock<std::mutex>&, MonoTime deadline) override {
      const auto left = std::chrono::ceil<milliseconds>(deadline - env_.mono_);
      if (left.count() > 0) env_.advance(left);
    }

   private:
    FakeEnv& env_;
  };

  WallTime wall_ = std::chrono::system_clock::from_time_t(start_of_wall);
  MonoTime mono_ = MonoTime{} + std::chrono::hours(1000);
  unsigned char next_byte_ = 0;
};

}  // namespace channels
