#include "simulation/couch/model_request.h"

#include <charconv>
#include <regex>

#include "base/digest.h"
#include "couch/credentials.h"

namespace channels::simulation {

namespace {

std::string decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr == text.data() + i + 3) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += plus_is_blank && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

bool is_system_database(std::string_view name) {
  return name == "_users" || name == "_replicator" || name == "_global_changes";
}

void check_database_name(const std::string& name) {
  static const std::regex legal("[a-z][a-z0-9_$()+/-]*");
  if (is_system_database(name) || std::regex_match(name, legal)) return;
  throw Problem{400, "illegal_database_name",
                "Name: '" + name + "'. Only lowercase characters (a-z), digits (0-9), and any of the characters _, $, (, ), "
                "+, -, and / are allowed. Must begin with a letter."};
}

json::array roles_of(const User& user) {
  json::array roles(user.roles.begin(), user.roles.end());
  if (user.is_admin) roles.emplace_back("_admin");
  return roles;
}

}  // namespace

ModelRequest::ModelRequest(ModelCouch& couch, const HttpRequest& request) : couch_(couch), request_(request) {
  parse(request);
}

void ModelRequest::parse(const HttpRequest& request) {
  std::string_view url = request.url;
  url.remove_prefix(std::min(url.size(), url.find('/', url.find("//") + 2) + 1));
  const std::size_t question = url.find('?');
  std::string_view query = question == std::string_view::npos ? "" : url.substr(question + 1);
  std::string_view path = url.substr(0, question);
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    path_.push_back(decode(path.substr(0, slash), false));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    query_[decode(pair.substr(0, equals), true)] = equals < pair.size() ? decode(pair.substr(equals + 1), true) : "";
    query.remove_prefix(std::min(end + 1, query.size()));
  }
}

void ModelRequest::parse_body() {
  if (request_.body.empty()) return;
  auto parsed = parse_json(request_.body);
  if (!parsed) throw Problem{400, "bad_request", "invalid UTF-8 JSON"};
  body_ = std::move(parsed.value());
}

HttpResponse ModelRequest::with(int status, const json::value& body) {
  return {status, json::serialize(body) + "\n"};
}

std::optional<json::value> ModelRequest::parameter(const std::string& name) const {
  if (const auto found = query_.find(name); found != query_.end()) {
    auto parsed = parse_json(found->second);
    return parsed ? std::move(parsed.value()) : json::value(found->second);
  }
  if (const json::object* body = body_.if_object()) {
    if (const json::value* value = body->if_contains(name)) return *value;
  }
  return std::nullopt;
}

std::string ModelRequest::text(const std::string& name, const std::string& fallback) const {
  if (const auto found = query_.find(name); found != query_.end()) return found->second;
  const json::object* body = body_.if_object();
  return body == nullptr ? fallback : string_or(*body, name, fallback);
}

std::optional<std::int64_t> ModelRequest::whole_number(const std::string& name) const {
  const auto value = parameter(name);
  if (!value) return std::nullopt;
  const json::value* number = &*value;
  if (!number->is_int64() || number->get_int64() < 0)
    throw Problem{400, "query_parse_error", "Invalid value for integer: " + json::serialize(*value)};
  return number->get_int64();
}

// --- who may what (chttpd_auth_request) ----------------------------------------------------------

void ModelRequest::require_admin() const {
  if (!user_.is_admin) throw Problem{401, "unauthorized", "You are not a server admin."};
}

ModelDatabase& ModelRequest::database() {
  ModelDatabase* found = couch_.find(path_[0]);
  if (found == nullptr) throw Problem{404, "not_found", "Database does not exist."};
  return *found;
}

void ModelRequest::authorize() {
  const ModelDatabase* users = couch_.find("_users");
  static Designs none;
  static const ModelDatabase nobody("_users", "", none);
  user_ = log_in(request_, couch_.options_, users == nullptr ? nobody : *users, couch_.env_.wall_now());
  if (path_.empty()) return;
  const std::string& first = path_[0];
  const std::string second = path_.size() > 1 ? path_[1] : "";
  const bool changes_database = path_.size() == 1 && (request_.method == "PUT" || request_.method == "DELETE");
  if (first == "_up" || first == "_uuids" || first == "_session") return;
  const bool kept_close = first == "_users" || first == "_replicator";
  if (kept_close ? changes_database || second == "_all_docs" || second == "_changes" : first.starts_with('_'))
    return require_admin();
  if (changes_database || second == "_purge") return require_admin();
  const ModelDatabase& asked = database();
  if (!asked.may_read(user_)) {
    if (user_.is_nobody()) throw Problem{401, "unauthorized", "You are not authorized to access this db."};
    throw Problem{403, "forbidden", "You are not allowed to access this db."};
  }
  if (second == "_compact" && !asked.is_admin(user_))
    throw Problem{401, "unauthorized", "You are not a server or db admin."};
}

