#include "simulation/time/scheduler.h"

#include <cstdlib>
#include <iostream>

namespace channels::simulation {

namespace {

// Nothing of the program waits for longer without having something to do.
constexpr std::chrono::hours longest_wait{25};
// A run that takes longer has lost its way.
constexpr std::chrono::hours longest_run{24 * 10};
constexpr WallTime wall_start{std::chrono::seconds(1800000000)};
const MonoTime mono_start = MonoTime{} + std::chrono::hours(1000);

}  // namespace

struct Scheduler::Task {
  std::uint64_t number = 0;
  std::string name;
  Process* process = nullptr;
  std::function<void()> body;
  bool waiting = false;
  const void* signal = nullptr;  // that ends its wait early
  MonoTime deadline{};
  bool done = false;
  std::condition_variable has_baton;
  std::thread thread;
};

namespace {
thread_local Scheduler::Task* current = nullptr;
}

Scheduler::Scheduler(std::uint64_t seed) : seed_(seed), generator_(seed), now_(mono_start) {}

Scheduler::~Scheduler() = default;

std::uint64_t Scheduler::random() {
  return generator_();
}

double Scheduler::chance() {
  return static_cast<double>(generator_() >> 11) / 9007199254740992.0;
}

void Scheduler::trace(const std::string& line) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now_ - mono_start).count();
  const std::string whole = std::to_string(since) + " " + (current == nullptr ? "" : current->process->name) + ": " + line;
  for (const char byte : whole) digest_ = (digest_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  if (print) std::cout << whole << "\n";
}

void Scheduler::fail(const std::string& why) {
  trace("FAILED " + why);
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now_ - mono_start).count();
  std::cout << "seed " << seed_ << " failed at " << since << " ms: " << why << std::endl;
  std::_Exit(1);
}

void Scheduler::run(Process& process, const std::function<void()>& body) {
  {
    const std::lock_guard lock(mutex_);
    auto first = std::make_shared<Task>();
    first->number = started_++;
    first->name = "first";
    first->process = &process;
    tasks_.push_back(first);
    running_ = first;
  }
  current = running_.get();
  body();
  std::vector<std::shared_ptr<Task>> all;
  {
    const std::lock_guard lock(mutex_);
    all = tasks_;
  }
  for (const auto& task : all) {
    if (task.get() != current && !task->done) fail("the thread \"" + task->name + "\" was left running");
  }
  current = nullptr;
  running_ = nullptr;
}

std::shared_ptr<Scheduler::Task> Scheduler::start(Process& process, const std::string& name,
                                                  std::function<void()> body) {
  auto task = std::make_shared<Task>();
  task->name = name;
  task->process = &process;
  task->body = std::move(body);
  {
    const std::lock_guard lock(mutex_);
    task->number = started_++;
    tasks_.push_back(task);
  }
  task->thread = std::thread([this, task] { begin(task); });
  return task;
}

void Scheduler::begin(const std::shared_ptr<Task>& task) {
  current = task.get();
  {
    std::unique_lock lock(mutex_);
    wait_for_baton(*task, lock);
  }
  task->body();
  std::unique_lock lock(mutex_);
  task->done = true;
  for (const auto& other : tasks_) {
    if (other->waiting && other->signal == task.get()) other->waiting = false;
  }
  const std::shared_ptr<Task> next = pass_baton();
  lock.unlock();
  if (next != nullptr) next->has_baton.notify_one();
}

void Scheduler::join(const std::shared_ptr<Task>& task) {
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (task->done) break;
    }
    wait(task.get(), now_ + longest_wait);
  }
  task->thread.join();
  const std::lock_guard lock(mutex_);
  std::erase(tasks_, task);
}

void Scheduler::wait_for_baton(Task& task, std::unique_lock<std::mutex>& lock) {
  while (running_.get() != &task) task.has_baton.wait(lock);
}

void Scheduler::wait(const void* signal, MonoTime deadline) {
  if (deadline - now_ > longest_wait) fail("invariant 6: the thread \"" + current->name + "\" waits without a limit");
  std::unique_lock lock(mutex_);
  Task& task = *current;
  task.waiting = true;
  task.signal = signal;
  task.deadline = deadline;
  const std::shared_ptr<Task> next = pass_baton();
  if (next.get() == &task) return;
  // Woken with the lock free: it would only wait again.
  lock.unlock();
  if (next != nullptr) next->has_baton.notify_one();
  lock.lock();
  wait_for_baton(task, lock);
}

void Scheduler::notify(const void* signal) {
  const std::lock_guard lock(mutex_);
  for (const auto& task : tasks_) {
    if (task->waiting && task->signal == signal) task->waiting = false;
  }
}

bool Scheduler::may_run(const Task& task) const {
  return !task.done && task.process->paused_until <= now_ && (!task.waiting || task.deadline <= now_);
}

std::shared_ptr<Scheduler::Task> Scheduler::choose() {
  std::vector<std::shared_ptr<Task>> ready;
  for (const auto& task : tasks_) {
    if (may_run(*task)) ready.push_back(task);
  }
  if (!ready.empty()) return ready[generator_() % ready.size()];
  MonoTime next = MonoTime::max();
  for (const auto& task : tasks_) {
    if (task->done) continue;
    const MonoTime wakes = task->waiting ? task->deadline : now_;
    next = std::min(next, std::max(wakes, task->process->paused_until));
  }
  if (next == MonoTime::max()) return nullptr;
  now_ = std::max(now_, next);
  if (now_ - mono_start > longest_run) fail("the run does not end");
  return choose();
}

std::shared_ptr<Scheduler::Task> Scheduler::pass_baton() {
  running_ = choose();
  if (running_ != nullptr) running_->waiting = false;
  return running_;
}

// --- SimEnv --------------------------------------------------------------------------------------

namespace {

class SimSignal : public Signal {
 public:
  explicit SimSignal(Scheduler& scheduler) : scheduler_(scheduler) {}
  void notify_all() override { scheduler_.notify(this); }
  void wait_until(std::unique_lock<std::mutex>& lock, MonoTime deadline) override {
    lock.unlock();
    scheduler_.wait(this, deadline);
    lock.lock();
  }

 private:
  Scheduler& scheduler_;
};

class SimThread : public Thread {
 public:
  SimThread(Scheduler& scheduler, std::shared_ptr<Scheduler::Task> task)
      : scheduler_(scheduler), task_(std::move(task)) {}
  ~SimThread() override { scheduler_.join(task_); }

 private:
  Scheduler& scheduler_;
  std::shared_ptr<Scheduler::Task> task_;
};

}  // namespace

WallTime SimEnv::wall_now() {
  return wall_start + std::chrono::duration_cast<WallTime::duration>(scheduler_.now() - mono_start) + process_.wall_offset;
}

std::string SimEnv::random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(scheduler_.random());
  return bytes;
}

std::unique_ptr<Signal> SimEnv::make_signal() {
  return std::make_unique<SimSignal>(scheduler_);
}

std::unique_ptr<Thread> SimEnv::start(const std::string& name, std::function<void()> body) {
  return std::make_unique<SimThread>(scheduler_, scheduler_.start(process_, name, std::move(body)));
}

}  // namespace channels::simulation
