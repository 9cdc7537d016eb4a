#include "workflows/rollout/rollout_state.h"

#include <algorithm>
#include <array>
#include <limits>

namespace channels {

namespace {

// Of all channels, by the end of each wave.
constexpr std::array<double, last_wave> wave_shares{0.01, 0.1, 1};
// More than a tenth of a wave: it stops. A wave of fewer than ten channels is judged at its end only.
constexpr std::int64_t failed_in = 10;
constexpr std::int64_t enough_to_judge = 10;
// The document is read every two seconds.
constexpr std::size_t most_reports = 100;
constexpr std::size_t most_failures = 20;

std::int64_t count_in(const Document& rollout, std::string_view key) {
  return int_or(rollout, key, 0);
}

void add_count(Document& rollout, std::string_view key, std::int64_t more) {
  rollout[key] = count_in(rollout, key) + more;
}

std::int64_t end_of_wave(const Document& rollout) {
  const std::int64_t wave = std::clamp<std::int64_t>(count_in(rollout, "wave"), 1, last_wave);
  if (wave == last_wave) return std::numeric_limits<std::int64_t>::max();
  const double share = wave_shares.at(static_cast<std::size_t>(wave - 1));
  const auto channels = static_cast<double>(count_in(rollout, "channels"));
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(channels * share + 0.999));
}

bool too_many_failed(const Document& rollout, bool at_end) {
  const std::int64_t visited = count_in(rollout, "wave_visited");
  if (!at_end && visited < enough_to_judge) return false;
  return count_in(rollout, "wave_failed") * failed_in > visited;
}

void begin_wave(Document& rollout, std::int64_t wave) {
  rollout["wave"] = wave;
  rollout["wave_visited"] = 0;
  rollout["wave_failed"] = 0;
}

void stop_rollout(Document& rollout, WallTime now) {
  rollout["state"] = "stopped";
  rollout["ended"] = format_time(now);
  std::string last;
  if (const json::array* failures = get_array(rollout, "failures"); failures != nullptr && !failures->empty()) {
    if (const json::object* failure = failures->back().if_object()) last = string_or(*failure, "reason", "");
  }
  rollout["reason"] = std::to_string(count_in(rollout, "wave_failed")) + " of the " +
                      std::to_string(count_in(rollout, "wave_visited")) + " channels of wave " +
                      std::to_string(count_in(rollout, "wave")) + " failed, the last one with: " + last;
}

void add_bounded(Document& rollout, std::string_view key, json::object entry, std::size_t most) {
  json::value& list = rollout[key];
  if (!list.is_array()) list = json::array();
  json::array& entries = list.as_array();
  entries.push_back(std::move(entry));
  if (entries.size() > most) entries.erase(entries.begin());
}

void restart(Document& rollout, std::int64_t wave) {
  for (const char* key : {"reason", "ended", "reports", "failures"}) rollout.erase(key);
  for (const char* key : {"visited", "failed", "kept"}) rollout[key] = 0;
  // Never the same twice: what failed in an earlier rollout of this version is tried again.
  rollout["attempt"] = count_in(rollout, "attempt") + 1;
  rollout["state"] = "running";
  rollout["worker"] = "";
  begin_wave(rollout, wave);
}

// Those that failed count as not visited: they are to be visited again.
void try_failed_again(Document& rollout) {
  rollout["attempt"] = count_in(rollout, "attempt") + 1;
  rollout["visited"] = count_in(rollout, "visited") - count_in(rollout, "failed");
  rollout["failed"] = 0;
  for (const char* key : {"reason", "ended", "failures"}) rollout.erase(key);
  begin_wave(rollout, std::max<std::int64_t>(1, count_in(rollout, "wave")));
}

}  // namespace

std::string key_of_failed(const Document& rollout) {
  return string_or(rollout, "version", "") + "!" + std::to_string(count_in(rollout, "attempt"));
}

