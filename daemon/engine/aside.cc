#include "engine/aside.h"

namespace channels {

namespace {

// What wakes it is notified; the time is only an end to the wait.
constexpr seconds longest_wait{60};

}  // namespace

Aside::Aside(Env& env, int threads)
    : env_(env), changed_(env.make_signal()), free_(static_cast<std::size_t>(threads)) {
  for (int i = 0; i < threads; ++i) threads_.push_back(env.start("aside", [this] { work(); }));
}

Aside::~Aside() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_->notify_all();
  }
  threads_.clear();
}

std::shared_ptr<Aside::Task> Aside::start(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (free_ == 0 || stopped_) return nullptr;
  --free_;
  auto task = std::make_shared<Task>();
  task->work_ = std::move(work);
  started_.push_back(task);
  changed_->notify_all();
  return task;
}

void Aside::wait(const std::shared_ptr<Task>& task) {
  std::unique_lock lock(mutex_);
  while (!task->done_) changed_->wait_until(lock, env_.mono_now() + longest_wait);
  if (task->thrown_) std::rethrow_exception(task->thrown_);
}

std::shared_ptr<Aside::Task> Aside::next() {
  std::unique_lock lock(mutex_);
  while (started_.empty() && !stopped_) changed_->wait_until(lock, env_.mono_now() + longest_wait);
  if (started_.empty()) return nullptr;
  auto task = std::move(started_.front());
  started_.pop_front();
  return task;
}

void Aside::work() {
  while (const auto task = next()) {
    std::exception_ptr thrown;
    try {
      task->work_();
    } catch (...) {
      thrown = std::current_exception();
    }
    // What it holds may be the caller's: it ends before the caller goes on.
    task->work_ = nullptr;
    const std::lock_guard lock(mutex_);
    task->thrown_ = thrown;
    task->done_ = true;
    ++free_;
    changed_->notify_all();
  }
}

}  // namespace channels
