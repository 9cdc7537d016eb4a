#include "engine/follower.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/digest.h"
#include "base/errors.h"
#include "base/mutation.h"
#include "engine/batches.h"
#include "engine/local_mark.h"

namespace channels {

namespace {

// A follower with this many unsettled documents reads no further: its memory is bounded.
constexpr std::size_t most_unsettled = 5000;
// Beyond this an answer with several documents is given up, and asked for in parts.
constexpr std::size_t largest_batch = std::size_t{4} << 20;
// So many own saves make it worth while to read rows without documents.
constexpr std::size_t many_echoes = 50;
// Of a smaller batch the next read is over before much is saved.
constexpr std::size_t worth_reading_ahead = 100;

}  // namespace

Follower::Follower(Workbench& bench, std::string database, const RuleTable& rules, const CheckpointRecord& start,
                   int design_version)
    : bench_(bench),
      database_(bench.server, std::move(database)),
      rules_(rules),
      items_(start.seq),
      design_version_(design_version),
      put_(start),
      counter_(start.counter),
      life_(start.life) {}

Follower::Turn Follower::turn(bool has_rows) {
  if (has_rows) more_to_read_ = true;
  start_over_if_restored();
  Verdicts verdicts;
  collect_finished(verdicts);
  const std::size_t rows = read_rows();
  tell_of_change();
  load_woken();
  run_ready(verdicts);
  save(verdicts);
  conclude(verdicts);
  await_runners();

  const std::lock_guard lock(mutex_);
  bench_.log.debug("turn of " + database_.name() + ": " + std::to_string(rows) + " rows, " +
                   std::to_string(verdicts.to_save.size()) + " saved, " +
                   std::to_string(items_.size()) + " unsettled");
  if (more_to_read_ && items_.size() < most_unsettled) return {bench_.env.mono_now(), rows > 0};
  std::optional<MonoTime> next = items_.next_look();
  if (tell_at_) next = next ? std::min(*next, *tell_at_) : *tell_at_;
  return {next, rows > 0};
}

void Follower::finish() {
  Verdicts verdicts;
  collect_finished(verdicts);
  save(verdicts);
  conclude(verdicts, true);
}

// Where rules look at other documents than design documents, at those as well.
void Follower::knows(const std::vector<Saved>& saved) {
  if (!rules_.is_for_design_only()) return;
  const std::lock_guard lock(mutex_);
  for (const Saved& each : saved) {
    if (each.outcome == Saved::Outcome::saved) echoes_.expect(each.id, each.rev);
  }
}

void Follower::revisit(const std::vector<Revisit>& revisits) {
  const std::lock_guard lock(mutex_);
  for (const Revisit& revisit : revisits) items_.add_revisit(revisit);
}

// On a cluster each copy counts its own updates, and one whose node was away for a while has counted fewer, for ever: there the
// number is believed the first time, since a mark that was written by who did not know looks right in an older copy, too, and
// then more and more seldom. In between it says no more than that the mark is to be looked at.
void Follower::went_back() {
  const bool is_sure = database_.copies() == 1;
  const std::lock_guard lock(mutex_);
  checked_at_.reset();
  if (!is_sure && ++suspicions_ < believed_suspicions_) return;
  went_back_ = true;
  suspicions_ = 0;
  believed_suspicions_ = std::min(2 * believed_suspicions_, most_suspicions);
}

std::string Follower::position() {
  const std::lock_guard lock(mutex_);
  return items_.checkpoint().position();
}

bool Follower::asleep() {
  const std::lock_guard lock(mutex_);
  return items_.empty() && !tell_at_;
}

bool Follower::expects_echoes() {
  const std::lock_guard lock(mutex_);
  return echoes_.size() > 0;
}

bool Follower::may_be_dropped() {
  const std::lock_guard lock(mutex_);
  return items_.in_step(Item::Step::running).empty() && items_.in_step(Item::Step::finished).empty();
}

std::map<std::string, int> Follower::backlog() {
  const std::lock_guard lock(mutex_);
  return items_.backlog();
}

// --- 1. an older copy of the database ----------------------------------------------------------

bool Follower::is_to_be_checked() {
  if (rules_.is_for_design_only() || mutant("mark-unchecked")) return false;
  const std::lock_guard lock(mutex_);
  return went_back_ || checked_at_ != bench_.losses;
}

void Follower::start_over_if_restored() {
  if (!is_to_be_checked()) return;
  const std::uint64_t losses = bench_.losses;
  const std::optional<Document> mark = database_.get(local_mark_id);
  CheckpointRecord here;
  bool went_back = false;
  {
    const std::lock_guard lock(mutex_);
    here = {items_.checkpoint().position(), counter_, design_version_, life_};
    went_back = went_back_;
  }
  const MarkSays says = compare_mark(here, mark);
  const CheckpointRecord registered =
      says == MarkSays::other_life ? bench_.records.read_checkpoint(database_.name()) : CheckpointRecord{};
  if (says == MarkSays::other_life && registered.life == string_or(*mark, "life", "")) {
    go_on_from(registered);
  } else if (says != MarkSays::go_on || went_back) {
    // Also where the mark is right: one that was written since, by who did not know, says nothing any more.
    start_over();
  }
  const std::lock_guard lock(mutex_);
  counter_ = counter_after({"", counter_, 0, ""}, mark);
  checked_at_ = losses;
  went_back_ = false;
}

// Another worker has found it out already.
void Follower::go_on_from(const CheckpointRecord& registered) {
  const std::lock_guard lock(mutex_);
  counter_ = registered.counter;
  life_ = registered.life;
  put_ = registered;
  items_.read_to(registered.seq);
  more_to_read_ = true;
  bench_.log.info(database_.name() + " is an older copy than the one that was followed: its reading goes on");
}

// Before the database gets a mark that is not behind any longer, the registry has to know where to start. Until it
// does, the follower keeps its old life: by a new one that the registry has not got, the mark would look like another
// worker's, and the registry's old place like where that one goes on.
void Follower::start_over() {
  CheckpointRecord start;
  {
    const std::lock_guard lock(mutex_);
    start.counter = counter_;
    start.design_version = design_version_;
    start.life = hex(bench_.env.random_bytes(8));
  }
  bench_.log.info(database_.name() + " is an older copy than the one that was followed: it is read again");
  bench_.records.put_checkpoint(database_.name(), start);
  bench_.records.flush_checkpoints();
  const std::lock_guard lock(mutex_);
  life_ = start.life;
  items_.read_to(start.seq);
  more_to_read_ = unmarked_ = true;
  put_ = {};
}

// --- 2. results of runs ------------------------------------------------------------------------

void Follower::run_finished(const std::string& id, std::optional<Outcome> outcome) {
  {
    const std::lock_guard lock(mutex_);
    Item* item = items_.find(id);
    check(item != nullptr && item->step == Item::Step::running, "a run ended that nobody began");
    item->step = Item::Step::finished;
    item->outcome = std::move(outcome);
  }
  bench_.wake(database_.name());
}

void Follower::collect_finished(Verdicts& verdicts) {
  std::vector<Item*> finished;
  {
    const std::lock_guard lock(mutex_);
    finished = items_.in_step(Item::Step::finished);
  }
  for (Item* item : finished) {
    if (item->outcome && goes_on(*item, *item->outcome)) continue;
    const std::lock_guard lock(mutex_);
    if (item->lease && item->outcome && std::holds_alternative<Lost>(*item->outcome)) item->lease->lost_run = true;
    const bool to_save = item->outcome && std::holds_alternative<Save>(*item->outcome);
    if (item->lease && !to_save) (is_lost_for_good(*item) ? verdicts.parked_leases : verdicts.ended_leases).push_back(*item->lease);
    if (item->outcome) {
      ended(verdicts, *item, *item->outcome);
    } else {  // it was not run: the document or the lease had changed
      verdicts.waiting.emplace_back(item, bench_.env.mono_now() + not_run_wait);
    }
  }
}

// --- 3. reading --------------------------------------------------------------------------------

Database::ChangesQuery Follower::next_query() {
  const std::lock_guard lock(mutex_);
  Database::ChangesQuery query;
  query.since = items_.checkpoint().position();
  query.limit = batch_.rows();
  // Of a new database all rows, to see that there are none of others.
  query.design_only = rules_.is_for_design_only() && echoes_.size() == 0;
  query.include_docs = !only_echoes_left_ && query.design_only == rules_.is_for_design_only();
  if (query.limit > 1) query.largest_answer = largest_batch;
  return query;
}

Changes Follower::read(Database::ChangesQuery& query) {
  if (const auto ahead = std::exchange(ahead_, nullptr); ahead && ahead->query.since == query.since) {
    if (auto changes = bench_.read_ahead.take(ahead)) {
      query = ahead->query;
      return std::move(*changes);
    }
  }
  const std::size_t wanted = query.limit;
  Changes changes;
  try {
    changes = read_changes(database_, query, bench_.log);
  } catch (const Unavailable&) {
    batch_.was_too_much();  // perhaps that was it
    throw;
  }
  if (query.limit < wanted) batch_.was_too_much();
  return changes;
}

std::size_t Follower::read_rows() {
  if (!more_to_read_) return 0;
  {
    const std::lock_guard lock(mutex_);
    if (items_.size() >= most_unsettled) return 0;
  }
  Database::ChangesQuery query = next_query();
  Changes changes = read(query);
  const std::size_t rows = changes.rows.size();
  if (query.include_docs) batch_.took(rows, changes.bytes);
  more_to_read_ = rows >= query.limit;
  const std::size_t of_others = take_rows(changes, query);
  if (rows >= worth_reading_ahead && more_to_read_) start_reading_ahead();
  return rules_.is_for_design_only() ? of_others : rows;
}

void Follower::start_reading_ahead() {
  ahead_ = bench_.read_ahead.start(database_, next_query());
}

// Gives how many are no echoes.
std::size_t Follower::take_rows(Changes& changes, const Database::ChangesQuery& query) {
  std::vector<std::string> without_doc;
  std::size_t of_others = 0;
  const std::lock_guard lock(mutex_);
  for (Change& row : changes.rows) {
    const bool is_echo = echoes_.take(row) && items_.find(row.id) == nullptr;
    if (!is_echo) ++of_others;
    if (is_echo || (rules_.is_for_design_only() && !row.id.starts_with("_design/"))) {
      items_.pass_row(std::move(row.seq));
      continue;
    }
    unmarked_ = true;
    if (!query.include_docs) without_doc.push_back(row.id);
    items_.add_row(std::move(row));
  }
  note_news(changes, query, of_others);
  items_.read_to(std::move(changes.last_seq));
  if (rules_.is_for_design_only() && !more_to_read_) echoes_.clear();
  only_echoes_left_ =
      echoes_.size() >= many_echoes && changes.pending <= static_cast<std::int64_t>(echoes_.size());
  // Until its document is there, such a row must not be matched, also when the request below fails.
  std::erase_if(without_doc, [&](const std::string& id) { return items_.find(id)->step != Item::Step::ready; });
  for (const std::string& id : without_doc) items_.wait(*items_.find(id), MonoTime::min());
  return of_others;
}

// Where only design documents are read, others' show by the feed's having moved alone.
void Follower::note_news(const Changes& changes, const Database::ChangesQuery& query, std::size_t of_others) {
  if (!rules_.on_change()) return;
  const bool shows_all = rules_.is_for_design_only() && !query.design_only;
  const bool is_news = shows_all ? of_others > 0 : changes.last_seq != items_.checkpoint().position();
  if (!is_news) return;
  has_news_ = true;
  if (!tell_at_) tell_at_ = bench_.env.mono_now();
}

// Changes that come while the hook wants to be called later are told then: one that is written to all the time costs
// no call for each of them.
void Follower::tell_of_change() {
  bool is_news = false;
  {
    const std::lock_guard lock(mutex_);
    if (!tell_at_ || *tell_at_ > bench_.env.mono_now()) return;
    is_news = has_news_;
  }
  const std::optional<MonoTime> again = rules_.on_change()(database_, is_news);
  const std::lock_guard lock(mutex_);
  has_news_ = false;
  tell_at_ = again;
}

// Documents that waited are read anew: what they were when they began to wait may be long gone.
void Follower::load_woken() {
  std::vector<std::string> ids;
  {
    const std::lock_guard lock(mutex_);
    ids = items_.wake(bench_.env.mono_now(), batch_.rows());
  }
  if (ids.empty()) return;
  std::vector<std::optional<Document>> docs;
  try {
    docs = read_documents(database_, ids, bench_.log);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    for (const std::string& id : ids) items_.wait(*items_.find(id), MonoTime::min());
    throw;
  }
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    Item* item = items_.find(ids[i]);
    item->deleted = !docs[i].has_value();
    item->doc = docs[i] ? std::move(*docs[i]) : Document{{"_id", ids[i]}, {"_deleted", true}};
  }
}

// Those without a place wait in the runners' line.
void Follower::await_runners() {
  for (std::size_t number = 0; number < bench_.lanes.count(); ++number) {
    const Lane lane{number};
    Runners& runners = bench_.lanes.runners(lane);
    bool queued = false;
    {
      const std::lock_guard lock(mutex_);
      queued = items_.has_queued(lane);
    }
    if (!queued) {
      runners.pass_on();
      continue;
    }
    runners.when_free(database_.name(), [self = shared_from_this(), lane] {
      {
        const std::lock_guard lock(self->mutex_);
        self->items_.wake_queued(lane, self->bench_.lanes.woken_at_once(lane));
      }
      self->bench_.wake(self->database_.name());
    });
  }
}

}  // namespace channels
