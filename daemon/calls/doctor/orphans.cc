// What belongs to nothing any more: left by a restored backup, by an admin's hand, by an erasure that was killed. All databases and records
// are gone through, a page at a time, in the order of their names; with hundreds of thousands of users a look is given up after some minutes,
// and says how far it came.
#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "base/errors.h"
#include "base/log.h"
#include "calls/doctor/visit.h"
#include "couch/database.h"
#include "workflows/channel_claims.h"
#include "workflows/channel_ends.h"
#include "workflows/groups.h"
#include "workflows/members.h"

namespace channels {

namespace {

constexpr std::size_t a_page = 100;  // CouchDB's limit for _dbs_info, too
constexpr std::size_t most_named = 3;
constexpr seconds longest_search{300};
// What a daemon does hourly, it has done by then.
constexpr std::chrono::hours overdue{2};

using Names = std::vector<std::string>;

// What is orphaned of one kind: how many, the first by their names, and what to do about it.
struct Found {
  std::string what;  // "channel databases that ..."
  std::string kind;  // what was looked at: "channel databases"; empty: only what is found
  bool is_fault = false;
  std::size_t looked_at = 0;
  bool is_whole = true;  // all were looked at
  std::size_t count = 0;
  Names first{};
  Todo todo{};

  void add(const std::string& name) {
    if (++count <= most_named) first.push_back(name);
  }
  // "..., 3 of 120: a, b, c" and so on.
  std::string text() const {
    std::string text = what + ", " + std::to_string(count);
    if (!kind.empty()) text += (is_whole ? " of " : " of the first ") + std::to_string(looked_at);
    for (std::size_t i = 0; i < first.size(); ++i) text += (i == 0 ? ": " : ", ") + escaped(first[i]);
    return count > first.size() ? text + ", ..." : text;
  }
};

// One look: where, and until when it goes on.
struct Search {
  explicit Search(Visit& visit_of)
      : visit(visit_of), registry(*visit.server, visit.settings.registry_db), end(visit.env.mono_now() + longest_search) {}
  Visit& visit;
  Database registry;
  MonoTime end;

