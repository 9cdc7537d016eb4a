#include "workflows/introductions.h"

#include <optional>

#include "workflows/audit.h"
#include "workflows/channel_claims.h"
#include "workflows/groups.h"
#include "workflows/group_sharing.h"
#include "workflows/members.h"
#include "workflows/sharing.h"
#include "workflows/wish.h"

namespace channels {

namespace {

constexpr std::string_view shows_names = "names";
constexpr std::string_view shows_addresses = "addresses";
constexpr std::string_view shows_nothing = "nothing";

constexpr std::size_t most_members = 200;
// All that a copy says of its members: with more of it, copies of two devices could not be united any more (conflicts.cc).
constexpr std::size_t most_bytes = 20000;
// Beside it, all names of groups.
constexpr std::size_t most_bytes_of_groups = 2000;

std::string user_in(const json::value& member) {
  return string_or(member.as_object(), "user", "");
}

std::string group_in(const json::value& entry) {
  return string_or(entry.as_object(), "group", "");
}

std::optional<Fault> fault_of_show(const Document& record, const std::string& by, std::string_view shows) {
  if (doc_state(record) != "ready" || !is_member(record, by))
    return Fault{"no_member", "There is no such channel or group for this user."};
  if (access_of(record, by) != access_owner)
    return Fault{"no_owner", "Only an owner decides what members see of each other."};
  if (shows != shows_nothing && shows != shows_names && shows != shows_addresses)
    return Fault{"bad_wish", "Members see \"nothing\", \"names\" or \"addresses\" of each other."};
  return std::nullopt;
}

}  // namespace

std::string shown_of_members(const Document& record) {
  return string_or(record, "shows", "");
}

void Introductions::read_names(const json::array& members) {
  std::vector<std::string> ids;
  for (const json::value& member : members) {
    const std::string user = user_in(member);
    if (people_.emplace(user, Person{}).second) ids.push_back("user-" + user);
  }
  if (ids.empty()) return;
  for (const auto& record : services_.registry.database().get_many(ids)) {
    if (!record) continue;
    Person& person = people_[string_or(*record, "user", "")];
    person.name = string_or(*record, "name", "");
    person.digest = string_or(*record, "address", "");
  }
}

void Introductions::read_addresses(const json::array& members) {
  std::vector<std::string> ids;
  std::vector<Person*> whose;
  for (const json::value& member : members) {
    Person& person = people_[user_in(member)];
    if (person.digest.empty() || !person.address.empty()) continue;
    ids.push_back(address_record_id(person.digest));
    whose.push_back(&person);
  }
  if (ids.empty()) return;
  const auto records = services_.registry.database().get_many(ids);
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (records[i]) whose[i]->address = string_or(*records[i], "address", "");
  }
}

void Introductions::read_group_names(const json::array& groups) {
  std::vector<std::string> ids;
  for (const json::value& entry : groups) {
    if (group_names_.emplace(group_in(entry), "").second) ids.push_back(channel_record_id(group_in(entry)));
  }
  if (ids.empty()) return;
  for (const auto& record : services_.registry.database().get_many(ids)) {
    if (record && is_group(*record)) group_names_[channel_id_of(*record)] = string_or(*record, "name", "");
  }
}

json::array Introductions::groups(const Document& record) {
  json::array shown = shown_groups(record);
  if (shown_of_members(record).empty()) return shown;
  read_group_names(shown);
  std::size_t bytes = 0;
  for (json::value& entry : shown) {
    const std::string& name = group_names_.find(group_in(entry))->second;
    if (name.empty()) continue;
    bytes += json::serialize(json::value(name)).size();
    if (bytes > most_bytes_of_groups) break;
    entry.as_object()["name"] = name;
  }
  return shown;
}

json::array Introductions::members(const Document& record) {
  json::array shown = shown_members(record, most_members);
  const std::string shows = shown_of_members(record);
  if (shows.empty()) return shown;
  read_names(shown);
  if (shows == shows_addresses) read_addresses(shown);
  std::size_t bytes = json::serialize(shown).size();
  for (json::value& member : shown) {
    const Person& person = people_.find(user_in(member))->second;
    json::object introduced = member.as_object();
    if (!person.name.empty()) introduced["name"] = person.name;
    if (shows == shows_addresses && !person.address.empty()) introduced["address"] = person.address;
    bytes += json::serialize(introduced).size() - json::serialize(member).size();
    if (bytes > most_bytes) break;
    member = std::move(introduced);
  }
  return shown;
}

Outcome change_introductions(Services& services, Run& run, const Document& doc, const Document& record) {
  const std::string by = services.user_of(run.database);
  const std::string shows = string_or(doc, "shows", "");
  const Fulfilled changed = fulfil(services, record, run.attempt_key, [&](Document& current) {
    auto fault = fault_of_show(current, by, shows);
    if (fault) return fault;
    if (shows == shows_nothing) current.erase("shows");
    else current["shows"] = shows;
    current["members_changed"] = format_time(run.env.wall_now());
    note_audit(current, {"members show " + shows, by, {{"channel", channel_id_of(current)}}}, run.env.wall_now());
    note_handled(current, run.attempt_key);
    return fault;
  });
  if (changed.fault) return answer_wish(doc, changed.fault);
  if (is_group(changed.record)) show_group(services, changed.record);
  else share_out(services, changed.record);
  return answer_wish(doc, std::nullopt);
}

}  // namespace channels
