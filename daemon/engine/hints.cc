#include "engine/hints.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "base/mutation.h"
#include "couch/answer.h"
#include "couch/document.h"
#include "engine/backoff.h"
#include "http/unhurried.h"

namespace channels {

namespace {

constexpr milliseconds heartbeat = seconds(5);
// A sweep that has so much time for a hundred databases lets its answers gather.
constexpr milliseconds time_to_gather = seconds(1);
// CouchDB's own limit for one POST /_dbs_info.
constexpr std::size_t infos_a_request = 100;
constexpr std::size_t names_a_request = 1000;
constexpr std::size_t revisits_a_request = 500;
// More than that at once would only wait in memory.
constexpr std::size_t most_revisits_at_once = 5000;
constexpr std::size_t updates_a_request = 1000;
// A revisit is at most so much late; more often would cost requests for what sleeps.
constexpr seconds revisit_interval{5};
// Each of these loops asks one small thing; what waits longer notices too late that the server is back.
constexpr milliseconds longest_after_failure = seconds(5);

// What ends it is a wake(); the time is only an end to the wait.
constexpr milliseconds until_woken = seconds(60);

// CouchDB's seqs are opaque, but all begin with the number of updates. It is used for nothing but the suspicion that a
// database is an older copy, which costs reading it again if it is wrong.
bool is_behind(const std::string& seq, const std::string& other) {
  return parse_rev(seq).generation < parse_rev(other).generation;
}

}  // namespace

// --- Repeating -------------------------------------------------------------------------------

Repeating::Repeating(HintsBench& bench, std::string name,
                     std::function<milliseconds(const std::stop_token&)> body)
    : bench_(bench), name_(std::move(name)), body_(std::move(body)),
      changed_(bench.env.make_signal()) {
  thread_ = bench_.env.start(name_, [this] { work(); });
}

Repeating::~Repeating() {
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    changed_->notify_all();
  }
  thread_.reset();
}

void Repeating::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  changed_->notify_all();
}

milliseconds Repeating::after_failure(int failures, const std::string& why, std::optional<seconds> retry_after) {
  if (failures == 1 && !stop_.stop_requested()) bench_.log.info(name_ + ": " + why);
  const milliseconds wait = std::min(backoff(failures, bench_.env.random_unit()), longest_after_failure);
  return retry_after ? std::max<milliseconds>(wait, *retry_after) : wait;
}

void Repeating::work() {
  int failures = 0;
  milliseconds wait{0};
  while (!stop_.stop_requested()) {
    const MonoTime began = bench_.env.mono_now();
    const auto count_failure = [&] {
      if (bench_.env.mono_now() - began > wait) failures = 0;
      return ++failures;
    };
    try {
      wait = body_(stop_.get_token());
      if (std::exchange(failures, 0) > 0) bench_.is_back();
    } catch (const Unavailable& down) {
      wait = after_failure(count_failure(), down.what(), down.retry_after);
    } catch (const std::exception& refused) {
      wait = after_failure(count_failure(), refused.what(), std::nullopt);
    }
    const MonoTime until = bench_.env.mono_now() + wait;
    std::unique_lock lock(mutex_);
    while (!stop_.stop_requested() && !woken_ && bench_.env.mono_now() < until) changed_->wait_until(lock, until);
    woken_ = false;
  }
}

// --- UpdatesFeed -----------------------------------------------------------------------------

UpdatesFeed::UpdatesFeed(HintsBench& bench)
    : bench_(bench),
      thread_(bench, "db updates", [this](const std::stop_token& stop) { return follow(stop); }),
      replaying_(bench, "replays", [this](const std::stop_token&) { return replay_next(); }) {}

void UpdatesFeed::start(const std::string& since) {
  {
    const std::lock_guard lock(mutex_);
    since_ = since;
  }
  thread_.wake();
}

void UpdatesFeed::replay(const std::string& since) {
  {
    const std::lock_guard lock(mutex_);
    replays_.push_back(since);
  }
  replaying_.wake();
}

std::string UpdatesFeed::position() {
  const std::lock_guard lock(mutex_);
  return since_.value_or("");
}

