#include "workflows/rollout/rollout.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "base/errors.h"
#include "base/log.h"
#include "workflows/rollout/rollout_state.h"
#include "workflows/rollout/template_store.h"

namespace channels {

namespace {

constexpr milliseconds between_looks{2000};
// Channels that were made from an older version while a rollout came to its end.
constexpr milliseconds between_looks_for_stragglers = seconds(60);
// Well within the shortest lease.
constexpr milliseconds between_beats{5000};
// What was wrong with the template is looked at again then: a _security is in no seq.
constexpr milliseconds between_refused_reads = seconds(60);
// For each thread: more, and a wave is known to fail later; fewer, and the slowest one holds up the others.
constexpr int channels_a_thread = 4;

std::int64_t number_of_channels(Services& services) {
  const auto rows = services.registry.database().view("channels_by_template", {{"reduce", true}});
  return rows.empty() ? 0 : int_or(rows.front(), "value", 0);
}

}  // namespace

Rollout::Rollout(Services& services, seconds lease)
    : services_(services),
      lease_(lease),
      worker_(hex(services.env.random_bytes(8))),
      changed_(services.env.make_signal()) {
  try {
    look_at_template();
    use(services_.registry.get(rollout_id).value_or(Document{}));
  } catch (const std::exception& trouble) {  // Unavailable or Refused: the thread looks again
    say(trouble.what());
  }
  thread_ = services_.env.start("rollouts", [this] { work(); });
}

Rollout::~Rollout() {
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    changed_->notify_all();
  }
  thread_.reset();
}

bool Rollout::wait(milliseconds time) {
  const MonoTime until = services_.env.mono_now() + time;
  std::unique_lock lock(mutex_);
  while (!stop_.stop_requested() && services_.env.mono_now() < until) changed_->wait_until(lock, until);
  return !stop_.stop_requested();
}

void Rollout::say(const std::string& trouble) {
  if (std::exchange(said_, trouble) != trouble && !trouble.empty())
    services_.log.info("[channels] template_db = " + services_.options.template_db + ": " + trouble);
}

void Rollout::work() {
  while (wait(between_looks)) {
    try {
      look();
    } catch (const std::exception& trouble) {  // Unavailable or Refused
      if (!stop_.stop_requested()) say(trouble.what());
    }
  }
}

void Rollout::look() {
  look_at_template();
  Document rollout = services_.registry.get(rollout_id).value_or(Document{});
  use(rollout);
  if (doc_state(rollout) == "done") look_for_stragglers(rollout);
  if (doc_state(rollout) == "running" && is_mine(rollout)) run(std::move(rollout));
}

// --- The template

void Rollout::look_at_template() {
  const std::string seq = Database(services_.server, services_.options.template_db).update_seq();
  const bool is_quiet = std::exchange(seen_seq_, seq) == seq || read_seq_.empty();
  const bool was_refused = seq == refused_seq_ && services_.env.mono_now() < next_read_;
  if (!is_quiet || seq == read_seq_ || was_refused) return;
  const auto read = read_template_db(services_);
  if (!read) {
    refused_seq_ = seq;
    next_read_ = services_.env.mono_now() + between_refused_reads;
    return say(read.error().reason + "; it is not rolled out");
  }
  say("");
  begin(*read);
  read_seq_ = seq;
}

void Rollout::begin(const ChannelTemplate& read) {
  const Document known = services_.registry.get(rollout_id).value_or(Document{});
  if (std::exchange(is_lost_, false)) keep_template(services_, read);
  if (string_or(known, "template", "") == read.version) return;
  // A database that was made anew is no wish to delete everything everywhere.
  if (read.docs.empty()) return say("has no documents any more; what channels have of it stays");
  keep_template(services_, read);
  const std::int64_t channels = number_of_channels(services_);
  services_.registry.update(rollout_id, [&](Document& rollout) {
    if (string_or(rollout, "template", "") == read.version) return false;
    begin_rollout(rollout, read.version, channels, services_.env.wall_now());
    rollout["worker"] = worker_;
    return true;
  });
  services_.log.info("template " + read.version + " is rolled out to " + std::to_string(channels) + " channels");
}

// Somebody deleted it, or a worker dropped it while another kept it. If it is that of template_db it comes back with
// the next read.
void Rollout::lost(const std::string& version) {
  if (std::exchange(lost_version_, version) == version) return;
  say("the registry has not all documents of template " + version);
  is_lost_ = true;
  read_seq_.clear();
}

void Rollout::use(const Document& rollout) {
  if (rollout.empty()) return;
  const std::string version = string_or(rollout, "version", "");
  const auto used = services_.template_in_use.get();
  if (used && used->version == version) return;
  auto loaded = load_template(services_, version);
  if (!loaded) return lost(version);
  services_.template_in_use.put(std::make_shared<const ChannelTemplate>(std::move(*loaded)));
}

// --- Who runs it

bool Rollout::take(Document& rollout) {
  rollout["worker"] = worker_;
  rollout["beat"] = int_or(rollout, "beat", 0) + 1;
  const Saved saved = services_.registry.database().save(rollout);
  rollout["_rev"] = saved.rev;
  return saved.outcome == Saved::Outcome::saved;  // below quorum it may be another's, too
}

