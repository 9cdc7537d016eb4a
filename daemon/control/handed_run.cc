#include "control/handed_run.h"

#include <algorithm>

#include "base/utf8.h"

namespace channels {

namespace {

constexpr std::size_t longest_reason = 400;

json::object error(const std::string& reason) {
  return {{"reason", well_formed(reason, longest_reason)}};
}

}  // namespace

FromDaemon parse_from_daemon(std::string_view line) {
  FromDaemon said;
  auto value = parse_json(line);
  json::array* words = value ? value->if_array() : nullptr;
  if (words == nullptr || words->size() < 2 || !(*words)[0].is_string()) return said;
  boost::system::error_code no_number;
  said.number = (*words)[1].to_number<std::uint64_t>(no_number);
  if (no_number) return said;
  const std::string_view verb = (*words)[0].get_string();
  if (verb == "cancel") said.verb = FromDaemon::Verb::cancel;
  json::object* run = words->size() < 3 ? nullptr : (*words)[2].if_object();
  json::value* doc = run == nullptr ? nullptr : run->if_contains("doc");
  if (verb != "handle" || doc == nullptr || !doc->is_object()) return said;
  said.verb = FromDaemon::Verb::handle;
  said.database = string_or(*run, "db", "");
  said.attempt = static_cast<int>(int_or(*run, "attempt", 1));
  said.attempt_key = string_or(*run, "attempt_key", "");
  said.deadline = parse_time(string_or(*run, "deadline", "")).value_or(WallTime());
  said.cookie = string_or(*run, "cookie", "");
  said.doc = std::move(doc->get_object());
  return said;
}

std::string answer_line(std::uint64_t number, const Outcome& outcome, WallTime now) {
  json::array words{"save", number};
  if (const auto* save = std::get_if<Save>(&outcome)) {
    words.push_back(save->doc);
  } else if (std::holds_alternative<Keep>(outcome)) {
    words[0] = "keep";
  } else {
    words[0] = "error";
    json::object said;
    if (const auto* later = std::get_if<Later>(&outcome)) {
      said = error("not yet");
      said["retry_after"] = std::max<std::int64_t>(0, std::chrono::ceil<seconds>(later->due - now).count());
    } else if (const auto* lost = std::get_if<Lost>(&outcome)) {
      said = error(lost->reason);
      said["lost"] = true;
    } else {
      const auto& failed = std::get<Failed>(outcome);
      said = error(failed.reason);
      if (failed.retry_after) said["retry_after"] = failed.retry_after->count();
    }
    words.push_back(std::move(said));
  }
  return json::serialize(words) + "\n";
}

Outcome run_handler(const Handler& handler, Run& run, const Document& doc) {
  try {
    return call_handler(handler, run, doc);
  } catch (const std::exception& thrown) {
    run.log.error(doc_id(doc) + " in " + run.database.name() + ": " + thrown.what());
    return Failed{thrown.what(), std::nullopt};
  }
}

}  // namespace channels