milliseconds UpdatesFeed::follow(const std::stop_token& stop) {
  {
    const std::lock_guard lock(mutex_);
    if (!since_) return until_woken;
  }
  const std::string path = "_db_updates?feed=continuous&heartbeat=" + std::to_string(heartbeat.count()) +
                           "&since=" + url_encode(position());
  bool is_over = false;
  try {
    // Three heartbeats missed: the feed has stalled.
    bench_.server.stream_lines(path, 3 * heartbeat, stop, [&](std::string_view line) {
      is_over = take_line(line);
      return true;
    });
  } catch (const Refused& refused) {
    if (refused.status != 404) throw;
    make_global_changes();
  } catch (const Unavailable&) {
    bench_.lost_connection();
    throw;
  }
  // [chttpd] changes_duration is over: the server is the one that it was.
  if (!is_over) bench_.lost_connection();
  return milliseconds(100);
}

// 3.x does not make the feed's database by itself.
void UpdatesFeed::make_global_changes() {
  const bool first = !std::exchange(warned_, true);
  try {
    bench_.server.request("PUT", "_global_changes", nullptr, {412});
    if (first) bench_.log.info("made _global_changes, which _db_updates needs");
  } catch (const Refused& refused) {
    if (first)
      bench_.log.info("warning: there is no _global_changes and it cannot be made (" + std::string(refused.what()) +
                      "): changes in sleeping databases are found by the sweep alone, see [channels] sweep");
    throw;
  }
}

void UpdatesFeed::take_row(const json::object& row) {
  const std::string name = string_or(row, "db_name", "");
  const bool deleted = string_or(row, "type", "") == "deleted";
  if (deleted || !bench_.relevant(name) || bench_.hot.hears(name)) return;
  bench_.schedule.mark(name, bench_.expects_echoes(name) ? Cause::echoes : Cause::rows);
}

json::object UpdatesFeed::status() {
  const std::lock_guard lock(mutex_);
  if (!heard_) return {{"heard", nullptr}};
  return {{"heard", format_time(*heard_)}};
}

bool UpdatesFeed::take_line(std::string_view line) {
  {
    const std::lock_guard lock(mutex_);
    heard_ = bench_.env.wall_now();
  }
  const auto parsed = line.empty() ? parse_json("null") : parse_json(line);
  const json::object* row = parsed ? parsed->if_object() : nullptr;
  if (row == nullptr) return false;  // a heartbeat, or half a line
  take_row(*row);
  const json::value* seq = row->if_contains("seq");
  const bool is_over = seq == nullptr;
  if (is_over) seq = row->if_contains("last_seq");
  if (seq == nullptr) return false;
  const std::lock_guard lock(mutex_);
  since_ = seq->is_string() ? json::value_to<std::string>(*seq) : json::serialize(*seq);
  return is_over;
}

milliseconds UpdatesFeed::replay_next() {
  std::string since;
  {
    const std::lock_guard lock(mutex_);
    if (replays_.empty()) return until_woken;
    since = replays_.front();
  }
  Reply reply = bench_.server.request("GET", "_db_updates?limit=" + std::to_string(updates_a_request) +
                                                 "&since=" + url_encode(since.empty() ? "0" : since),
                                      nullptr, {404});
  std::size_t rows = 0;
  std::string last_seq;
  if (reply.status != 404) {
    for (const json::value& row : array_in(reply.body, "results", "_db_updates")) {
      if (row.is_object()) take_row(row.as_object());
      ++rows;
    }
    last_seq = seq_in(reply.body, "last_seq", "_db_updates");
  }
  const std::lock_guard lock(mutex_);
  replays_.pop_front();
  if (rows == updates_a_request) replays_.push_front(last_seq);
  return milliseconds(0);
}

// --- Sweep -----------------------------------------------------------------------------------

Sweep::Sweep(HintsBench& bench, int rate)
    : bench_(bench), rate_(rate), thread_(bench, "sweep", [this](const std::stop_token&) { return step(); }) {}

