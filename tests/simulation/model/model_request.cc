#include "simulation/model/model_request.h"

#include <openssl/evp.h>

#include <algorithm>

#include "base/digest.h"

namespace channels::simulation {

namespace {

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char by) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t at = text.find(by);
    parts.emplace_back(text.substr(0, at));
    if (at == text.npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// Of {"salt", "iterations", "derived_key"}: PBKDF2 with SHA-1 and 20 bytes.
bool right_password(const Document& user, const std::string& password) {
  const std::string salt = string_or(user, "salt", "");
  std::string key(20, '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                    reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                    static_cast<int>(int_or(user, "iterations", 10)), EVP_sha1(), static_cast<int>(key.size()),
                    reinterpret_cast<unsigned char*>(key.data()));
  return hex(key) == string_or(user, "derived_key", "-");
}

std::string from_base64(std::string_view text) {
  std::string out(text.size(), '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(std::max(0, length)));
  while (!out.empty() && out.back() == '\0') out.pop_back();
  return out;
}

}  // namespace

ModelRequest::ModelRequest(ModelCouch& couch, const HttpRequest& request) : couch_(couch), request_(request) {
  std::string_view url = request.url;
  url.remove_prefix(url.find('/', url.find("//") + 2) + 1);
  const std::size_t question = url.find('?');
  path_ = split(url.substr(0, question), '/');
  for (std::string& part : path_) part = decoded(part);
  if (question != url.npos) {
    for (const std::string& pair : split(url.substr(question + 1), '&')) {
      const std::size_t equals = pair.find('=');
      query_[pair.substr(0, equals)] = equals == pair.npos ? "" : decoded(pair.substr(equals + 1));
    }
  }
}

HttpResponse ModelRequest::with(int status, json::value body) const {
  HttpResponse response;
  response.status = status;
  response.body = json::serialize(body);
  return response;
}

HttpResponse ModelRequest::error(int status, std::string_view error, std::string_view reason) const {
  return with(status, {{"error", error}, {"reason", reason}});
}

std::optional<json::value> ModelRequest::parameter(const std::string& name) const {
  if (const json::object* object = body_.if_object(); object != nullptr && object->contains(name)) return object->at(name);
  const auto found = query_.find(name);
  if (found == query_.end()) return std::nullopt;
  boost::system::error_code wrong;
  json::value parsed = json::parse(found->second, wrong);
  return wrong ? json::value(found->second) : parsed;
}

std::string ModelRequest::text(const std::string& name, const std::string& fallback) const {
  const auto found = query_.find(name);
  return found == query_.end() ? fallback : found->second;
}

bool ModelRequest::log_in() {
  for (const auto& [name, value] : request_.headers) {
    if (name != "Authorization" || !value.starts_with("Basic ")) continue;
    const std::string pair = from_base64(std::string_view(value).substr(6));
    const std::size_t colon = pair.find(':');
    user_.name = pair.substr(0, colon);
    const std::string password = colon == pair.npos ? "" : pair.substr(colon + 1);
    if (user_.name == couch_.admin_) {
      user_.is_admin = password == couch_.password_;
      return user_.is_admin;
    }
    ModelDatabase* users = couch_.find("_users");
    const auto user = users == nullptr ? std::nullopt : users->read("org.couchdb.user:" + user_.name);
    if (!user || !right_password(*user, password)) return false;
    if (const json::array* roles = get_array(*user, "roles")) {
      for (const json::value& role : *roles) user_.roles.push_back(json::value_to<std::string>(role));
    }
  }
  return true;
}

HttpResponse ModelRequest::answer() {
  if (couch_.weather.maintenance) return error(503, "maintenance_mode", "the node is in maintenance mode");
  if (!request_.body.empty()) {
    boost::system::error_code wrong;
    body_ = json::parse(request_.body, wrong);
    if (wrong) return error(400, "bad_request", "invalid UTF-8 JSON");
  }
  if (!log_in()) return error(401, "unauthorized", "Name or password is incorrect.");
  return route();
}

HttpResponse ModelRequest::route() {
  if (path_.size() == 1 && (path_[0].empty() || path_[0].starts_with("_")) && path_[0] != "_users" &&
      path_[0] != "_replicator" && path_[0] != "_global_changes")
    return server_route();
  if (path_.size() == 1 && (request_.method == "PUT" || request_.method == "DELETE")) return make_or_remove(path_[0]);
  ModelDatabase* database = couch_.find(path_[0]);
  if (database == nullptr) return error(404, "not_found", "Database does not exist.");
  if (!database->may_read(user_))
    return user_.name.empty() ? error(401, "unauthorized", "You are not authorized to access this db.")
                              : error(403, "forbidden", "You are not allowed to access this db.");
  return database_route(*database);
}

HttpResponse ModelRequest::server_route() {
  const std::string& name = path_[0];
  if (name == "_up") return with(200, {{"status", "ok"}});
  if (name == "_session") {
    json::array roles = json::value_from(user_.roles).as_array();
    if (user_.is_admin) roles.emplace_back("_admin");
    const json::value who = user_.name.empty() ? json::value() : json::value(user_.name);
    return with(200, {{"ok", true}, {"userCtx", {{"name", who}, {"roles", std::move(roles)}}}});
  }
  if (!user_.is_admin) return error(401, "unauthorized", "You are not a server admin.");
  if (name == "_all_dbs") {
    const auto start = parameter("startkey");
    const auto limit = parameter("limit");
    json::array names;
    for (const auto& [each, database] : couch_.databases()) {
      if (start && each < json::value_to<std::string>(*start)) continue;
      if (limit && names.size() >= limit->to_number<std::size_t>()) break;
      names.emplace_back(each);
    }
    return with(200, std::move(names));
  }
  if (name == "_dbs_info") {
    json::array infos;
    for (const json::value& key : body_.at("keys").as_array()) {
      const std::string wanted = json::value_to<std::string>(key);
      ModelDatabase* database = couch_.find(wanted);
      if (database == nullptr) {
        infos.push_back(json::object{{"key", wanted}, {"error", "not_found"}});
      } else {
        infos.push_back(json::object{{"key", wanted}, {"info", info(wanted, *database)}});
      }
    }
    return with(200, std::move(infos));
  }
  if (name == "_db_updates") {
    if (couch_.find("_global_changes") == nullptr) return error(404, "not_found", "Database does not exist.");
    json::array rows;
    for (json::object& row : couch_.updates_since(parse_rev(text("since", "0")).generation)) rows.push_back(std::move(row));
    const std::string last = rows.empty() ? text("since", "0") : json::value_to<std::string>(rows.back().at("seq"));
    return with(200, {{"results", std::move(rows)}, {"last_seq", last}});
  }
  return error(404, "not_found", "missing");
}

HttpResponse ModelRequest::make_or_remove(const std::string& name) {
  if (!user_.is_admin) return error(401, "unauthorized", "You are not a server admin.");
  if (request_.method == "DELETE") {
    if (couch_.databases().erase(name) == 0) return error(404, "not_found", "Database does not exist.");
    couch_.note_update(name, "deleted");
    return with(200, {{"ok", true}});
  }
  if (couch_.find(name) != nullptr) return error(412, "file_exists", "The database could not be created, the file already exists.");
  couch_.make(name);
  couch_.note_update(name, "created");
  return with(201, {{"ok", true}});
}

json::object ModelRequest::info(const std::string& name, ModelDatabase& database) {
  return {{"db_name", name},
          {"update_seq", database.seq_text(database.seq())},
          {"cluster", {{"n", couch_.copies}, {"q", 1}}}};
}

HttpResponse ModelRequest::database_route(ModelDatabase& database) {
  if (path_.size() == 1) return with(200, info(path_[0], database));
  const std::string& what = path_[1];
  if (what == "_changes") return changes(database);
  if (what == "_all_docs") return all_docs(database);
  if (what == "_bulk_docs") return bulk_docs(database);
  if (what == "_revs_diff") return revs_diff(database);
  if (what == "_security") {
    if (request_.method == "GET") return with(200, database.security);
    if (!user_.is_admin) return error(401, "unauthorized", "You are not a db or server admin.");
    database.security = body_.as_object();
    return with(200, {{"ok", true}});
  }
  if (what == "_compact" || what == "_purge") {
    if (!user_.is_admin) return error(401, "unauthorized", "You are not a db or server admin.");
    if (what == "_purge") return purge(database);
    database.compact();
    return with(202, {{"ok", true}});
  }
  if (what == "_design" && path_.size() == 5 && path_[3] == "_view") return view(database, path_[4]);
  if ((what == "_design" || what == "_local") && path_.size() == 3) return document_route(database, what + "/" + path_[2]);
  return document_route(database, what);
}

HttpResponse ModelRequest::changes(ModelDatabase& database) {
  std::uint64_t since = text("since", "0") == "now" ? database.seq() : database.seq_number(text("since", "0"));
  const std::size_t limit = parameter("limit") ? parameter("limit")->to_number<std::size_t>() : 1000000;
  if (since > 0 && couch_.happens_(couch_.weather.replayed_rows)) since -= std::min<std::uint64_t>(since, 3);
  json::array rows;
  std::uint64_t last = std::min(since, database.seq());
  std::int64_t pending = 0;
  for (auto at = database.by_seq().upper_bound(since); at != database.by_seq().end(); ++at) {
    const auto& [seq, id] = *at;
    if (text("filter") == "_design" && !id.starts_with("_design/")) {
      last = seq;
      continue;
    }
    if (rows.size() == limit) {
      ++pending;
      continue;
    }
    const ModelDoc& doc = database.docs().at(id);
    json::array revs;
    for (const std::string& leaf : doc.tree.leaves()) revs.push_back(json::object{{"rev", leaf}});
    json::object row{{"seq", database.seq_text(seq)}, {"id", id}, {"changes", std::move(revs)}};
    if (doc.tree.winner_deleted()) row["deleted"] = true;
    if (text("include_docs") == "true") {
      const auto shown = database.read(id, doc.tree.winner());
      row["doc"] = shown ? json::value(*shown) : json::value();
    }
    rows.push_back(std::move(row));
    last = seq;
  }
  if (pending == 0) last = database.seq();
  // Seen on 3.5.0 with a database that was put back from a copy: a seq beyond its end comes back as it is.
  const std::string shown = since > database.seq() ? text("since") : database.seq_text(last);
  return with(200, {{"results", std::move(rows)}, {"last_seq", shown}, {"pending", pending}});
}

HttpResponse ModelRequest::all_docs(ModelDatabase& database) {
  const bool docs = parameter("include_docs") == json::value(true);
  const auto row_of = [&](const std::string& id) {
    json::object row{{"id", id}, {"key", id}};
    const auto doc = database.read(id);
    if (doc) row["value"] = json::object{{"rev", doc_rev(*doc)}};
    if (docs) row["doc"] = doc ? json::value(*doc) : json::value();
    return row;
  };
  json::array rows;
  if (const auto keys = parameter("keys")) {
    for (const json::value& key : keys->as_array()) {
      const std::string id = json::value_to<std::string>(key);
      rows.push_back(database.docs().contains(id) ? row_of(id) : json::object{{"key", id}, {"error", "not_found"}});
    }
    return with(200, {{"rows", std::move(rows)}});
  }
  const auto start = parameter("startkey");
  const auto end = parameter("endkey");
  const std::size_t limit = parameter("limit") ? parameter("limit")->to_number<std::size_t>() : 1000000;
  std::size_t skip = parameter("skip") ? parameter("skip")->to_number<std::size_t>() : 0;
  for (const auto& [id, doc] : database.docs()) {
    if (doc.tree.winner_deleted()) continue;
    if ((start && json::value(id).as_string() < start->as_string()) || (end && json::value(id).as_string() > end->as_string())) continue;
    if (skip > 0) {
      --skip;
    } else if (rows.size() < limit) {
      rows.push_back(row_of(id));
    }
  }
  return with(200, {{"rows", std::move(rows)}});
}

HttpResponse ModelRequest::view(ModelDatabase& database, const std::string& name) {
  bool exists = false;
  const std::vector<json::object> all = database.view(name, exists);
  if (!exists) return error(404, "not_found", "missing_named_view");
  const auto key = parameter("key");
  const auto start = parameter("startkey");
  const auto end = parameter("endkey");
  const auto start_id = parameter("startkey_docid");
  const std::size_t limit = parameter("limit") ? parameter("limit")->to_number<std::size_t>() : 1000000;
  std::size_t skip = parameter("skip") ? parameter("skip")->to_number<std::size_t>() : 0;
  json::array rows;
  for (const json::object& found : all) {
    if (key && collate(found.at("key"), *key) != 0) continue;
    const int from_start = start ? collate(found.at("key"), *start) : 1;
    if (from_start < 0 || (from_start == 0 && start_id && found.at("id").as_string() < start_id->as_string())) continue;
    if (end && collate(found.at("key"), *end) > 0) continue;
    if (skip > 0) {
      --skip;
      continue;
    }
    if (rows.size() == limit) break;
    json::object row = found;
    if (parameter("include_docs") == json::value(true)) {
      const auto doc = database.read(json::value_to<std::string>(row.at("id")));
      row["doc"] = doc ? json::value(*doc) : json::value();
    }
    rows.push_back(std::move(row));
  }
  return with(200, {{"total_rows", all.size()}, {"rows", std::move(rows)}});
}

HttpResponse ModelRequest::revs_diff(ModelDatabase& database) {
  json::object missing;
  for (const auto& [id, revs] : body_.as_object()) {
    json::array lacking;
    const auto found = database.docs().find(std::string(id));
    for (const json::value& rev : revs.as_array()) {
      if (found == database.docs().end() || !found->second.tree.has(json::value_to<std::string>(rev))) lacking.push_back(rev);
    }
    if (!lacking.empty()) missing[id] = json::object{{"missing", std::move(lacking)}};
  }
  return with(200, std::move(missing));
}

HttpResponse ModelRequest::purge(ModelDatabase& database) {
  for (const auto& [id, revs] : body_.as_object()) {
    std::vector<std::string> gone;
    for (const json::value& rev : revs.as_array()) gone.push_back(json::value_to<std::string>(rev));
    database.purge(std::string(id), gone);
  }
  return with(201, {{"purged", body_}});
}

// --- documents ---------------------------------------------------------------------------------

ModelDatabase::WriteOptions ModelRequest::write_options(bool new_edits) {
  return {new_edits, couch_.weather.below_quorum, new_edits && couch_.happens_(couch_.weather.split_vote),
          couch_.env_.mono_now()};
}

HttpResponse ModelRequest::bulk_docs(ModelDatabase& database) {
  const auto new_edits = parameter("new_edits");
  json::array rows;
  for (const json::value& doc : body_.at("docs").as_array()) {
    const bool edits = !new_edits || *new_edits != json::value(false);
    const WriteResult result = database.write(user_, doc.as_object(), write_options(edits));
    if (!result.error.empty()) {
      rows.push_back(json::object{{"id", result.id}, {"error", result.error}, {"reason", result.reason}});
    } else if (edits) {
      json::object row{{"ok", true}, {"id", result.id}, {"rev", result.rev}};
      if (result.accepted) row["accepted"] = true;
      rows.push_back(std::move(row));
    }
  }
  return with(201, std::move(rows));
}

HttpResponse ModelRequest::open_revs(ModelDatabase& database, const std::string& id) {
  const auto found = database.docs().find(id);
  if (found == database.docs().end()) return error(404, "not_found", "missing");
  const json::value wanted = *parameter("open_revs");
  std::vector<std::string> revs = found->second.tree.leaves();
  if (wanted.is_array()) revs = json::value_to<std::vector<std::string>>(wanted);
  json::array rows;
  for (const std::string& rev : revs) {
    auto doc = database.read(id, rev);
    if (!doc) {
      rows.push_back(json::object{{"missing", rev}});
      continue;
    }
    if (text("revs") == "true") (*doc)["_revisions"] = found->second.tree.revisions(rev);
    rows.push_back(json::object{{"ok", *doc}});
  }
  return with(200, std::move(rows));
}

HttpResponse ModelRequest::document_route(ModelDatabase& database, const std::string& id) {
  if (request_.method == "GET") {
    if (query_.contains("open_revs")) return open_revs(database, id);
    if (id.starts_with("_local/")) {
      const auto found = database.locals.find(id);
      return found == database.locals.end() ? error(404, "not_found", "missing") : with(200, found->second);
    }
    const auto doc = database.read(id, text("rev"));
    return doc ? with(200, *doc) : error(404, "not_found", "missing");
  }
  json::object doc = body_.is_object() ? body_.as_object() : json::object();
  doc["_id"] = id;
  if (query_.contains("rev")) doc["_rev"] = text("rev");
  if (request_.method == "DELETE") doc["_deleted"] = true;
  const WriteResult result = database.write(user_, doc, write_options(true));
  if (result.error == "conflict") return error(409, result.error, result.reason);
  if (!result.error.empty()) return error(result.error == "forbidden" ? 403 : 401, result.error, result.reason);
  return with(result.accepted ? 202 : 201, {{"ok", true}, {"id", id}, {"rev", result.rev}});
}

}  // namespace channels::simulation
