// `couchdb-channels audit`: who did what, and when, from the entries of the registry (workflows/audit.h).
#include "workflows/audit.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "base/log.h"
#include "calls/all.h"
#include "calls/calls.h"
#include "calls/whose.h"
#include "mail/address.h"

namespace channels {

namespace {

constexpr std::size_t rows_a_page = 200;
constexpr int most_entries = 10000;

struct AuditAsked {
  std::string user;
  std::string channel;
  std::string device;
  std::string since;
  int limit = 100;
  bool as_json = false;
  // Of `user`: what is older is of somebody who was erased since. Not asked for, but found.
  std::string born{};
};

struct AuditFound {
  std::vector<Document> entries;  // the oldest first
  bool are_more = false;          // after them, or before them where no time was given
};

// What an operator can see by one range of the view; the other conditions are looked at here.
std::pair<std::string, std::string> range_of(const AuditAsked& asked) {
  if (!asked.device.empty()) return {"device", asked.device};
  if (!asked.channel.empty()) return {"channel", asked.channel};
  if (!asked.user.empty()) return {"user", asked.user};
  return {"all", "all"};
}

bool is_asked_for(const Document& entry, const AuditAsked& asked) {
  const auto says = [&](const char* key, const std::string& id) { return string_or(entry, key, "") == id; };
  return (asked.user.empty() || says("user", asked.user) || says("by", asked.user)) &&
         (asked.channel.empty() || says("channel", asked.channel) || says("group", asked.channel)) && (asked.device.empty() || says("device", asked.device));
}

// An entry that a record holds is the row's value, one of its own the row's document.
const json::object* entry_in(const json::object& row) {
  const json::object* held = get_object(row, "value");
  return held == nullptr ? get_object(row, "doc") : held;
}

// As entries have it, to the millisecond: the time at which a page ended goes on there. `text` is a time.
std::string exact_time_of(const std::string& text) {
  constexpr std::size_t to_the_second = 19;
  std::string time = audit_time(*parse_time(text));
  if (text[to_the_second] != '.') return time;
  std::string digits = text.substr(to_the_second + 1, text.size() - to_the_second - 2).substr(0, 3);
  digits.resize(3, '0');
  return time.replace(to_the_second + 1, 3, digits);
}

// When each of these users came: who was erased and is back has the id that he had, and what was before is nobody's (docs/security.md).
std::map<std::string, std::string> births_of(Database& registry, const std::set<std::string>& users) {
  std::map<std::string, std::string> births;
  if (users.empty()) return births;
  std::vector<std::string> ids;
  for (const std::string& user : users) ids.push_back("user-" + user);
  for (const auto& record : registry.get_many(ids)) {
    const std::string created = record ? string_or(*record, "created", "") : "";
    if (parse_time(created)) births[string_or(*record, "user", "")] = exact_time_of(created);
  }
  return births;
}

bool has_older(Database& registry, const AuditAsked& asked) {
  if (asked.born.empty()) return false;
  const json::object query{{"descending", true},
                           {"startkey", json::array{"user", asked.user, asked.born}},
                           {"endkey", json::array{"user", asked.user}},
                           {"limit", 1}};
  return !registry.view("audit", query).empty();
}

// With a time, the first ones from then on; else the last.
json::object query_of(const AuditAsked& asked) {
  const auto [kind, id] = range_of(asked);
  json::object query{{"include_docs", true}, {"limit", rows_a_page}};
  const bool is_backwards = asked.since.empty();
  query["descending"] = is_backwards;
  query[is_backwards ? "endkey" : "startkey"] = json::array{kind, id, std::max(asked.since, asked.born)};
  query[is_backwards ? "startkey" : "endkey"] = json::array{kind, id, json::object()};
  return query;
}

AuditFound find_entries(Database& registry, const AuditAsked& asked) {
  json::object query = query_of(asked);
  AuditFound found;
  std::string last;
  while (true) {
    const auto rows = registry.view("audit", query);
    for (const json::object& row : rows) {
      const json::object* entry = entry_in(row);
      if (entry == nullptr || !is_asked_for(*entry, asked)) continue;
      // One that is written and still in its record is two rows, side by side. What was written counts.
      if (std::exchange(last, doc_id(*entry)) == doc_id(*entry)) {
        if (get_object(row, "value") == nullptr) found.entries.back() = *entry;
        continue;
      }
      found.are_more = found.entries.size() == static_cast<std::size_t>(asked.limit);
      if (found.are_more) break;
      found.entries.push_back(*entry);
    }
    if (found.are_more || rows.size() < rows_a_page) break;
    query["startkey"] = rows.back().at("key");
    query["startkey_docid"] = rows.back().at("id");
    query["skip"] = 1;
  }
  if (asked.since.empty()) std::reverse(found.entries.begin(), found.entries.end());
  return found;
}

std::set<std::string> users_in(const std::vector<Document>& entries) {
  std::set<std::string> users;
  for (const Document& entry : entries) {
    for (const char* key : {"user", "by"}) users.insert(string_or(entry, key, ""));
  }
  users.erase("");
  return users;
}

json::object shown_entry(const Document& entry, const std::map<std::string, std::string>& births) {
  json::object shown{{"id", doc_id(entry)}};
  for (const auto& [key, value] : entry) {
    if (!key.starts_with('_') && key != "type" && key != "after") shown[key] = value;
  }
  for (const char* key : {"user", "by"}) {
    const auto born = births.find(string_or(entry, key, ""));
    if (born != births.end() && string_or(entry, "at", "") < born->second) shown[key] = "erased";
  }
  if (!is_as_written(entry)) shown["altered"] = true;
  return shown;
}

void print_entry(const json::object& entry, std::ostream& out) {
  out << escaped(string_or(entry, "at", "?")) << "  " << escaped(string_or(entry, "what", "?")) << "  by "
      << escaped(string_or(entry, "by", "?"));
  for (const auto& [key, value] : entry) {
    if (key == "id" || key == "at" || key == "what" || key == "by" || key == "altered") continue;
    const json::string* text = value.if_string();
    out << "  " << escaped(key);
    if (value != json::value(true)) out << " " << escaped(text == nullptr ? json::serialize(value) : std::string(*text));
  }
  if (is_true(entry, "altered")) out << "  ALTERED: " << escaped(string_or(entry, "id", "")) << " does not fit what it says";
  out << "\n";
}

// A user id is taken as it is: his entries stay when he is erased. False if nobody is known by the address.
bool find_user(Operator& by, AuditAsked& asked) {
  if (!parse_address(asked.user)) return true;
  const auto person = find_person(by, asked.user);
  if (!person) return false;
  if (person->user.empty()) by.out << "no user yet: no device was confirmed\n";
  asked.user = person->user;
  return !asked.user.empty();
}

int print_audit(Operator& by, AuditAsked asked) {
  if (!find_user(by, asked)) return exit_failed;
  if (!asked.since.empty()) asked.since = exact_time_of(asked.since);
  Database registry(by.server, by.settings.registry_db);
  if (!asked.user.empty()) asked.born = births_of(registry, {asked.user})[asked.user];
  const AuditFound found = find_entries(registry, asked);
  const auto births = births_of(registry, users_in(found.entries));
  json::array entries;
  for (const Document& entry : found.entries) entries.push_back(shown_entry(entry, births));
  const bool was_erased = has_older(registry, asked);
  const bool any_altered =
      std::any_of(entries.begin(), entries.end(), [](const json::value& entry) { return is_true(entry.as_object(), "altered"); });
  if (asked.as_json) {
    json::object answer{{"entries", entries}, {"more", found.are_more}};
    if (was_erased) answer["erased_before"] = asked.born;
    by.out << json::serialize(answer) << "\n";
    return any_altered ? exit_failed : 0;
  }
  if (was_erased) by.out << "(what was before " << asked.born << " is not shown: this user was erased, and came back)\n";
  if (found.are_more && asked.since.empty()) by.out << "(there are older ones: --since TIME, --limit N)\n";
  for (const json::value& entry : entries) print_entry(entry.as_object(), by.out);
  if (entries.empty()) by.out << "no entry\n";
  if (found.are_more && !asked.since.empty())
    by.out << "(there are more: --since " << string_or(found.entries.back(), "at", "") << ")\n";
  return any_altered ? exit_failed : 0;
}

}  // namespace

void add_audit(Calls& calls) {
  auto asked = std::make_shared<AuditAsked>();
  CLI::App& command = calls.add("audit", "who did what to which device, channel or membership, and when",
                                [asked](Operator& by) { return print_audit(by, *asked); });
  command.add_option("--user", asked->user, "what he did, and what was done to him: a user id or an e-mail address");
  command.add_option("--channel", asked->channel, "its id, or a group's")->type_name("ID");
  command.add_option("--device", asked->device, "its id")->type_name("ID");
  command.add_option("--since", asked->since, "from then on, as 2024-05-01T12:00:00Z; else the last ones")
      ->type_name("TIME")
      ->check([](const std::string& text) { return parse_time(text) ? "" : text + " is no time as 2024-05-01T12:00:00Z"; });
  command.add_option("--limit", asked->limit, "so many at most, default 100")->type_name("N")->check(CLI::Range(1, most_entries));
  command.add_flag("--json", asked->as_json, "one JSON object");
}

}  // namespace channels
