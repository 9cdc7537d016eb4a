// What belongs to nothing any more: left by a restored backup, by an admin's hand, by an erasure that was killed. Looks
// at the first of each kind, in the order of their names.
#include <functional>
#include <map>

#include "base/log.h"
#include "calls/doctor/visit.h"
#include "couch/database.h"
#include "workflows/channel_claims.h"
#include "workflows/channel_ends.h"
#include "workflows/groups.h"
#include "workflows/members.h"

namespace channels {

namespace {

constexpr std::size_t most_looked_at = 1000;
constexpr std::size_t a_page = 100;  // CouchDB's limit for _dbs_info, too
constexpr std::size_t control_databases_read = 50;
constexpr std::size_t most_named = 3;
// What a daemon does hourly, it has done by then.
constexpr std::chrono::hours overdue{2};

using Names = std::vector<std::string>;

// "3: a, b, c" and so on.
std::string listed(const Names& names) {
  std::string text = std::to_string(names.size()) + ":";
  for (std::size_t i = 0; i < std::min(names.size(), most_named); ++i)
    text += (i == 0 ? " " : ", ") + escaped(names[i]);
  return names.size() > most_named ? text + ", ..." : text;
}

// The first names with that prefix.
Names databases_with(Server& server, const std::string& prefix, std::size_t most) {
  Names found;
  std::string last = prefix;
  while (found.size() < most) {
    const Names names = server.database_names(last, a_page);
    for (const std::string& name : names) {
      if (!name.starts_with(prefix) || found.size() == most) return found;
      found.push_back(name);
    }
    if (names.size() < a_page) return found;
    last = names.back();
  }
  return found;
}

// The first documents whose ids have that prefix.
std::vector<Document> documents_with(Database& database, const std::string& prefix, std::size_t most) {
  std::vector<Document> docs;
  const json::object query{
      {"startkey", prefix}, {"endkey", prefix + "\xef\xbf\xb0"}, {"include_docs", true}, {"limit", most}};
  for (const json::object& row : database.all_docs(query)) {
    if (const json::object* doc = get_object(row, "doc")) docs.push_back(*doc);
  }
  return docs;
}

// The document of `database` for each of the names, by the id that `id_of` gives.
std::map<std::string, Document> documents_for(Database& database, const Names& names,
                                              const std::function<std::string(const std::string&)>& id_of) {
  std::map<std::string, Document> found;
  for (std::size_t start = 0; start < names.size(); start += a_page) {
    Names ids;
    for (std::size_t i = start; i < std::min(names.size(), start + a_page); ++i) ids.push_back(id_of(names[i]));
    auto docs = database.get_many(ids);
    for (std::size_t i = 0; i < docs.size(); ++i) {
      if (docs[i]) found[names[start + i]] = std::move(*docs[i]);
    }
  }
  return found;
}

Names missing_of(Server& server, const Names& databases) {
  Names missing;
  for (std::size_t start = 0; start < databases.size(); start += a_page) {
    const auto end = databases.begin() + static_cast<std::ptrdiff_t>(std::min(databases.size(), start + a_page));
    const Names names(databases.begin() + static_cast<std::ptrdiff_t>(start), end);
    for (const DatabaseInfo& info : server.database_infos(names)) {
      if (info.missing) missing.push_back(info.name);
    }
  }
  return missing;
}

// What is orphaned of one kind, and what to do about it.
struct Found {
  Names names;
  std::string what;
  Todo todo;
  bool is_fault = false;
};

Todo remove_database(const Visit& visit, const Names& names) {
  if (names.empty()) return {};
  return {"look into it, then remove it: curl -u ADMIN -X DELETE " + visit.settings.url + url_encode(names.front())};
}

Found channel_databases(Visit& visit, Database& registry) {
  const std::string& prefix = visit.settings.channel_prefix;
  const Names names = databases_with(*visit.server, prefix, most_looked_at);
  const auto records = documents_for(
      registry, names, [&](const std::string& name) { return channel_record_id(name.substr(prefix.size())); });
  Names orphans;
  for (const std::string& name : names) {
    const auto record = records.find(name);
    if (record == records.end() || is_group(record->second) || is_gone(record->second)) orphans.push_back(name);
  }
  return {orphans, "channel databases that the registry knows no channel of", remove_database(visit, orphans)};
}

Found control_databases(Visit& visit, Database& registry) {
  const std::string& prefix = visit.settings.control_prefix;
  const Names names = databases_with(*visit.server, prefix, most_looked_at);
  const auto users =
      documents_for(registry, names, [&](const std::string& name) { return "user-" + name.substr(prefix.size()); });
  Names orphans;
  for (const std::string& name : names) {
    if (!users.contains(name)) orphans.push_back(name);
  }
  return {orphans, "control databases that the registry knows no user of", remove_database(visit, orphans)};
}

Found lost_channels(Visit& visit, Database& registry) {
  Names databases;
  for (const Document& record : documents_with(registry, "channel-", most_looked_at)) {
    const bool has_database = doc_state(record) == "ready" || doc_state(record) == "deleted";
    if (has_database && !is_group(record)) databases.push_back(visit.settings.channel_prefix + channel_id_of(record));
  }
  return {missing_of(*visit.server, databases),
          "channels whose database is not there",
          {"restore it, or have an owner delete the channel"},
          true};
}

Found lost_users(Visit& visit, Database& registry) {
  Names databases;
  for (const Document& record : documents_with(registry, "user-", most_looked_at)) {
    if (doc_state(record) == "active") databases.push_back(visit.settings.control_prefix + string_or(record, "user", ""));
  }
  return {missing_of(*visit.server, databases),
          "users whose control database is not there",
          {"restore it, or: couchdb-channels erase USER"},
          true};
}

constexpr std::string_view user_prefix = "org.couchdb.user:";

std::string user_of_log_in(const Document& log_in) {
  const json::array* roles = get_array(log_in, "roles");
  const json::string* role = roles == nullptr || roles->empty() ? nullptr : roles->front().if_string();
  return role != nullptr && role->starts_with("user:") ? std::string(*role).substr(5) : "";
}

// Log-ins whose device is not active, by name.
std::map<std::string, Document> idle_log_ins(Visit& visit, Database& registry) {
  Database users(*visit.server, "_users");
  Names names;
  std::map<std::string, Document> found;
  for (Document& doc : documents_with(users, std::string(user_prefix) + "device-", most_looked_at)) {
    names.push_back(doc_id(doc).substr(user_prefix.size()));
    found[names.back()] = std::move(doc);
  }
  // A device's record is called as its log-in. Confirmed: it is being made active.
  for (const auto& [name, record] : documents_for(registry, names, [](const std::string& name) { return name; })) {
    if (doc_state(record) == "active" || doc_state(record) == "confirmed") found.erase(name);
  }
  return found;
}

Todo remove_log_in(const Visit& visit, const Document& log_in) {
  return {"remove it: curl -u ADMIN -X DELETE '" + visit.settings.url + "_users/" + url_encode(doc_id(log_in)) +
          "?rev=" + doc_rev(log_in) + "'"};
}

// `of_users`: those with the role of a user whom the registry knows: they get in. Others may be another installation's.
Found log_ins(Visit& visit, Database& registry, bool of_users) {
  const char* what =
      of_users ? "log-ins of users' devices that are none any more" : "log-ins that the registry knows nothing of";
  Found found{{}, what, {}, of_users};
  const auto idle = idle_log_ins(visit, registry);
  Names names;
  for (const auto& [name, log_in] : idle) names.push_back(name);
  const auto users = documents_for(
      registry, names, [&](const std::string& name) { return "user-" + user_of_log_in(idle.at(name)); });
  for (const std::string& name : names) {
    if (users.contains(name) == of_users) found.names.push_back(name);
  }
  if (!found.names.empty()) found.todo = remove_log_in(visit, idle.at(found.names.front()));
  return found;
}

Found log_ins_of_users(Visit& visit, Database& registry) {
  return log_ins(visit, registry, true);
}

Found unknown_log_ins(Visit& visit, Database& registry) {
  return log_ins(visit, registry, false);
}

Names orphaned_subscriptions(Database& control, const std::string& user, Database& registry) {
  const std::string ending = "-sub-" + user;
  Names ids;
  for (const Document& doc : documents_with(control, "", most_looked_at)) {
    const bool is_choice = doc_type(doc) == "subscription" && doc_state(doc) != "error";
    if (is_choice && doc_id(doc).ends_with(ending)) ids.push_back(doc_id(doc));
  }
  const auto records = documents_for(
      registry, ids, [&](const std::string& id) { return channel_record_id(id.substr(0, id.size() - ending.size())); });
  Names orphans;
  for (const std::string& id : ids) {
    const auto record = records.find(id);
    const bool is_there = record != records.end() && doc_state(record->second) == "ready";
    // Who has it through a group is not looked up here.
    if (!is_there || (!is_member(record->second, user) && groups_of(record->second).empty())) orphans.push_back(id);
  }
  return orphans;
}

Found subscriptions(Visit& visit, Database& registry) {
  const std::string& prefix = visit.settings.control_prefix;
  Found found{{},
              "subscriptions of channels that their users don't have",
              {"the daemon ends each when something changes in its document"}};
  for (const std::string& name : databases_with(*visit.server, prefix, control_databases_read)) {
    Database control(*visit.server, name);
    const Names more = orphaned_subscriptions(control, name.substr(prefix.size()), registry);
    found.names.insert(found.names.end(), more.begin(), more.end());
  }
  return found;
}

Found name_claims(Visit&, Database& registry) {
  Names claims;
  std::map<std::string, std::string> channels;
  for (const Document& claim : documents_with(registry, "channelname-", most_looked_at)) {
    claims.push_back(doc_id(claim));
    channels[doc_id(claim)] = string_or(claim, "channel", "");
  }
  const auto records =
      documents_for(registry, claims, [&](const std::string& claim) { return channel_record_id(channels[claim]); });
  Names orphans;
  for (const std::string& claim : claims) {
    const auto record = records.find(claim);
    if (record == records.end() || is_ended(record->second)) orphans.push_back(claim);
  }
  return {orphans,
          "claims of names that no channel has",
          {"to remove one, delete its document in the registry"}};
}

Found erasures(Visit&, Database& registry) {
  Names users;
  for (const Document& notes : documents_with(registry, "erasure-", most_looked_at))
    users.push_back(string_or(notes, "user", ""));
  const Todo todo{"couchdb-channels erase " + (users.empty() ? "USER" : users.front())};
  return {users, "erasures that did not come to their end", todo, true};
}

Found overdue_channels(Visit& visit, Database& registry) {
  const std::string end = format_time(visit.env.wall_now() - overdue);
  Names ids;
  for (const json::object& row : registry.view("channels_by_until", {{"endkey", end}, {"limit", a_page}}))
    ids.push_back(string_or(row, "id", ""));
  return {ids,
          "deleted channels whose time is over are still there",
          {"a running daemon removes them hourly: its log says what keeps it"}};
}

}  // namespace

void check_orphans(Visit& visit) {
  Database registry(*visit.server, visit.settings.registry_db);
  if (!registry.exists()) return;  // the design documents' check says so
  bool any = false;
  for (const auto look : {channel_databases, control_databases, lost_channels, lost_users, log_ins_of_users,
                          unknown_log_ins, subscriptions, name_claims, erasures, overdue_channels}) {
    const Found found = look(visit, registry);
    if (found.names.empty()) continue;
    any = true;
    const std::string text = found.what + ", " + listed(found.names);
    if (found.is_fault) visit.report.fault("orphans", text, found.todo);
    else visit.report.note("orphans", text, found.todo);
  }
  if (!any) visit.report.ok("orphans", "none among the first " + std::to_string(most_looked_at) + " of each kind");
}

}  // namespace channels
