// Virtual time for tests of one thread: a wait lets the next event of the story happen, or its whole time pass.
#pragma once

#include <map>

#include "unit/support/fake_env.h"

namespace channels::simulation {

class StoryEnv : public FakeEnv {
 public:
  // Happens during a wait, so long from now.
  void after(milliseconds time, std::function<void()> event) { events_.emplace(mono_now() + time, std::move(event)); }

  std::unique_ptr<Signal> make_signal() override { return std::make_unique<StorySignal>(*this); }

 private:
  class StorySignal : public Signal {
   public:
    explicit StorySignal(StoryEnv& env) : env_(env) {}
    void notify_all() override {}
    void wait_until(std::unique_lock<std::mutex>& lock, MonoTime deadline) override {
      const auto next = env_.events_.begin();
      const bool happens = next != env_.events_.end() && next->first <= deadline;
      const auto left = std::chrono::ceil<milliseconds>((happens ? next->first : deadline) - env_.mono_now());
      if (left.count() > 0) env_.advance(left);
      if (!happens) return;
      const std::function<void()> event = std::move(next->second);
      env_.events_.erase(next);
      lock.unlock();
      event();
      lock.lock();
    }

   private:
    StoryEnv& env_;
  };

  std::multimap<MonoTime, std::function<void()>> events_;
};

}  // namespace channels::simulation
