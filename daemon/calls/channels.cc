#include <map>
#include <memory>

#include "base/log.h"
#include "calls/all.h"
#include "calls/calls.h"
#include "calls/whose.h"
#include "workflows/channel_claims.h"
#include "workflows/channel_ends.h"
#include "workflows/groups.h"
#include "workflows/members.h"
#include "workflows/publication.h"

namespace channels {

namespace {

struct ChannelsAsked {
  std::string whose;
  bool as_json = false;
};

// A channel that a user has, by himself or otherwise.
struct Had {
  Document record;
  std::string access;
  json::array groups{};     // the ids of those through which he has it
  bool is_followed = false;  // a public one
};

using HadById = std::map<std::string, Had>;

std::vector<Document> rows_of(Operator& by, std::string_view view, json::object query) {
  query["include_docs"] = true;
  query["limit"] = most_shown;
  std::vector<Document> docs;
  for (const json::object& row : Database(by.server, by.settings.registry_db).view(view, query)) {
    if (const json::object* doc = get_object(row, "doc")) docs.push_back(*doc);
  }
  return docs;
}

void add_through_groups(Operator& by, const std::string& user, HadById& had) {
  for (const Document& group : rows_of(by, "groups_by_user", {{"key", user}})) {
    const std::string id = channel_id_of(group);
    for (const Document& record : rows_of(by, "channels_by_group", {{"key", id}})) {
      const std::string access = access_through(group_access(record, id), access_of(group, user));
      if (!is_access(access)) continue;
      Had& here = had.try_emplace(channel_id_of(record), Had{record, ""}).first->second;
      here.access = higher_access(here.access, access);
      here.groups.emplace_back(id);
    }
  }
}

void add_followed(Operator& by, const std::string& user, HadById& had) {
  Database registry(by.server, by.settings.registry_db);
  for (const Document& follower : rows_of(by, "by_person", {{"key", json::array{user, "follower"}}})) {
    const std::string id = string_or(follower, "channel", "");
    if (doc_state(follower) != "following" || had.contains(id)) continue;
    const auto record = registry.get(channel_record_id(id));
    if (record && is_public(*record)) had.emplace(id, Had{*record, std::string(access_reader), {}, true});
  }
}

HadById channels_had(Operator& by, const std::string& user) {
  HadById had;
  for (const Document& record : documents_of(by, "channels_by_user", user, most_shown))
    had.emplace(channel_id_of(record), Had{record, access_of(record, user)});
  add_through_groups(by, user, had);
  add_followed(by, user, had);
  return had;
}

// {"id", "name", "state", "database", "access", "subscription"[, "groups": [ID]][, "followed": true]}; the subscription is the choice of
// the user's devices.
json::object channel_json(Operator& by, const Person& person, const Had& had, Database& control) {
  const Document& record = had.record;
  const std::string id = channel_id_of(record);
  const auto subscription = control.get(id + "-sub-" + person.user);
  json::object channel{{"id", id},
                       {"name", string_or(record, "name", "")},
                       {"state", is_archived(record) && !is_ended(record) ? "archived" : doc_state(record)},
                       {"database", by.settings.channel_prefix + id},
                       {"access", had.access},
                       {"subscription", subscription ? doc_state(*subscription) : "none"}};
  if (!had.groups.empty()) channel["groups"] = had.groups;
  if (had.is_followed) channel["followed"] = true;
  return channel;
}

void print_channel(const json::object& channel, std::ostream& out) {
  out << string_or(channel, "id", "?") << "  " << string_or(channel, "state", "?") << "  "
      << escaped(string_or(channel, "name", "")) << "  " << string_or(channel, "database", "")
      << "  " << string_or(channel, "access", "") << "  subscription " << escaped(string_or(channel, "subscription", ""));
  if (const json::array* groups = get_array(channel, "groups")) {
    for (const json::value& group : *groups) out << "  group " << std::string(group.as_string());
  }
  out << (is_true(channel, "followed") ? "  followed" : "") << "\n";
}

int print_channels(Operator& by, const ChannelsAsked& asked) {
  const auto person = find_person(by, asked.whose);
  if (!person) return exit_failed;
  json::array channels;
  if (!person->user.empty()) {
    Database control(by.server, by.settings.control_prefix + person->user);
    for (const auto& [id, had] : channels_had(by, person->user)) channels.push_back(channel_json(by, *person, had, control));
  }
  if (asked.as_json) {
    by.out << json::serialize(json::object{{"user", person->user}, {"channels", channels}}) << "\n";
    return 0;
  }
  for (const json::value& channel : channels) print_channel(channel.as_object(), by.out);
  if (channels.empty()) by.out << "no channel\n";
  return 0;
}

}  // namespace

void add_channels(Calls& calls) {
  auto asked = std::make_shared<ChannelsAsked>();
  CLI::App& command = calls.add("channels", "the channels that a user has, his access, and whether his devices follow them",
                                [asked](Operator& by) { return print_channels(by, *asked); });
  command.add_option("ADDRESS", asked->whose, "an e-mail address, or a user id")->required();
  command.add_flag("--json", asked->as_json, "one JSON object");
}

}  // namespace channels