// --- routes ------------------------------------------------------------------------------------

HttpResponse ModelRequest::answer() {
  try {
    if (couch_.weather.maintenance && !path_.empty() && path_[0] == "_up")
      return with(404, {{"status", "maintenance_mode"}});
    if (couch_.weather.maintenance && (path_.empty() || path_[0] != "_session"))
      throw Problem{503, "nodedown", "progress not possible"};
    authorize();
    parse_body();
    return route();
  } catch (const Problem& problem) {
    return with(problem.status, {{"error", problem.error}, {"reason", problem.reason}});
  }
}

HttpResponse ModelRequest::route() {
  if (path_.empty()) return with(200, {{"couchdb", "Welcome"}, {"version", "3.5.0"}, {"vendor", {{"name", "in memory"}}}});
  if (path_[0].starts_with('_') && !is_system_database(path_[0])) return server_route();
  if (path_.size() == 1 && (request_.method == "PUT" || request_.method == "DELETE")) return make_or_remove(path_[0]);
  return database_route(database());
}

HttpResponse ModelRequest::server_route() {
  const std::string& name = path_[0];
  if (name == "_up") return with(200, {{"status", "ok"}, {"seeds", json::object()}});
  if (name == "_session") return session();
  if (name == "_all_dbs") return all_dbs();
  if (name == "_dbs_info") return dbs_info();
  if (name == "_db_updates") {
    ModelDatabase& updates = feed_database();
    const ChangesPage page = changes_page(updates, since(updates), limit());
    json::array rows;
    for (const ChangesPage::Row& row : page.rows) rows.push_back(row.shown);
    return with(200, {{"results", std::move(rows)}, {"last_seq", page.last_seq}});
  }
  throw Problem{501, "not_implemented", "this CouchDB has no " + name};
}

HttpResponse ModelRequest::session() {
  if (request_.method == "POST") {
    const std::string basic = "Basic " + base64(text("name") + ":" + text("password"));
    HttpRequest by_password = request_;
    by_password.headers = {{"Authorization", basic}};
    const WallTime now = couch_.env_.wall_now();
    const User user = log_in(by_password, couch_.options_, *couch_.find("_users"), now);
    const auto doc = couch_.find("_users")->read("org.couchdb.user:" + user.name);
    const CookieKey key{user.name, user.is_admin ? couch_.options_.admin_salt : string_or(*doc, "salt", ""),
                        couch_.options_.secret, "sha256"};
    HttpResponse response = with(200, {{"ok", true}, {"name", user.name}, {"roles", roles_of(user)}});
    response.set_cookie = "AuthSession=" + mint_cookie(key, now) + "; Version=1; Path=/; HttpOnly";
    return response;
  }
  return with(200, {{"ok", true},
                    {"userCtx", {{"name", user_.is_nobody() ? json::value() : json::value(user_.name)}, {"roles", roles_of(user_)}}},
                    {"info", {{"authentication_handlers", {"cookie", "default"}}}}});
}

HttpResponse ModelRequest::all_dbs() {
  const auto bound = [&](const char* name) -> std::optional<std::string> {
    const auto value = parameter(name);
    return value && value->is_string() ? std::optional(json::value_to<std::string>(*value)) : std::nullopt;
  };
  const auto start = bound("startkey");
  const auto end = bound("endkey");
  std::size_t skip = static_cast<std::size_t>(whole_number("skip").value_or(0));
  const std::size_t most = limit();
  json::array names;
  auto at = start ? couch_.databases_.lower_bound(*start) : couch_.databases_.begin();
  for (; at != couch_.databases_.end() && names.size() < most; ++at) {
    if (end && at->first > *end) break;
    if (skip > 0) {
      --skip;
    } else {
      names.emplace_back(at->first);
    }
  }
  return with(200, names);
}

HttpResponse ModelRequest::dbs_info() {
  const json::object* body = body_.if_object();
  const json::array* keys = body == nullptr ? nullptr : get_array(*body, "keys");
  if (keys == nullptr) throw Problem{400, "bad_request", "`keys` member must exist."};
  if (keys->size() > 100) throw Problem{400, "bad_request", "`keys` member must have 100 names or less."};
  json::array infos;
  for (const json::value& key : *keys) {
    const ModelDatabase* found = key.is_string() ? couch_.find(json::value_to<std::string>(key)) : nullptr;
    if (found == nullptr) {
      infos.push_back(json::object{{"key", key}, {"error", "not_found"}});
    } else {
      infos.push_back(json::object{{"key", key}, {"info", info(*found)}});
    }
  }
  return with(200, infos);
}

