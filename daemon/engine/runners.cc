#include "engine/runners.h"

#include <algorithm>

#include "base/check.h"
#include "base/errors.h"
#include "base/mutation.h"

namespace channels {

namespace {

// At the engine's end; what is still in hand then is found by the next worker, as after a crash.
constexpr milliseconds last_wait_for_elsewhere = seconds(5);

}  // namespace

Runners::Runners(Env& env, Log& log, Leases& leases, int threads, std::size_t places)
    : env_(env),
      log_(log),
      leases_(leases),
      changed_(env.make_signal()),
      free_(places),
      desk_(std::make_shared<Desk>()) {
  desk_->runners = this;
  for (int i = 0; i < threads; ++i) threads_.push_back(env.start("runner", [this] { work(); }));
}

Runners::~Runners() {
  end();
}

void Runners::end() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_->notify_all();
  }
  threads_.clear();
  await_elsewhere();
  std::vector<Lease> not_begun;
  for (const HandedRun& run : queue_) {
    if (run.lease) not_begun.push_back(*run.lease);
  }
  queue_.clear();
  leases_.release(not_begun);
}

void Runners::await_elsewhere() {
  const MonoTime enough = env_.mono_now() + last_wait_for_elsewhere;
  {
    std::unique_lock lock(mutex_);
    while (elsewhere_ > 0 && env_.mono_now() < enough) changed_->wait_until(lock, enough);
  }
  const std::lock_guard lock(desk_->mutex);
  desk_->runners = nullptr;
}

void Runners::begin_elsewhere(HandedRun run) {
  {
    const std::lock_guard lock(mutex_);
    ++elsewhere_;
  }
  Elsewhere::Task task{run.database.name(), std::move(run.doc), run.rule->mode, run.attempt, std::move(run.attempt_key)};
  if (run.lease) task.latest_start = run.lease->until - run.rule->options.time_limit;
  run.rule->elsewhere->begin(
      std::move(task), [desk = desk_, finished = std::move(run.finished)](std::optional<Outcome> outcome) {
        const std::lock_guard open(desk->mutex);
        Runners* runners = desk->runners;
        if (runners == nullptr) return;
        finished(std::move(outcome));
        runners->give_back(1);
        const std::lock_guard lock(runners->mutex_);
        --runners->elsewhere_;
        runners->changed_->notify_all();
      });
}

std::size_t Runners::reserve(std::size_t wanted) {
  const std::lock_guard lock(mutex_);
  const std::size_t got = std::min(wanted, free_);
  free_ -= got;
  return got;
}

std::size_t Runners::free_places() {
  const std::lock_guard lock(mutex_);
  return free_;
}

void Runners::give_back(std::size_t places) {
  if (places == 0) return;
  {
    const std::lock_guard lock(mutex_);
    free_ += places;
  }
  pass_on();
}

void Runners::when_free(const std::string& name, std::function<void()> wake) {
  {
    const std::lock_guard lock(mutex_);
    const bool is_in_line =
        std::any_of(line_.begin(), line_.end(), [&](const auto& entry) { return entry.first == name; });
    if (!is_in_line) line_.emplace_back(name, std::move(wake));
  }
  pass_on();
}

void Runners::pass_on() {
  std::vector<std::function<void()>> woken;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < free_ && !line_.empty(); ++i) {
      woken.push_back(std::move(line_.front().second));
      line_.pop_front();
    }
  }
  for (const auto& wake : woken) wake();
}

void Runners::run(HandedRun run) {
  if (run.rule->elsewhere && !run.lease) return begin_elsewhere(std::move(run));
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(run));
  changed_->notify_all();
}

void Runners::work() {
  while (true) {
    std::optional<HandedRun> run = next();
    if (!run) return;
    std::optional<Outcome> outcome;
    try {
      if (run->rule->elsewhere && may_act(*run)) {
        begin_elsewhere(std::move(*run));
        continue;
      }
      outcome = run_one(*run);
    } catch (const std::exception& down) {  // the checks before the act, not the handler
      log_.info("unsafe run put off: " + std::string(down.what()));
    }
    run->finished(std::move(outcome));
    give_back(1);
  }
}

std::optional<HandedRun> Runners::next() {
  std::unique_lock lock(mutex_);
  while (queue_.empty() && !stopped_) changed_->wait_until(lock, env_.mono_now() + seconds(60));
  if (stopped_) return std::nullopt;
  HandedRun run = std::move(queue_.front());
  queue_.pop_front();
  return run;
}

bool Runners::has_time(const HandedRun& run) {
  return run.lease->until - env_.mono_now() > run.rule->options.time_limit;
}

bool Runners::may_act(const HandedRun& run) {
  if (mutant("lease-unchecked")) return true;
  if (!has_time(run)) return false;
  const auto fresh = Database(run.database).get(doc_id(run.doc));
  if (!fresh || doc_rev(*fresh) != doc_rev(run.doc)) return false;
  if (!leases_.still_ours(*run.lease)) return false;
  // Invariant 4: with less left, the run could outlive its lease and meet a second one.
  return has_time(run) || mutant("lease-too-short");
}

std::optional<Outcome> Runners::run_one(const HandedRun& run) {
  if (run.rule->elsewhere || (run.lease && !may_act(run))) return std::nullopt;
  Run context{env_,
              log_,
              run.database,
              run.attempt,
              run.attempt_key,
              env_.mono_now() + run.rule->options.time_limit,
              run.has_branches};
  return call_handler(run.rule->handler, context, run.doc);
}

}  // namespace channels