  bool is_over() const { return visit.env.mono_now() >= end; }
};

// The databases with that prefix, page by page. False: it was given up.
bool each_database(const Search& search, const std::string& prefix, const std::function<void(const Names&)>& work) {
  std::string last = prefix;
  while (true) {
    Names names = search.visit.server->database_names(last, a_page);
    const bool is_last_page = names.size() < a_page;
    if (!is_last_page) last = names.back();
    const auto others = std::find_if(names.begin(), names.end(), [&](const std::string& name) { return !name.starts_with(prefix); });
    const bool are_all = is_last_page || others != names.end();
    names.erase(others, names.end());
    work(names);
    if (are_all) return true;
    if (search.is_over()) return false;
  }
}

// The documents whose ids have that prefix, as above.
bool each_document(const Search& search, Database& database, const std::string& prefix,
                   const std::function<void(const std::vector<Document>&)>& work) {
  json::object query{{"startkey", prefix}, {"endkey", prefix + "\xef\xbf\xb0"}, {"include_docs", true}, {"limit", a_page}};
  while (true) {
    const auto rows = database.all_docs(query);
    std::vector<Document> docs;
    for (const json::object& row : rows) {
      if (const json::object* doc = get_object(row, "doc")) docs.push_back(*doc);
    }
    work(docs);
    if (rows.size() < a_page) return true;
    if (search.is_over()) return false;
    query["startkey"] = rows.back().at("id");
    query["skip"] = 1;
  }
}

// The document of `database` for each name of a page, by the id that `id_of` gives.
std::map<std::string, Document> documents_for(Database& database, const Names& names,
                                              const std::function<std::string(const std::string&)>& id_of) {
  std::map<std::string, Document> found;
  if (names.empty()) return found;
  Names ids;
  for (const std::string& name : names) ids.push_back(id_of(name));
  auto docs = database.get_many(ids);
  for (std::size_t i = 0; i < docs.size(); ++i) {
    if (docs[i]) found[names[i]] = std::move(*docs[i]);
  }
  return found;
}

void add_missing(const Search& search, const Names& databases, Found& found) {
  if (databases.empty()) return;
  for (const DatabaseInfo& info : search.visit.server->database_infos(databases)) {
    if (info.missing) found.add(info.name);
  }
}

Todo remove_database(const Search& search, const Names& names) {
  if (names.empty()) return {};
  return {"look into it, then remove it: curl -u ADMIN -X DELETE " + search.visit.settings.url + url_encode(names.front())};
}

Found channel_databases(Search& search) {
  Found found{"channel databases that the registry knows no channel of", "channel databases"};
  const std::string& prefix = search.visit.settings.channel_prefix;
  found.is_whole = each_database(search, prefix, [&](const Names& names) {
    found.looked_at += names.size();
    const auto records = documents_for(
        search.registry, names, [&](const std::string& name) { return channel_record_id(name.substr(prefix.size())); });
    for (const std::string& name : names) {
      const auto record = records.find(name);
      if (record == records.end() || is_group(record->second) || is_gone(record->second)) found.add(name);
    }
  });
  found.todo = remove_database(search, found.first);
  return found;
}

Found control_databases(Search& search) {
  Found found{"control databases that the registry knows no user of", "control databases"};
  const std::string& prefix = search.visit.settings.control_prefix;
  found.is_whole = each_database(search, prefix, [&](const Names& names) {
    found.looked_at += names.size();
    const auto users =
        documents_for(search.registry, names, [&](const std::string& name) { return "user-" + name.substr(prefix.size()); });
    for (const std::string& name : names) {
      if (!users.contains(name)) found.add(name);
    }
  });
  found.todo = remove_database(search, found.first);
  return found;
}

Found lost_channels(Search& search) {
  Found found{"channels whose database is not there", "channels", true};
  found.todo = {"restore it, or have an owner delete the channel"};
  found.is_whole = each_document(search, search.registry, "channel-", [&](const std::vector<Document>& records) {
    Names databases;
    for (const Document& record : records) {
      const bool has_database = doc_state(record) == "ready" || doc_state(record) == "deleted";
      if (has_database && !is_group(record)) databases.push_back(search.visit.settings.channel_prefix + channel_id_of(record));
    }
    found.looked_at += databases.size();
    add_missing(search, databases, found);
  });
  return found;
}

Found lost_users(Search& search) {
  Found found{"users whose control database is not there", "users", true};
  found.todo = {"restore it, or: couchdb-channels erase USER"};
  found.is_whole = each_document(search, search.registry, "user-", [&](const std::vector<Document>& records) {
    Names databases;
    for (const Document& record : records) {
      if (doc_state(record) == "active") databases.push_back(search.visit.settings.control_prefix + string_or(record, "user", ""));
    }
    found.looked_at += databases.size();
    add_missing(search, databases, found);
  });
  return found;
}

constexpr std::string_view user_prefix = "org.couchdb.user:";

std::string user_of_log_in(const Document& log_in) {
  const json::array* roles = get_array(log_in, "roles");
  const json::string* role = roles == nullptr || roles->empty() ? nullptr : roles->front().if_string();
  return role != nullptr && role->starts_with("user:") ? std::string(*role).substr(5) : "";
}

// Of a page of log-ins those whose device is not active, by name.
std::map<std::string, Document> idle_among(Search& search, const std::vector<Document>& log_ins) {
  Names names;
  std::map<std::string, Document> idle;
  for (const Document& doc : log_ins) {
    names.push_back(doc_id(doc).substr(user_prefix.size()));
    idle[names.back()] = doc;
  }
  // A device's record is called as its log-in. Confirmed: it is being made active.
  for (const auto& [name, record] : documents_for(search.registry, names, [](const std::string& name) { return name; })) {
    if (doc_state(record) == "active" || doc_state(record) == "confirmed") idle.erase(name);
  }
  return idle;
}

Todo remove_log_in(const Search& search, const Document& log_in) {
  return {"remove it: curl -u ADMIN -X DELETE '" + search.visit.settings.url + "_users/" + url_encode(doc_id(log_in)) +
          "?rev=" + doc_rev(log_in) + "'"};
}

// `of_users`: those with the role of a user whom the registry knows: they get in. Others may be another installation's.
Found log_ins(Search& search, bool of_users) {
  Found found{of_users ? "log-ins of users' devices that are none any more" : "log-ins that the registry knows nothing of",
              "log-ins", of_users};
  Database log_ins(*search.visit.server, "_users");
  found.is_whole = each_document(search, log_ins, std::string(user_prefix) + "device-", [&](const std::vector<Document>& docs) {
    found.looked_at += docs.size();
    const auto idle = idle_among(search, docs);
    Names names;
    for (const auto& [name, log_in] : idle) names.push_back(name);
    const auto users = documents_for(
        search.registry, names, [&](const std::string& name) { return "user-" + user_of_log_in(idle.at(name)); });
    for (const std::string& name : names) {
      if (users.contains(name) != of_users) continue;
      if (found.count == 0) found.todo = remove_log_in(search, idle.at(name));
      found.add(name);
    }
  });
  return found;
}

Found log_ins_of_users(Search& search) {
  return log_ins(search, true);
}

Found unknown_log_ins(Search& search) {
  return log_ins(search, false);
}

// Of a page of one user's documents.
void add_orphaned_subscriptions(Search& search, const std::vector<Document>& docs, const std::string& user, Found& found) {
  const std::string ending = "-sub-" + user;
  Names ids;
  for (const Document& doc : docs) {
    const bool is_choice = doc_type(doc) == "subscription" && doc_state(doc) != "error";
    if (is_choice && doc_id(doc).ends_with(ending)) ids.push_back(doc_id(doc));
  }
  found.looked_at += ids.size();
  const auto records = documents_for(search.registry, ids, [&](const std::string& id) {
    return channel_record_id(id.substr(0, id.size() - ending.size()));
  });
  for (const std::string& id : ids) {
    const auto record = records.find(id);
    const bool is_there = record != records.end() && doc_state(record->second) == "ready";
    // Who has it through a group is not looked up here.
    if (!is_there || (!is_member(record->second, user) && groups_of(record->second).empty())) found.add(id);
  }
}

// False: it was given up.
bool add_subscriptions_in(Search& search, const std::string& control_db, const std::string& user, Found& found) {
  Database control(*search.visit.server, control_db);
  try {
    return each_document(search, control, "", [&](const std::vector<Document>& docs) {
      add_orphaned_subscriptions(search, docs, user, found);
    });
  } catch (const Refused& refused) {
    if (refused.status != 404) throw;
    return true;  // its user was erased meanwhile
  }
}

// Reads every control database, and so takes longer than all others.
Found subscriptions(Search& search) {
  Found found{"subscriptions of channels that their users don't have", "subscriptions"};
  found.todo = {"the daemon ends each when something changes in its document"};
  const std::string& prefix = search.visit.settings.control_prefix;
  bool are_whole = true;
  const bool are_all = each_database(search, prefix, [&](const Names& names) {
    for (const std::string& name : names) {
      if (search.is_over()) are_whole = false;
      if (!are_whole) return;
      are_whole = add_subscriptions_in(search, name, name.substr(prefix.size()), found);
    }
  });
  found.is_whole = are_all && are_whole;
  return found;
}

Found name_claims(Search& search) {
  Found found{"claims of names that no channel has", "claims of names"};
  found.todo = {"to remove one, delete its document in the registry"};
  found.is_whole = each_document(search, search.registry, "channelname-", [&](const std::vector<Document>& docs) {
    Names claims;
    std::map<std::string, std::string> channels;
    for (const Document& claim : docs) {
      claims.push_back(doc_id(claim));
      channels[doc_id(claim)] = string_or(claim, "channel", "");
    }
    found.looked_at += claims.size();
    const auto records = documents_for(
        search.registry, claims, [&](const std::string& claim) { return channel_record_id(channels[claim]); });
    for (const std::string& claim : claims) {
      const auto record = records.find(claim);
      if (record == records.end() || is_ended(record->second)) found.add(claim);
    }
  });
  return found;
}

Found erasures(Search& search) {
  Found found{"erasures that did not come to their end", "", true};
  each_document(search, search.registry, "erasure-", [&](const std::vector<Document>& docs) {
    for (const Document& notes : docs) found.add(string_or(notes, "user", ""));
  });
  found.todo = {"couchdb-channels erase " + (found.first.empty() ? "USER" : found.first.front())};
  return found;
}

Found overdue_channels(Search& search) {
  Found found{"deleted channels whose time is over are still there", ""};
  found.todo = {"a running daemon removes them hourly: its log says what keeps it"};
  const std::string end = format_time(search.visit.env.wall_now() - overdue);
  json::object query{{"endkey", end}, {"limit", a_page}};
  while (true) {
    const auto rows = search.registry.view("channels_by_until", query);
    for (const json::object& row : rows) found.add(string_or(row, "id", ""));
    if (rows.size() < a_page || search.is_over()) return found;
    query["startkey"] = rows.back().at("key");
    query["startkey_docid"] = rows.back().at("id");
    query["skip"] = 1;
  }
}

}  // namespace

void check_orphans(Visit& visit) {
  if (!Database(*visit.server, visit.settings.registry_db).exists()) return;  // the design documents' check says so
  std::string all;
  std::set<std::string> told;  // log-ins are looked at twice
  bool any = false;
  for (const auto look : {channel_databases, control_databases, lost_channels, lost_users, log_ins_of_users,
                          unknown_log_ins, subscriptions, name_claims, erasures, overdue_channels}) {
    Search search(visit);
    const Found found = look(search);
    if (found.count > 0) {
      any = true;
      if (found.is_fault) visit.report.fault("orphans", found.text(), found.todo);
      else visit.report.note("orphans", found.text(), found.todo);
    }
    if (found.kind.empty() || !told.insert(found.kind).second) continue;
    all += (all.empty() ? "" : ", ") + std::string(found.is_whole ? "" : "the first ") + std::to_string(found.looked_at) + " " + found.kind;
  }
  visit.report.ok("orphans", (any ? "no others among " : "none among ") + all);
}

}  // namespace channels