HttpResponse ModelRequest::make_or_remove(const std::string& name) {
  if (request_.method == "DELETE") {
    if (couch_.find(name) == nullptr) throw Problem{404, "not_found", "Database does not exist."};
    couch_.remove(name);
    return with(200, {{"ok", true}});
  }
  check_database_name(name);
  if (couch_.find(name) != nullptr)
    throw Problem{412, "file_exists", "The database could not be created, the file already exists."};
  couch_.make(name);
  return with(couch_.weather.below_quorum ? 202 : 201, {{"ok", true}});
}

json::object ModelRequest::info(const ModelDatabase& database) const {
  const int quorum = couch_.options_.copies / 2 + 1;
  return {{"instance_start_time", "0"},
          {"db_name", database.name()},
          {"update_seq", database.seq_text(database.seq())},
          {"cluster", {{"q", 1}, {"n", couch_.options_.copies}, {"w", quorum}, {"r", quorum}}}};
}

HttpResponse ModelRequest::security(ModelDatabase& database) {
  if (request_.method == "GET") return with(200, database.security());
  // What a majority of one shard says to somebody who may not.
  if (!database.is_admin(user_)) throw Problem{500, "error", "no_majority"};
  const json::object* object = body_.if_object();
  if (object == nullptr) throw Problem{400, "bad_request", "Request body must be a JSON object"};
  database.set_security(*object);
  const Document shown = database.security();
  couch_.tell_commit({database.name(), "_security", "", &shown, true, user_.name, 0});
  return with(200, {{"ok", true}});
}

HttpResponse ModelRequest::database_route(ModelDatabase& database) {
  const std::string& method = request_.method;
  if (path_.size() == 1) {
    if (method == "GET" || method == "HEAD") return with(200, info(database));
    if (method == "POST") return put_document(database, "", body_);
    throw Problem{405, "method_not_allowed", "Only DELETE,GET,HEAD,POST allowed"};
  }
  const std::string& what = path_[1];
  if (path_.size() == 2) {
    if (what == "_changes") return changes(database);
    if (what == "_all_docs") return all_docs(database);
    if (what == "_bulk_docs") return bulk_docs(database);
    if (what == "_bulk_get") return bulk_get(database);
    if (what == "_revs_diff") return revs_diff(database);
    if (what == "_security") return security(database);
    if (what == "_purge") return purge(database);
    if (what == "_compact") {
      database.compact();
      return with(202, {{"ok", true}});
    }
    if (what.starts_with('_') && !what.starts_with("_design/") && !what.starts_with("_local/"))
      throw Problem{501, "not_implemented", "this CouchDB has no " + what};
    return document_route(database, what);
  }
  if (what == "_design" && path_.size() == 5 && path_[3] == "_view") return view(database, path_[2], path_[4]);
  if ((what == "_design" || what == "_local") && path_.size() == 3) return document_route(database, what + "/" + path_[2]);
  throw Problem{501, "not_implemented", "this CouchDB keeps no attachments"};
}

// --- for feeds ---------------------------------------------------------------------------------

std::string ModelRequest::feed() const {
  const auto found = query_.find("feed");
  if (found == query_.end()) return "normal";
  if (found->second == "live") return "continuous";
  if (found->second == "normal" || found->second == "longpoll" || found->second == "continuous") return found->second;
  throw Problem{400, "bad_request", "Supported `feed` types: normal, continuous, live, longpoll, eventsource"};
}

ModelDatabase& ModelRequest::feed_database() {
  if (!is_updates()) return database();
  ModelDatabase* found = couch_.find("_global_changes");
  if (found == nullptr) throw Problem{404, "not_found", "Database does not exist."};
  return *found;
}

std::optional<milliseconds> ModelRequest::heartbeat() const {
  const std::string given = text("heartbeat", "false");
  if (given == "false") return std::nullopt;
  return given == "true" ? milliseconds(60000) : milliseconds(whole_number("heartbeat").value_or(60000));
}

std::size_t ModelRequest::limit() const {
  return static_cast<std::size_t>(whole_number("limit").value_or(10'000'000));
}

std::uint64_t ModelRequest::since(ModelDatabase& database) const {
  const auto given = parameter("since");
  if (!given || given == json::value(0)) return 0;
  const std::string seq = given->is_string() ? json::value_to<std::string>(*given) : text("since");
  if (seq == "now") return database.seq();
  const auto number = database.seq_number(seq);
  if (!number) throw Problem{400, "bad_request", "Malformed sequence supplied in 'since' parameter."};
  return *number;
}

}  // namespace channels::simulation
