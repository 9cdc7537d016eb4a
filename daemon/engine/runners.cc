#include "engine/runners.h"

#include "base/check.h"
#include "base/errors.h"

namespace channels {

Outcome call_handler(const Handler& handler, Run& run, const Document& doc) {
  try {
    return handler(run, doc);
  } catch (const Unavailable& down) {
    return Failed{down.what(), down.retry_after};
  } catch (const Refused& refused) {
    return Failed{refused.what(), std::nullopt};
  }
}

Runners::Runners(Env& env, Log& log, Leases& leases, int threads)
    : env_(env),
      log_(log),
      leases_(leases),
      changed_(env.make_signal()),
      free_(static_cast<std::size_t>(threads)) {
  for (int i = 0; i < threads; ++i) threads_.push_back(env.start("runner", [this] { work(); }));
}

Runners::~Runners() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_->notify_all();
  }
  threads_.clear();
}

std::size_t Runners::reserve(std::size_t wanted) {
  const std::lock_guard lock(mutex_);
  const std::size_t got = std::min(wanted, free_);
  free_ -= got;
  return got;
}

void Runners::give_back(std::size_t places) {
  for (std::size_t i = 0; i < places; ++i) free_one_place();
}

void Runners::free_one_place() {
  std::map<std::string, std::function<void()>> to_wake;
  {
    const std::lock_guard lock(mutex_);
    ++free_;
    to_wake.swap(waiting_);
  }
  for (const auto& [name, wake] : to_wake) wake();
}

void Runners::when_free(const std::string& name, std::function<void()> wake) {
  {
    const std::lock_guard lock(mutex_);
    if (free_ == 0) {
      waiting_[name] = std::move(wake);
      return;
    }
  }
  wake();
}

void Runners::run(UnsafeRun run) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(run));
  changed_->notify_all();
}

void Runners::work() {
  while (true) {
    std::optional<UnsafeRun> run = next();
    if (!run) return;
    std::optional<Outcome> outcome;
    try {
      outcome = run_one(*run);
    } catch (const std::exception& down) {  // the checks before the act, not the handler
      log_.info("unsafe run put off: " + std::string(down.what()));
    }
    run->finished(std::move(outcome));
    free_one_place();
  }
}

std::optional<UnsafeRun> Runners::next() {
  std::unique_lock lock(mutex_);
  while (queue_.empty() && !stopped_) changed_->wait_until(lock, env_.mono_now() + seconds(60));
  if (stopped_) return std::nullopt;  // what is queued keeps its lease: the next worker runs it
  UnsafeRun run = std::move(queue_.front());
  queue_.pop_front();
  return run;
}

std::optional<Outcome> Runners::run_one(const UnsafeRun& run) {
  // Invariant 4: with less left, the run could outlive its lease and meet a second one.
  if (run.lease.until - env_.mono_now() <= run.rule->options.time_limit) return std::nullopt;
  const auto fresh = Database(run.database).get(doc_id(run.doc));
  if (!fresh || doc_rev(*fresh) != doc_rev(run.doc)) return std::nullopt;
  if (!leases_.still_ours(run.lease)) return std::nullopt;
  Run context{env_,
              log_,
              run.database,
              run.attempt,
              run.lease.key,
              env_.mono_now() + run.rule->options.time_limit,
              run.has_branches};
  return call_handler(run.rule->handler, context, run.doc);
}

}  // namespace channels