bool Rollout::is_mine(Document& rollout) {
  const std::string worker = string_or(rollout, "worker", "");
  if (worker == worker_) return true;
  const MonoTime now = services_.env.mono_now();
  if (std::exchange(watched_rev_, doc_rev(rollout)) != doc_rev(rollout)) watched_since_ = now;
  if (!worker.empty() && now - watched_since_ < lease_) return false;
  return take(rollout);
}

void Rollout::look_for_stragglers(Document& rollout) {
  const MonoTime now = services_.env.mono_now();
  if (now < next_stragglers_) return;
  next_stragglers_ = now + between_looks_for_stragglers;
  if (waiting_channels(rollout, 1).empty()) return;
  begin_again(rollout);
  if (!take(rollout)) rollout.clear();  // another worker was faster
}

// --- Running it

std::vector<std::string> Rollout::waiting_channels(const Document& rollout, std::int64_t most) {
  std::vector<std::string> ids;
  for (const KeyRange& range : waiting_ranges(rollout)) {
    const std::int64_t left = most - static_cast<std::int64_t>(ids.size());
    if (left <= 0) break;
    json::object query{{"reduce", false}, {"limit", left}, {"inclusive_end", false}, {"startkey", range.from}};
    if (!range.to.empty()) query["endkey"] = range.to;
    for (const json::object& row : services_.registry.database().view("channels_by_template", query))
      ids.push_back(string_or(row, "id", ""));
  }
  return ids;
}

bool Rollout::goes_on(const Document& rollout, const std::string& version) const {
  return doc_state(rollout) == "running" && string_or(rollout, "worker", "") == worker_ &&
         string_or(rollout, "version", "") == version;
}

// Leaves it alone where it is another worker's, or another rollout, by now. Gives it as it is.
Document Rollout::save(const Document& rollout, const std::function<void(Document&)>& change) {
  last_save_ = services_.env.mono_now();
  return services_.registry.update(rollout_id, [&](Document& current) {
    if (string_or(current, "worker", "") != worker_ ||
        string_or(current, "version", "") != string_or(rollout, "version", "") ||
        int_or(current, "attempt", 0) != int_or(rollout, "attempt", 0))
      return false;
    change(current);
    current["beat"] = int_or(current, "beat", 0) + 1;
    return true;
  });
}

// Tells the others that this worker lives, hears whether it is to go on, and takes the time of a read.
bool Rollout::probe(const Document& rollout) {
  const MonoTime began = services_.env.mono_now();
  Document now = services_.registry.get(rollout_id).value_or(Document{});
  const MonoTime ended = services_.env.mono_now();
  pace_.took(std::chrono::duration_cast<milliseconds>(ended - began));
  if (ended - last_save_ > between_beats) now = save(rollout, [](Document&) {});
  return goes_on(now, string_or(rollout, "version", ""));
}

bool Rollout::step(Document& rollout, const RolloutTarget& target) {
  const auto now = [this] { return services_.env.wall_now(); };
  const std::int64_t left = left_in_wave(rollout);
  const std::int64_t at_once = pace_.at_once();
  const std::vector<std::string> ids = waiting_channels(rollout, std::min(at_once * channels_a_thread, left));
  if (ids.empty()) {
    rollout = save(rollout, [&](Document& current) {
      left > 0 ? finish_rollout(current, now()) : note_results(current, {}, now());
    });
  } else {
    const json::object failed_as{{"version", target.wanted.version}, {"attempt", int_or(rollout, "attempt", 0)}};
    const RolloutResults results = run_slice(services_, target, {ids, static_cast<int>(at_once)}, failed_as,
                                             [&] { return probe(rollout); }, stop_.get_token());
    rollout = save(rollout, [&](Document& current) { note_results(current, results, now()); });
  }
  return goes_on(rollout, target.wanted.version) && wait(pace_.rest());
}

void Rollout::run(Document rollout) {
  auto wanted = load_template(services_, string_or(rollout, "version", ""));
  if (!wanted) return lost(string_or(rollout, "version", ""));
  const RolloutTarget target{std::move(*wanted), template_history(services_)};
  while (step(rollout, target)) {
  }
  if (doc_state(rollout) == "running" && stop_.stop_requested())
    save(rollout, [](Document& current) { current["worker"] = ""; });  // the next one need not wait for the lease's end
  if (doc_state(rollout) == "stopped")
    services_.log.error("the rollout has stopped: " + string_or(rollout, "reason", ""));
  if (doc_state(rollout) == "done") all_have_it(rollout);
}

void Rollout::all_have_it(const Document& rollout) {
  const std::string version = string_or(rollout, "version", "");
  drop_templates_but(services_, {version, string_or(rollout, "before", ""), string_or(rollout, "template", "")});
  services_.log.info("all channels have template " + version + "; " + std::to_string(int_or(rollout, "failed", 0)) +
                     " failed, " + std::to_string(int_or(rollout, "kept", 0)) + " changed documents were kept");
}

}  // namespace channels
