#include "engine/engine.h"

#include "base/digest.h"
#include "base/errors.h"

namespace channels {

Engine::Engine(Env& env, Log& log, Server& server, const Rules& rules, KindOf kind_of,
               EngineOptions options)
    : env_(env),
      log_(log),
      server_(server),
      rules_(rules),
      kind_of_(std::move(kind_of)),
      options_(std::move(options)),
      records_(env, Database(server, options_.registry_db)),
      leases_(env, Database(server, options_.registry_db), options_.lease,
              hex(env.random_bytes(16))),
      schedule_(env),
      runners_(std::make_unique<Runners>(env, log, leases_, options_.sizes.runners)),
      bench_{env,     log,       server,    records_,
             leases_, *runners_, [this](const std::string& name) { schedule_.mark(name); }} {
  hot_ = std::make_unique<HotFeeds>(env, log, server, schedule_, options_.sizes.hot_places,
                                    options_.pinned);
  hints_ = std::make_unique<HintsBench>(HintsBench{
      env, log, server, records_, schedule_, *hot_,
      [this](std::string_view name) { return rules_for(name) != nullptr; },
      [this] { return nothing_unsettled(); }});
  for (int i = 0; i < options_.sizes.pool; ++i)
    pool_.push_back(env_.start("pool", [this] { work(); }));
  checkpoint_writer_ = std::make_unique<Repeating>(*hints_, "checkpoints", [this](const std::stop_token&) {
    records_.flush_checkpoints();
    return milliseconds(1000);
  });
  updates_ = std::make_unique<UpdatesFeed>(*hints_);
  sweep_ = std::make_unique<Sweep>(*hints_, options_.sweep);
  revisits_ = std::make_unique<Revisits>(
      *hints_, [this](const std::string& database, const std::vector<std::string>& ids) {
        if (rules_for(database) == nullptr) return;
        const auto follower = open(database);
        if (follower == nullptr) return;
        follower->revisit(ids);
        schedule_.mark(database);
      });
  for (const std::string& name : options_.pinned) schedule_.mark(name);
}

Engine::~Engine() {
  revisits_.reset();
  sweep_.reset();
  updates_.reset();
  checkpoint_writer_.reset();
  hot_->stop();
  schedule_.stop();
  pool_.clear();
  hot_.reset();
  runners_.reset();
  try {
    records_.flush_checkpoints();
  } catch (const std::exception& down) {  // rows are read again at the next start, no more
    log_.info("the last checkpoints were not saved: " + std::string(down.what()));
  }
}

const RuleTable* Engine::rules_for(std::string_view database) const {
  const auto kind = kind_of_(database);
  return kind ? rules_.find(*kind) : nullptr;
}

std::shared_ptr<Follower> Engine::open(const std::string& database) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = followers_.find(database);
    if (found != followers_.end()) return found->second;
  }
  Database opened(server_, database);
  if (!options_.prepare(*kind_of_(database), opened)) return nullptr;
  auto made = std::make_shared<Follower>(bench_, database, *rules_for(database),
                                         records_.load_checkpoint(database));
  const std::lock_guard lock(mutex_);
  return followers_.emplace(database, std::move(made)).first->second;
}

void Engine::forget_if_asleep(const std::string& database) {
  const std::lock_guard lock(mutex_);
  const auto found = followers_.find(database);
  if (found != followers_.end() && found->second->asleep()) followers_.erase(found);
}

bool Engine::nothing_unsettled() {
  if (!schedule_.idle()) return false;
  const std::lock_guard lock(mutex_);
  return followers_.empty();
}

void Engine::work() {
  while (const auto database = schedule_.take()) {
    try {
      do_turn(*database);
      const std::lock_guard lock(mutex_);
      failures_.erase(*database);
    } catch (const Unavailable& down) {
      turn_failed(*database, down.what());
    } catch (const Refused& refused) {
      if (refused.status == 404) {
        // Deleted: it has nothing to do until somebody makes it again, which is a hint of its own.
        const std::lock_guard lock(mutex_);
        followers_.erase(*database);
      } else {
        turn_failed(*database, refused.what());
      }
    }
    schedule_.done(*database);
  }
}

void Engine::do_turn(const std::string& database) {
  if (rules_for(database) == nullptr) return;
  const auto follower = open(database);
  if (follower == nullptr) return;
  const Follower::Turn turn = follower->turn();
  hot_->turn_ended(database, follower->position(), turn.active);
  if (turn.next) {
    schedule_.mark_at(database, *turn.next);
  } else {
    forget_if_asleep(database);
  }
}

void Engine::turn_failed(const std::string& database, const std::string& why) {
  int failures = 0;
  {
    const std::lock_guard lock(mutex_);
    failures = ++failures_[database];
  }
  if (failures == 1) log_.info("turn of " + database + " put off: " + why);
  schedule_.mark_at(database, env_.mono_now() + backoff(failures, env_.random_unit()));
}

}  // namespace channels
