// Threads on which a turn has a second request under way beside its own: the next batch is read while this one is
// saved, and a large batch is saved by two requests at once, which CouchDB works on at once. Followers and ReadAhead
// use it. Nothing waits in line here: without a free thread the caller does the work itself.
#pragma once

#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/env.h"

namespace channels {

class Aside {
 public:
  class Task {
    friend class Aside;
    std::function<void()> work_;
    bool done_ = false;
    std::exception_ptr thrown_;
  };

  Aside(Env& env, int threads);
  // Waits for what is under way.
  ~Aside();

  // Null if all threads are busy.
  std::shared_ptr<Task> start(std::function<void()> work);
  // Waits for its end; throws what it threw.
  void wait(const std::shared_ptr<Task>& task);

 private:
  void work();
  std::shared_ptr<Task> next();

  Env& env_;
  std::mutex mutex_;
  std::unique_ptr<Signal> changed_;
  // All below, and all tasks, guarded by mutex_.
  std::deque<std::shared_ptr<Task>> started_;  // and with no thread yet: never more than there are free ones
  std::size_t free_;
  bool stopped_ = false;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace channels
