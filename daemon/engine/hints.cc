#include "engine/hints.h"

#include "base/errors.h"
#include "engine/backoff.h"

namespace channels {

namespace {

constexpr std::string_view updates_checkpoint = "_db_updates";
constexpr milliseconds heartbeat = seconds(5);
// CouchDB's own limit for one POST /_dbs_info.
constexpr std::size_t infos_a_request = 100;
constexpr std::size_t revisits_a_request = 500;
// A revisit is at most so much late; more often would cost requests for what sleeps.
constexpr seconds revisit_interval{5};

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

void Repeating::work() {
  int failures = 0;
  while (!stop_.stop_requested()) {
    milliseconds wait{0};
    try {
      wait = body_(stop_.get_token());
      failures = 0;
    } catch (const std::exception& down) {  // Unavailable or Refused
      if (stop_.stop_requested()) return;
      if (++failures == 1) bench_.log.info(name_ + ": " + down.what());
      wait = backoff(failures, bench_.env.random_unit());
    }
    const MonoTime until = bench_.env.mono_now() + wait;
    std::unique_lock lock(mutex_);
    while (!stop_.stop_requested() && bench_.env.mono_now() < until)
      changed_->wait_until(lock, until);
  }
}

// --- UpdatesFeed -----------------------------------------------------------------------------

UpdatesFeed::UpdatesFeed(HintsBench& bench)
    : bench_(bench), thread_(bench, "db updates", [this](const std::stop_token& stop) { return follow(stop); }) {}

milliseconds UpdatesFeed::follow(const std::stop_token& stop) {
  if (since_.empty()) saved_since_ = since_ = bench_.records.load_checkpoint(std::string(updates_checkpoint));
  const std::string path = "_db_updates?feed=continuous&heartbeat=" +
                           std::to_string(heartbeat.count()) + "&since=" + url_encode(since_);
  try {
    // Three heartbeats missed: the feed has stalled.
    bench_.server.stream_lines(path, 3 * heartbeat, stop, [this](std::string_view line) {
      take_line(line);
      return true;
    });
  } catch (const Refused& refused) {
    if (refused.status != 404) throw;
    // 3.x does not make the feed's database by itself.
    bench_.server.request("PUT", "_global_changes", nullptr, {412});
    if (!warned_) bench_.log.info("made _global_changes, which _db_updates needs");
    warned_ = true;
  }
  return milliseconds(100);
}

void UpdatesFeed::take_line(std::string_view line) {
  if (line.empty()) {
    save_seq_when_idle();
    return;
  }
  const auto parsed = parse_json(line);
  const json::object* row = parsed ? parsed->if_object() : nullptr;
  if (row == nullptr) return;
  const std::string name = string_or(*row, "db_name", "");
  if (bench_.relevant(name) && !bench_.hot.hears(name) &&
      string_or(*row, "type", "") != "deleted")
    bench_.schedule.mark(name);
  const json::value* seq = row->if_contains("seq");
  if (seq == nullptr) seq = row->if_contains("last_seq");
  if (seq != nullptr)
    since_ = seq->is_string() ? json::value_to<std::string>(*seq) : json::serialize(*seq);
}

// The seq is saved only while every database that it brought up is settled; else a crash would
// forget a hint. The sweep would find it, but later.
void UpdatesFeed::save_seq_when_idle() {
  if (since_ == saved_since_ || !bench_.nothing_unsettled()) return;
  saved_since_ = since_;
  bench_.records.put_checkpoint(std::string(updates_checkpoint), since_);
}

// --- Sweep -----------------------------------------------------------------------------------

Sweep::Sweep(HintsBench& bench, int rate)
    : bench_(bench), rate_(rate), thread_(bench, "sweep", [this](const std::stop_token&) { return step(); }) {}

milliseconds Sweep::step() {
  const std::vector<std::string> names = bench_.server.database_names(last_name_, infos_a_request);
  last_name_ = names.size() < infos_a_request ? "" : names.back();
  std::vector<std::string> ours;
  for (const std::string& name : names) {
    if (bench_.relevant(name)) ours.push_back(name);
  }
  if (!ours.empty()) {
    const auto infos = bench_.server.database_infos(ours);
    const auto seqs = bench_.records.checkpoints(ours);
    for (std::size_t i = 0; i < infos.size() && i < seqs.size(); ++i) {
      if (!infos[i].missing && seqs[i] != infos[i].update_seq) bench_.schedule.mark(infos[i].name);
    }
  }
  // At the end of the list a round is over; a short list is no reason to go round at once.
  const milliseconds pause = seconds(1) * static_cast<int>(ours.size()) / rate_;
  return std::max(pause, names.size() < infos_a_request ? milliseconds(seconds(5)) : milliseconds(20));
}

// --- Revisits --------------------------------------------------------------------------------

Revisits::Revisits(HintsBench& bench, HandOver hand_over)
    : bench_(bench), hand_over_(std::move(hand_over)),
      thread_(bench, "revisits", [this](const std::stop_token&) { return step(); }) {}

milliseconds Revisits::step() {
  const auto due = bench_.records.due_revisits(bench_.env.wall_now(), revisits_a_request);
  std::map<std::string, std::vector<std::string>> by_database;
  for (const Revisit& revisit : due) by_database[revisit.database].push_back(revisit.id);
  for (const auto& [database, ids] : by_database) hand_over_(database, ids);
  return revisit_interval;
}

}  // namespace channels
