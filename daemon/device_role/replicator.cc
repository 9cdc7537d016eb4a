#include "device_role/replicator.h"

#include <algorithm>
#include <set>

#include "base/digest.h"
#include "couch/answer.h"
#include "device_role/pairing.h"
#include "provision/channel_id.h"
#include "provision/databases.h"
#include "provision/users.h"

namespace channels {

namespace {

constexpr std::int64_t rows_a_page = 200;
constexpr std::size_t infos_a_request = 100;  // CouchDB's own limit for POST /_dbs_info
constexpr std::size_t salt_digits = 32;

std::string reason_in(const json::object& row) {
  const json::object* info = get_object(row, "info");
  if (info == nullptr) return {};
  const json::value* error = info->if_contains("error");
  if (error == nullptr || error->is_null()) return {};
  return error->is_string() ? json::value_to<std::string>(*error) : json::serialize(*error);
}

ReplicationState state_of(const json::object& row) {
  ReplicationState state{string_or(row, "state", "unknown"), reason_in(row)};
  const std::string job = string_or(row, "id", "");
  state.job = job.substr(0, job.find('+'));  // "+continuous"
  state.since = string_or(row, "last_updated", "");
  if (const json::object* info = get_object(row, "info")) {
    state.written = int_or(*info, "docs_written", 0);
    state.refused = int_or(*info, "doc_write_failures", 0);
    state.pending = int_or(*info, "changes_pending", -1);
    state.reached = string_or(*info, "checkpointed_source_seq", "");
  }
  return state;
}

}  // namespace

void each_document(Database database, const std::string& first, const std::string& last,
                   const std::function<void(Document&)>& take) {
  json::object query{
      {"startkey", first}, {"endkey", last}, {"include_docs", true}, {"limit", rows_a_page}};
  while (true) {
    auto rows = database.all_docs(query);
    for (json::object& row : rows) {
      if (json::object* doc = row.contains("doc") ? row["doc"].if_object() : nullptr) take(*doc);
    }
    if (rows.size() < static_cast<std::size_t>(rows_a_page)) return;
    query["startkey"] = rows.back().at("id");
    query["skip"] = 1;
  }
}

std::map<std::string, ReplicationState> replication_states(Server& server) {
  std::map<std::string, ReplicationState> states;
  for (std::int64_t skip = 0;; skip += rows_a_page) {
    Reply reply =
        server.request("GET", "_scheduler/docs/_replicator?limit=" + std::to_string(rows_a_page) +
                                  "&skip=" + std::to_string(skip));
    const json::array& rows = array_in(reply.body, "docs", "_scheduler/docs");
    for (const json::value& entry : rows) {
      const json::object* row = entry.if_object();
      if (row == nullptr) continue;
      const std::string id = string_or(*row, "doc_id", "");
      if (is_replication_id(id)) states[id] = state_of(*row);
    }
    if (rows.size() < static_cast<std::size_t>(rows_a_page)) return states;
  }
}

bool replications_run(Server& server) {
  for (std::int64_t skip = 0;; skip += rows_a_page) {
    Reply reply = server.request("GET", "_scheduler/jobs?limit=" + std::to_string(rows_a_page) + "&skip=" + std::to_string(skip));
    const json::array& rows = array_in(reply.body, "jobs", "_scheduler/jobs");
    for (const json::value& entry : rows) {
      const json::object* row = entry.if_object();
      if (row != nullptr && is_replication_id(string_or(*row, "doc_id", ""))) return true;
    }
    if (rows.size() < static_cast<std::size_t>(rows_a_page)) return false;
  }
}

std::vector<Document> replication_documents(const DeviceServices& services) {
  std::vector<Document> found;
  each_document(services.replicator(), "channels-", "channels-g", [&](Document& doc) {
    if (is_replication_id(doc_id(doc))) found.push_back(std::move(doc));
  });
  return found;
}

std::vector<Document> channel_documents_in(Server& server, const std::string& control) {
  std::vector<Document> found;
  Database database(server, control);
  if (!database.exists()) return found;
  each_document(database, "", "\xef\xbf\xb0", [&](Document& doc) {
    if (doc_type(doc) == "subscription" || doc_type(doc) == "channel") found.push_back(std::move(doc));
  });
  return found;
}

std::vector<std::string> channels_in(Server& server, const std::string& control) {
  std::set<std::string> channels;
  Database database(server, control);
  if (!database.exists()) return {};
  each_document(database, "", "\xef\xbf\xb0", [&](Document& doc) {
    const std::string id = doc_type(doc) == "channel" ? doc_id(doc) : string_or(doc, "channel", "");
    if (is_channel_id(id)) channels.insert(id);
  });
  return {channels.begin(), channels.end()};
}

void ensure_local_account(const DeviceServices& services, const Document& pairing) {
  const std::string secret = string_or(pairing, "local_secret", "");
  // Any salt will do, and the same one each time leaves the document as it is.
  const json::object verifier =
      verifier_for(secret, sha256_hex("salt\n" + secret).substr(0, salt_digits));
  put_user(services.server, {{"_id", "org.couchdb.user:" + std::string(local_account)},
                             {"type", "user"},
                             {"name", local_account},
                             {"roles", json::array{local_account}},
                             {"password_scheme", "pbkdf2"},
                             {"iterations", 1},
                             {"salt", verifier.at("salt")},
                             {"derived_key", verifier.at("derived_key")}});
}

void ensure_local_database(const DeviceServices& services, const std::string& name,
                           const std::string& user) {
  Database database(services.server, name);
  ensure_database(database, services.options.shards);
  ensure_security(database, {.member_roles = {role_of(user), std::string(local_account)},
                             .admins_only = false,
                             .owner_roles = {},
                             .reader_roles = {},
                             .admin_roles = {std::string(local_account)}});
}

std::vector<std::string> missing_databases(Server& server, const std::vector<std::string>& names) {
  std::vector<std::string> missing;
  for (std::size_t at = 0; at < names.size(); at += infos_a_request) {
    const std::size_t end = std::min(at + infos_a_request, names.size());
    const std::vector<std::string> some(names.begin() + static_cast<std::ptrdiff_t>(at),
                                        names.begin() + static_cast<std::ptrdiff_t>(end));
    for (const DatabaseInfo& info : server.database_infos(some)) {
      if (info.missing) missing.push_back(info.name);
    }
  }
  return missing;
}

}  // namespace channels
