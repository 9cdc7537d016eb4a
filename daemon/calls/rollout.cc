#include <memory>
#include <optional>
#include <set>

#include "base/errors.h"
#include "base/log.h"
#include "calls/all.h"
#include "calls/calls.h"
#include "couch/database.h"
#include "workflows/rollout/rollout_state.h"

namespace channels {

namespace {

constexpr int most_rollout_saves = 5;

struct RolloutAsked {
  std::string action = "status";
  bool as_json = false;
};

std::int64_t count_of(Database& registry, const json::object& range) {
  json::object query = range;
  query["reduce"] = true;
  const auto rows = registry.view("channels_by_template", query);
  return rows.empty() ? 0 : int_or(rows.front(), "value", 0);
}

// What the channels' records say now, whatever the rollout has counted.
json::object channels_now(Database& registry, const Document& rollout) {
  const std::int64_t all = count_of(registry, {});
  const std::int64_t have = count_of(registry, {{"key", string_or(rollout, "version", "")}});
  const std::int64_t failed = count_of(registry, {{"key", key_of_failed(rollout)}});
  return {{"all", all}, {"have", have}, {"failed", failed}, {"waiting", all - have - failed}};
}

json::object rollout_json(Operator& by, Database& registry, const Document& rollout) {
  json::object out{{"template_db", by.settings.template_db}, {"state", "none"}};
  if (rollout.empty()) return out;
  for (const char* key : {"state", "version", "before", "wave", "kept", "reports", "failures", "reason", "started",
                          "ended"}) {
    if (const json::value* value = rollout.if_contains(key)) out[key] = *value;
  }
  out["back"] = is_true(rollout, "back");
  out["channels"] = channels_now(registry, rollout);
  return out;
}

void print_entries(const json::object& status, const char* list, std::ostream& out) {
  const json::array* entries = get_array(status, list);
  if (entries == nullptr) return;
  for (const json::value& value : *entries) {
    const json::object* entry = value.if_object();
    if (entry == nullptr) continue;
    const std::string channel = escaped(string_or(*entry, "channel", "?"));
    if (entry->contains("id")) {
      out << "  kept: " << escaped(string_or(*entry, "id", "?")) << " in channel " << channel << ", "
          << string_or(*entry, "what", "?") << " there\n";
    } else {
      out << "  failed: channel " << channel << ": " << escaped(string_or(*entry, "reason", "?")) << "\n";
    }
  }
}

void print_rollout(const json::object& status, std::ostream& out) {
  const json::object* channels = get_object(status, "channels");
  if (channels == nullptr) {
    out << (string_or(status, "template_db", "").empty() ? "no [channels] template_db is set\n" : "no rollout\n");
    return;
  }
  const std::string version = string_or(status, "version", "");
  out << (is_true(status, "back") ? "back to template " : "template ")
      << (version.empty() ? "without documents" : version) << ": " << string_or(status, "state", "?");
  if (string_or(status, "state", "") != "done") out << ", wave " << int_or(status, "wave", 0) << " of " << last_wave;
  out << "\n  " << int_or(*channels, "have", 0) << " of " << int_or(*channels, "all", 0) << " channels have it, "
      << int_or(*channels, "waiting", 0) << " wait, " << int_or(*channels, "failed", 0) << " failed; "
      << int_or(status, "kept", 0) << " documents kept\n";
  const std::string reason = string_or(status, "reason", "");
  if (!reason.empty()) out << "  " << escaped(reason) << "\n";
  print_entries(status, "failures", out);
  print_entries(status, "reports", out);
}

using Way = std::optional<std::string> (*)(Document& rollout, WallTime now);

Way way_of(const std::string& action) {
  if (action == "pause") return [](Document& rollout, WallTime) { return pause_rollout(rollout); };
  if (action == "resume") return [](Document& rollout, WallTime) { return resume_rollout(rollout); };
  return [](Document& rollout, WallTime now) { return roll_back(rollout, now); };
}

// The daemon saves the same document: the newest is changed. Why it is not to be; nullopt if it is done.
std::optional<std::string> change_rollout(Operator& by, Database& registry, Way way) {
  for (int tries = 0; tries < most_rollout_saves; ++tries) {
    auto rollout = registry.get(rollout_id);
    if (!rollout) return "there is no rollout";
    if (auto fault = way(*rollout, by.env.wall_now())) return fault;
    if (registry.save(*rollout).ok()) return std::nullopt;
  }
  throw Unavailable("the rollout changes all the time");
}

int rollout(Operator& by, const RolloutAsked& asked) {
  Database registry(by.server, by.settings.registry_db);
  if (asked.action != "status") {
    if (const auto fault = change_rollout(by, registry, way_of(asked.action))) return exit_with(*fault, exit_failed);
  }
  const json::object status = rollout_json(by, registry, registry.get(rollout_id).value_or(Document{}));
  if (asked.as_json) {
    by.out << json::serialize(status) << "\n";
  } else {
    print_rollout(status, by.out);
  }
  return string_or(status, "state", "") == "stopped" ? exit_failed : 0;
}

}  // namespace

void add_rollout(Calls& calls) {
  auto asked = std::make_shared<RolloutAsked>();
  CLI::App& command = calls.add("rollout", "how far all channels have the newest template_db; pause it, go on, go back",
                                [asked](Operator& by) { return rollout(by, *asked); });
  command.add_option("ACTION", asked->action, "what to do")
      ->check(CLI::IsMember(std::set<std::string>{"status", "pause", "resume", "back"}));
  command.add_flag("--json", asked->as_json, "one JSON object");
}

}  // namespace channels
