#include "programs/messages.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/utf8.h"

namespace channels {

namespace {

constexpr double longest_retry_after = 30.0 * 86400;
constexpr std::size_t longest_reason = 500;
constexpr std::size_t longest_name = 200;

Invalid not_understood(std::string_view line) {
  return Invalid::because("it is no message of the protocol: " + escaped(line));
}

std::string text_at(const json::array& words, std::size_t place) {
  if (words.size() <= place || !words[place].is_string()) return {};
  return json::value_to<std::string>(words[place]);
}

const json::object* object_at(const json::array& words, std::size_t place) {
  return words.size() <= place ? nullptr : words[place].if_object();
}

std::optional<std::uint64_t> number_at(const json::array& words, std::size_t place) {
  if (words.size() <= place) return std::nullopt;
  boost::system::error_code failure;
  const auto number = words[place].to_number<std::uint64_t>(failure);
  if (failure) return std::nullopt;
  return number;
}

Parsed<Message> parse_registration(const json::array& words, std::string_view line) {
  const std::string mode = text_at(words, 1);
  Registration registration{mode == "safe" ? Mode::safe : Mode::unsafe, text_at(words, 2), text_at(words, 3)};
  const bool named = !registration.type.empty() && !registration.state.empty() &&
                     std::max(registration.type.size(), registration.state.size()) <= longest_name;
  if ((mode != "safe" && mode != "unsafe") || !named || words.size() > 5) return not_understood(line);
  if (words.size() == 5) {
    const json::object* options = object_at(words, 4);
    const std::string on_lost = options == nullptr ? "" : string_or(*options, "on_lost", "park");
    if (on_lost != "park" && on_lost != "retry") return not_understood(line);
    registration.retry_lost = on_lost == "retry";
  }
  return Message(registration);
}

Failed failure_of(const json::object& said) {
  Failed failure{well_formed(string_or(said, "reason", "it gave no reason"), longest_reason), std::nullopt};
  const auto* after = said.if_contains("retry_after");
  if (after == nullptr || !after->is_number()) return failure;
  const double wanted = after->to_number<double>();
  failure.retry_after = seconds(static_cast<long>(std::ceil(std::clamp(wanted, 0.0, longest_retry_after))));
  return failure;
}

Message log_request(const json::array& words) {
  LogRequest request{Level::info, text_at(words, 1)};
  const json::object* options = object_at(words, 2);
  const std::string level = options == nullptr ? "" : string_or(*options, "level", "");
  if (level == "error") request.level = Level::error;
  if (level == "debug") request.level = Level::debug;
  return request;
}

// CouchDB refuses a whole request for a member of this kind that it does not know.
bool is_of_couchdb(std::string_view key) {
  constexpr std::array known{"_id", "_rev", "_deleted", "_attachments"};
  return key.starts_with('_') && std::find(known.begin(), known.end(), key) == known.end();
}

}  // namespace

Parsed<Message> parse_message(std::string_view line) {
  auto value = parse_json(line);
  json::array* words = value ? value->if_array() : nullptr;
  if (words == nullptr) return not_understood(line);
  const std::string verb = text_at(*words, 0);
  const auto number = number_at(*words, 1);
  if (verb == "register") return parse_registration(*words, line);
  if (verb == "ready" && words->size() == 1) return Message(Ready{});
  if (verb == "log" && words->size() >= 2 && (*words)[1].is_string()) return log_request(*words);
  if (verb == "keep" && number && words->size() == 2) return Message(KeepAnswer{*number});
  if (!number || words->size() != 3 || !(*words)[2].is_object()) return not_understood(line);
  if (verb == "save") return Message(SaveAnswer{*number, std::move((*words)[2].get_object())});
  if (verb == "error") {
    const json::object& said = (*words)[2].get_object();
    return Message(ErrorAnswer{*number, failure_of(said), is_true(said, "lost")});
  }
  return not_understood(line);
}

json::array registration_json(const Registration& registration) {
  json::array words{"register", registration.mode == Mode::safe ? "safe" : "unsafe", registration.type,
                    registration.state};
  if (registration.retry_lost) words.push_back(json::object{{"on_lost", "retry"}});
  return words;
}

std::string handle_line(std::uint64_t number, const Elsewhere::Task& task, WallTime deadline,
                        const std::string& cookie) {
  json::object run{{"db", task.database},
                   {"mode", task.mode == Mode::safe ? "safe" : "unsafe"},
                   {"attempt", task.attempt},
                   {"attempt_key", task.attempt_key},
                   {"deadline", format_time(deadline)},
                   {"cookie", cookie},
                   {"doc", task.doc}};
  return json::serialize(json::array{"handle", number, std::move(run)}) + "\n";
}

std::string cancel_line(std::uint64_t number) {
  return json::serialize(json::array{"cancel", number}) + "\n";
}

Outcome outcome_of_save(const Document& sent, Document answered) {
  if (doc_id(answered) != doc_id(sent))
    return Failed{"the handler answered with another document, " + escaped(doc_id(answered)), std::nullopt};
  for (const auto& [key, value] : answered) {
    if (is_of_couchdb(key))
      return Failed{"the handler's answer has a field " + escaped(key) + ": names that begin with _ are CouchDB's own", std::nullopt};
  }
  if (same_content(sent, answered)) return Keep{};
  answered["_rev"] = doc_rev(sent);
  return Save{std::move(answered)};
}

}  // namespace channels