std::vector<KeyRange> waiting_ranges(const Document& rollout) {
  const std::string had = string_or(rollout, "version", "");
  const std::string failed = key_of_failed(rollout);
  // "!" is before all that keys are made of, so KEY + "!" is the first one after KEY.
  std::vector<KeyRange> ranges{{had + "!", failed}, {failed + "!", ""}};
  if (!had.empty()) ranges.insert(ranges.begin(), {"", had});
  return ranges;
}

std::int64_t left_in_wave(const Document& rollout) {
  return end_of_wave(rollout) - count_in(rollout, "visited");
}

void note_results(Document& rollout, const RolloutResults& results, WallTime now) {
  const auto failed = static_cast<std::int64_t>(results.failures.size());
  add_count(rollout, "visited", results.visited);
  add_count(rollout, "wave_visited", results.visited);
  add_count(rollout, "failed", failed);
  add_count(rollout, "wave_failed", failed);
  add_count(rollout, "kept", static_cast<std::int64_t>(results.reports.size()));
  for (const auto& [channel, id, what] : results.reports)
    add_bounded(rollout, "reports", {{"channel", channel}, {"id", id}, {"what", what}}, most_reports);
  for (const auto& [channel, reason] : results.failures)
    add_bounded(rollout, "failures", {{"channel", channel}, {"reason", reason}}, most_failures);
  if (doc_state(rollout) != "running") return;
  const bool at_end = left_in_wave(rollout) <= 0;
  if (too_many_failed(rollout, at_end)) return stop_rollout(rollout, now);
  while (left_in_wave(rollout) <= 0) begin_wave(rollout, count_in(rollout, "wave") + 1);
}

void finish_rollout(Document& rollout, WallTime now) {
  if (doc_state(rollout) != "running") return;
  if (too_many_failed(rollout, true)) return stop_rollout(rollout, now);
  rollout["state"] = "done";
  rollout["ended"] = format_time(now);
}

void begin_rollout(Document& rollout, const std::string& version, std::int64_t channels, WallTime now) {
  rollout["type"] = "rollout";
  rollout["template"] = version;
  const std::string known = string_or(rollout, "version", "");
  if (known == version && rollout.contains("state")) return;
  // One that did not come to its end is nothing to go back to; where a way back leads to is.
  if (doc_state(rollout) == "done" || is_true(rollout, "back")) rollout["before"] = known;
  if (!rollout.contains("before")) rollout["before"] = "";
  rollout.erase("back");
  rollout["version"] = version;
  rollout["channels"] = channels;
  rollout["started"] = format_time(now);
  restart(rollout, 1);
}

void begin_again(Document& rollout) {
  if (doc_state(rollout) != "done") return;
  rollout["state"] = "running";
  rollout["worker"] = "";
  begin_wave(rollout, last_wave);
}

std::optional<std::string> pause_rollout(Document& rollout) {
  if (doc_state(rollout) == "paused") return std::nullopt;
  if (doc_state(rollout) != "running") return "no rollout is running";
  rollout["state"] = "paused";
  return std::nullopt;
}

std::optional<std::string> resume_rollout(Document& rollout) {
  const std::string state = doc_state(rollout);
  if (state == "running") return std::nullopt;
  if (state == "stopped" || (state == "done" && count_in(rollout, "failed") > 0)) {
    try_failed_again(rollout);
  } else if (state != "paused") {
    return "there is nothing to resume";
  }
  rollout["state"] = "running";
  rollout["worker"] = "";
  return std::nullopt;
}

std::optional<std::string> roll_back(Document& rollout, WallTime now) {
  if (is_true(rollout, "back")) return "the channels are on their way back, or are back: change template_db";
  const json::value* before = rollout.if_contains("before");
  if (before == nullptr || !before->is_string()) return "no version before this one is known";
  if (*before == rollout.at("version")) return "the version before is the same";
  rollout["version"] = *before;
  rollout.erase("before");
  rollout["back"] = true;
  rollout["started"] = format_time(now);
  restart(rollout, last_wave);
  return std::nullopt;
}

}  // namespace channels