std::vector<std::string> Sweep::next_names() {
  if (ahead_.empty() && !is_last_page_) {
    const auto page = bench_.server.database_names(last_name_, names_a_request);
    is_last_page_ = page.size() < names_a_request;
    ahead_.assign(page.begin(), page.end());
  }
  return {ahead_.begin(), ahead_.begin() + static_cast<std::ptrdiff_t>(std::min(ahead_.size(), infos_a_request))};
}

// Only once they were looked at: a request that failed is made again.
void Sweep::advance(const std::vector<std::string>& names) {
  ahead_.erase(ahead_.begin(), ahead_.begin() + static_cast<std::ptrdiff_t>(names.size()));
  if (!names.empty()) last_name_ = names.back();
}

void Sweep::look_at(const std::vector<std::string>& names) {
  std::optional<Unhurried> unhurried;
  if (time_for(names.size()) >= time_to_gather) unhurried.emplace();
  // The checkpoints first: what is written and worked off between the two requests must not look like an older copy. And the registry's, also
  // of what sleeps here: another worker may have found that it is an older copy, and have started over.
  const auto seqs = bench_.records.checkpoints(names);
  const auto infos = bench_.server.database_infos(names);
  for (std::size_t i = 0; i < infos.size() && i < seqs.size(); ++i) {
    if (infos[i].missing) continue;
    const bool is_as_left = seqs[i] && seqs[i]->seq == infos[i].update_seq &&
                            seqs[i]->design_version == bench_.design_version(infos[i].name);
    if (is_as_left || mutant("no-sweep")) continue;
    ++round_.found;
    bench_.changed_unseen(infos[i].name, seqs[i] && is_behind(infos[i].update_seq, seqs[i]->seq));
  }
}

milliseconds Sweep::step() {
  const MonoTime began = bench_.env.mono_now();
  if (last_name_.empty()) round_ = {bench_.env.wall_now(), 0, 0};
  const std::vector<std::string> names = next_names();
  std::vector<std::string> ours = names;
  std::erase_if(ours, [&](const std::string& name) { return !bench_.relevant(name); });
  if (!ours.empty()) look_at(ours);
  advance(names);
  round_.databases += static_cast<std::int64_t>(ours.size());
  const bool ended = ahead_.empty() && is_last_page_;
  if (ended) {
    last_name_.clear();
    is_last_page_ = false;
    end_round();
  }
  // A short list is no reason to go round at once.
  const auto spent = std::chrono::duration_cast<milliseconds>(bench_.env.mono_now() - began);
  return std::max(time_for(ours.size()) - spent, ended ? milliseconds(seconds(5)) : milliseconds(20));
}

void Sweep::end_round() {
  const WallTime now = bench_.env.wall_now();
  const std::lock_guard lock(mutex_);
  ++rounds_;
  last_round_ = {{"ended", format_time(now)},
                 {"databases", round_.databases},
                 {"seconds", std::chrono::duration_cast<seconds>(now - round_.began).count()},
                 {"found", round_.found}};
}

json::object Sweep::status() {
  const std::lock_guard lock(mutex_);
  return {{"rounds", rounds_}, {"last_round", last_round_}};
}

// --- Revisits --------------------------------------------------------------------------------

Revisits::Revisits(HintsBench& bench, HandIn hand_in)
    : bench_(bench), hand_in_(std::move(hand_in)),
      thread_(bench, "revisits", [this](const std::stop_token&) { return step(); }) {}

milliseconds Revisits::step() {
  const WallTime now = bench_.env.wall_now();
  for (std::size_t read = 0; read < most_revisits_at_once; read += revisits_a_request) {
    const auto due = bench_.records.due_revisits(now, revisits_a_request, last_ ? &*last_ : nullptr);
    std::map<std::string, std::vector<Revisit>> by_database;
    for (const Revisit& revisit : due) {
      if (bench_.relevant(revisit.database)) by_database[revisit.database].push_back(revisit);
    }
    for (const auto& [database, revisits] : by_database) hand_in_(database, revisits);
    last_.reset();
    if (due.size() < revisits_a_request) break;
    last_ = due.back();
  }
  return revisit_interval;
}

}  // namespace channels
