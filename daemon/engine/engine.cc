#include "engine/engine.h"

#include <algorithm>

#include "base/digest.h"
#include "base/errors.h"

namespace channels {

namespace {

// Databases that wake together have their checkpoints read together.
constexpr std::size_t checkpoints_at_once = 100;
// CouchDB tells of a new database some 300 ms after it was made, and of its first documents as late.
constexpr seconds until_hints_are_over{1};

}  // namespace

Engine::Engine(Env& env, Log& log, Server& server, const Rules& rules, KindOf kind_of,
               EngineOptions options)
    : env_(env),
      log_(log),
      server_(server),
      rules_(rules),
      kind_of_(std::move(kind_of)),
      options_(std::move(options)),
      id_(hex(env.random_bytes(16))),
      records_(env, Database(server, options_.registry_db)),
      leases_(env, log, Database(server, options_.registry_db), options_.lease, id_),
      workers_(env, log, Database(server, options_.registry_db), id_, options_.place),
      trace_(env, options_.trace, id_),
      schedule_(env),
      lanes_(std::make_unique<Lanes>(env, log, leases_, options_.sizes.runners, options_.sizes.slow_runners, rules.elsewheres())),
      read_ahead_(std::make_unique<ReadAhead>(env, options_.sizes.read_ahead)),
      saving_(env, options_.sizes.saving),
      bench_{env,
             log,
             server,
             records_,
             leases_,
             *lanes_,
             *read_ahead_,
             saving_,
             options_.sizes.split_from,
             trace_,
             losses_,
             [this](const std::string& name) { schedule_.mark(name, Cause::at_hand); }} {
  hot_ = std::make_unique<HotFeeds>(env, log, server, schedule_, options_.sizes.hot_places,
                                    options_.pinned);
  for (int i = 0; i < options_.sizes.pool; ++i)
    pool_.push_back(env_.start("pool", [this] { work(); }));
  if (options_.made != nullptr) {
    options_.made->tell([this](const std::string& name) {
      if (rules_for(name) == nullptr || !workers_.is_mine(name)) return;
      schedule_.mark_at(name, env_.mono_now() + until_hints_are_over, Cause::rows);
    });
  }
  start_hints();
  for (const std::string& name : options_.pinned) schedule_.mark(name);
}

void Engine::start_hints() {
  hints_ = std::make_unique<HintsBench>(HintsBench{
      env_, log_, server_, records_, schedule_, *hot_,
      [this](std::string_view name) { return is_relevant(name); },
      [this](const std::string& name) {
        const auto follower = find(name);
        return follower != nullptr && follower->expects_echoes();
      },
      [this](const std::string& name, bool went_back) { changed_unseen(name, went_back); },
      [this] { ++losses_; },
      [this](std::string_view name) { return design_version_of(name); }});
  checkpoint_writer_ = std::make_unique<Repeating>(*hints_, "checkpoints", [this](const std::stop_token&) {
    write_behind();
    return milliseconds(1000);
  });
  updates_ = std::make_unique<UpdatesFeed>(*hints_);
  sweep_ = std::make_unique<Sweep>(*hints_, options_.sweep);
  revisits_ = std::make_unique<Revisits>(
      *hints_, [this](const std::string& database, const std::vector<Revisit>& due) { hand_in(database, due); });
  beats_ = std::make_unique<Repeating>(*hints_, "beats", [this](const std::stop_token&) { return beat(); });
}

void Engine::write_behind() {
  std::vector<Document> lines = trace_.take();
  std::vector<Document> others = options_.beside == nullptr ? std::vector<Document>() : options_.beside->take();
  std::vector<Document> beside = lines;
  beside.insert(beside.end(), others.begin(), others.end());
  try {
    tell_written(others, records_.flush_checkpoints(std::move(beside)));
  } catch (const Refused& refused) {  // perhaps for a line: it may hold up no checkpoint
    if (options_.beside != nullptr) options_.beside->put_back(std::move(others));
    if (lines.empty()) throw;
    log_.info("traces are dropped: " + std::string(refused.what()));
    records_.flush_checkpoints();
  } catch (...) {
    trace_.put_back(std::move(lines));
    if (options_.beside != nullptr) options_.beside->put_back(std::move(others));
    throw;
  }
}

void Engine::tell_written(const std::vector<Document>& others, const std::vector<std::string>& refused) {
  if (others.empty()) return;
  std::vector<std::string> there;
  for (const Document& doc : others) {
    if (std::find(refused.begin(), refused.end(), doc_id(doc)) == refused.end()) there.push_back(doc_id(doc));
  }
  options_.beside->written(there);
}

Engine::~Engine() {
  if (options_.made != nullptr) options_.made->stop_telling();
  beats_.reset();
  revisits_.reset();
  sweep_.reset();
  checkpoint_writer_.reset();
  hot_->stop();
  schedule_.stop();
  pool_.clear();
  lanes_->end();
  // Requests for what is finished, at most one each: nobody waits for them if the server is gone.
  try {
    for (const auto& [name, follower] : followers_) follower->finish();
    write_behind();
    workers_.end(unfinished());
  } catch (const std::exception& down) {  // rows are read again at the next start
    log_.info("not everything was saved at the end: " + std::string(down.what()));
  }
  updates_.reset();
  hot_.reset();
}

const RuleTable* Engine::rules_for(std::string_view database) const {
  const auto kind = kind_of_(database);
  return kind ? rules_.find(*kind, database) : nullptr;
}

bool Engine::is_relevant(std::string_view database) {
  if (options_.made != nullptr && options_.made->is_left_alone(database)) return false;
  return rules_for(database) != nullptr && workers_.is_mine(database);
}

int Engine::design_version_of(std::string_view database) const {
  const auto kind = kind_of_(database);
  return kind ? options_.design_version(*kind) : 0;
}

std::shared_ptr<Follower> Engine::find(const std::string& database) {
  const std::lock_guard lock(mutex_);
  const auto found = followers_.find(database);
  return found == followers_.end() ? nullptr : found->second;
}

// With those of the databases that are next.
CheckpointRecord Engine::load_checkpoint(const std::string& database) {
  std::vector<std::string> soon = schedule_.upcoming(checkpoints_at_once);
  std::erase_if(soon, [this](const std::string& name) {
    return rules_for(name) == nullptr || find(name) != nullptr || is_new(name);
  });
  return records_.load_checkpoint(database, soon);
}

bool Engine::is_new(const std::string& database) {
  return options_.made != nullptr && options_.made->is_new(database);
}

std::shared_ptr<Follower> Engine::open(const std::string& database) {
  if (auto follower = find(database)) return follower;
  const int version = design_version_of(database);
  const bool is_new = this->is_new(database);
  const CheckpointRecord start = is_new ? CheckpointRecord{"0", 0, version} : load_checkpoint(database);
  if (!is_new && (start.design_version != version || version == 0)) {
    Database opened(server_, database);
    if (!options_.prepare(*kind_of_(database), opened)) return nullptr;
  }
  auto made = std::make_shared<Follower>(bench_, database, *rules_for(database), start, version);
  const std::lock_guard lock(mutex_);
  return followers_.emplace(database, std::move(made)).first->second;
}

void Engine::fell_asleep(const std::string& database) {
  const std::lock_guard lock(mutex_);
  const auto longest_asleep = sleepers_.put(database);
  if (!longest_asleep) return;
  const auto found = followers_.find(*longest_asleep);
  if (found != followers_.end() && found->second->asleep()) followers_.erase(found);
}

bool Engine::drop(const std::string& database) {
  const auto follower = find(database);
  if (follower != nullptr && !follower->may_be_dropped()) return false;
  hot_->leave(database);
  const std::lock_guard lock(mutex_);
  followers_.erase(database);
  return true;
}

void Engine::work() {
  while (const auto taken = schedule_.take()) {
    const std::string& database = taken->database;
    try {
      do_turn(database, taken->has_rows);
      const std::lock_guard lock(mutex_);
      failures_.erase(database);
    } catch (const Unavailable& down) {
      turn_failed(database, down.what(), down.retry_after);
    } catch (const Refused& refused) {
      if (refused.status == 404) {
        // Deleted: it has nothing to do until somebody makes it again, which is a hint of its own.
        const std::lock_guard lock(mutex_);
        followers_.erase(database);
      } else {
        turn_failed(database, refused.what());
      }
    }
    schedule_.done(database);
  }
}

void Engine::do_turn(const std::string& database, bool has_rows) {
  if (rules_for(database) == nullptr) return;
  if (!workers_.is_mine(database) && drop(database)) return;
  const auto follower = open(database);
  if (follower == nullptr) return;
  if (options_.made != nullptr) follower->knows(options_.made->take(database));
  const Follower::Turn turn = follower->turn(has_rows);
  const bool read_all = !turn.next || *turn.next > env_.mono_now();
  if (read_all) hot_->turn_ended(database, follower->position(), turn.active);
  if (turn.next) {
    schedule_.mark_at(database, *turn.next);
  } else if (follower->asleep()) {
    fell_asleep(database);
  }
}

void Engine::turn_failed(const std::string& database, const std::string& why, std::optional<seconds> retry_after) {
  ++losses_;
  int failures = 0;
  {
    const std::lock_guard lock(mutex_);
    failures = ++failures_[database];
  }
  if (failures == 1) log_.info("turn of " + database + " put off: " + why);
  milliseconds delay = backoff(failures, env_.random_unit());
  if (retry_after) delay = std::max<milliseconds>(delay, *retry_after);
  schedule_.mark_at(database, env_.mono_now() + delay);
}

void Engine::changed_unseen(const std::string& database, bool went_back) {
  if (went_back) {
    if (const auto follower = open(database)) follower->went_back();
  }
  schedule_.mark(database);
}

void Engine::hand_in(const std::string& database, const std::vector<Revisit>& revisits) {
  try {
    const auto follower = open(database);
    if (follower == nullptr) return;
    follower->revisit(revisits);
    schedule_.mark(database, Cause::at_hand);
  } catch (const Refused& refused) {
    if (refused.status != 404) throw;
    records_.remove_revisits(revisits);  // the database is gone
  }
}

}  // namespace channels
