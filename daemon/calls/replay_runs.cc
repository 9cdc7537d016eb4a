#include "calls/replay_runs.h"

#include "engine/batch_size.h"
#include "engine/lease.h"

namespace channels {

namespace {

constexpr std::size_t most_running = 200;
// A program that ended is started again after a delay that grows to a minute.
constexpr milliseconds between_tries = seconds(1);
constexpr int most_tries = 120;

}  // namespace

ReplayRuns::ReplayRuns(Env& env, Database database, const RuleTable& rules, Told told)
    : env_(env), database_(std::move(database)), rules_(rules), told_(std::move(told)), changed_(env.make_signal()) {}

void ReplayRuns::run(const ReplayedDocuments& which) {
  BatchSize batch;
  Database::ChangesQuery query;
  while (true) {
    query.limit = batch.rows();
    const Changes changes = database_.changes(query);
    for (const Change& row : changes.rows) {
      if (row.deleted || row.id.starts_with("_design/")) continue;
      const bool is_wanted = (which.type.empty() || doc_type(row.doc) == which.type) &&
                             (which.state.empty() || doc_state(row.doc) == which.state);
      if (is_wanted) begin(row.doc);
    }
    batch.took(changes.rows.size(), changes.bytes);
    if (changes.rows.size() < query.limit) break;
    query.since = changes.last_seq;
  }
  await(0);
}

void ReplayRuns::begin(const Document& doc) {
  const Rule* rule = rules_.find(doc_type(doc), doc_state(doc));
  if (rule == nullptr) {
    ++without_rule_;
    return;
  }
  await(most_running - 1);
  hand(doc, *rule, 1);
}

void ReplayRuns::hand(const Document& doc, const Rule& rule, int tries) {
  {
    const std::lock_guard lock(mutex_);
    ++running_;
  }
  Elsewhere::Task task{database_.name(), doc, rule.mode, 1, lease_key({database_.name(), doc_id(doc), doc_rev(doc)})};
  rule.elsewhere->begin(std::move(task), [this, doc, &rule, tries](const std::optional<Outcome>& outcome) {
    ended(doc, rule, tries, outcome);
  });
}

void ReplayRuns::ended(const Document& doc, const Rule& rule, int tries, const std::optional<Outcome>& outcome) {
  const std::lock_guard lock(mutex_);
  const bool was_put_off = !outcome || std::holds_alternative<Later>(*outcome);
  if (was_put_off && tries < most_tries) {
    put_off_.push_back({doc, &rule, tries});
  } else {
    told_(doc, rule, was_put_off ? Outcome(Failed{"the program is not there", std::nullopt}) : *outcome);
  }
  --running_;
  changed_->notify_all();
}

// Those that were put off are handed out again on the way.
void ReplayRuns::await(std::size_t most) {
  while (true) {
    std::vector<PutOff> again;
    {
      std::unique_lock lock(mutex_);
      while (running_ > most) changed_->wait_until(lock, env_.mono_now() + seconds(60));
      if (put_off_.empty()) return;
      const MonoTime then = env_.mono_now() + between_tries;
      while (env_.mono_now() < then) changed_->wait_until(lock, then);
      again.swap(put_off_);
    }
    for (const PutOff& each : again) hand(each.doc, *each.rule, each.tries + 1);
  }
}

}  // namespace channels
