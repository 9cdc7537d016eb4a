#include "couch/server.h"

#include <algorithm>

#include "base/errors.h"
#include "base/log.h"
#include "couch/answer.h"

namespace channels {

namespace {

std::string with_slash(std::string_view url) {
  std::string out(url);
  if (!out.ends_with('/')) out += '/';
  return out;
}

}  // namespace

void throw_unless_ok(std::string_view method, std::string_view path, const HttpResponse& response,
                     std::initializer_list<int> expected) {
  const int status = response.status;
  if (status >= 200 && status < 300) return;
  if (std::find(expected.begin(), expected.end(), status) != expected.end()) return;
  const std::string what = std::string(method) + " /" + escaped(path) + " answered " +
                           std::to_string(status) + ": " + escaped(response.body);
  if (status == 429 || status == 408 || status >= 500)
    throw Unavailable(what, response.retry_after);
  throw Refused(status, what);
}

Server::Server(Transport& transport, Credentials& credentials, std::string_view url)
    : transport_(transport), credentials_(credentials), url_(with_slash(url)) {}

HttpRequest Server::prepared(std::string_view method, std::string_view path,
                             const json::value& body) {
  HttpRequest request;
  request.method = method;
  request.url = url_ + std::string(path);
  request.headers = credentials_.headers();
  request.headers.emplace_back("Accept", "application/json");
  if (!body.is_null() || method == "POST")
    request.headers.emplace_back("Content-Type", "application/json");
  if (!body.is_null()) request.body = json::serialize(body);
  return request;
}

Reply Server::request(std::string_view method, std::string_view path, const json::value& body,
                      std::initializer_list<int> expected, const Options& options) {
  HttpRequest request = prepared(method, path, body);
  request.timeout = options.timeout;
  request.stop = options.stop;
  request.largest_answer = options.largest_answer;
  const HttpResponse response = transport_.send(request);
  throw_unless_ok(method, path, response, expected);
  auto parsed = parse_json(response.body.empty() ? "null" : response.body);
  if (!parsed) {
    const std::string what = std::string(method) + " /" + escaped(path) + ": " + parsed.error().reason;
    if (is_json_beyond_limits(response.body)) throw Unreadable(what);
    throw Unavailable(what);  // CouchDB never said that: a proxy did, or the connection cut it off
  }
  return {response.status, std::move(parsed.value()), response.body.size()};
}

Reply Server::request(std::string_view method, std::string_view path, const json::value& body,
                      std::initializer_list<int> expected) {
  return request(method, path, body, expected, Options{});
}

void Server::stream_lines(std::string_view path, milliseconds silence, std::stop_token stop,
                          const std::function<bool(std::string_view)>& receive) {
  HttpRequest request = prepared("GET", path, nullptr);
  request.timeout = milliseconds(0);  // as long as it lives; `silence` is the watch-dog
  request.stop = std::move(stop);
  std::string partial;
  const auto by_line = [&](std::string_view data) {
    partial += data;
    std::size_t start = 0;
    for (std::size_t end; (end = partial.find('\n', start)) != std::string::npos; start = end + 1) {
      if (!receive(std::string_view(partial).substr(start, end - start))) return false;
    }
    partial.erase(0, start);
    return true;
  };
  const HttpResponse response = transport_.stream(request, silence, by_line);
  throw_unless_ok("GET", path, response);
}

bool Server::is_up() {
  return request("GET", "_up", nullptr, {404}).status == 200;
}

Server::Session Server::session() {
  const Reply reply = request("GET", "_session");
  Session session;
  const json::object* body = reply.body.if_object();
  const json::object* context = body == nullptr ? nullptr : get_object(*body, "userCtx");
  if (context == nullptr) return session;
  session.name = string_or(*context, "name", "");
  if (const json::array* roles = get_array(*context, "roles"))
    session.is_admin = std::find(roles->begin(), roles->end(), json::value("_admin")) != roles->end();
  return session;
}

std::vector<std::string> Server::database_names(std::string_view start_after, std::size_t limit) {
  std::string path = "_all_dbs?limit=" + std::to_string(limit + 1);
  if (!start_after.empty()) {
    const json::string quoted(start_after.data(), start_after.size());
    path += "&startkey=" + url_encode(json::serialize(quoted));
  }
  Reply reply = request("GET", path);
  std::vector<std::string> names;
  for (const json::value& name : array_in(reply.body, "_all_dbs")) {
    std::string text = string_in(name, "_all_dbs");
    if (text != start_after && names.size() < limit) names.push_back(std::move(text));
  }
  return names;
}

std::vector<DatabaseInfo> Server::database_infos(const std::vector<std::string>& names) {
  Reply reply = request("POST", "_dbs_info", {{"keys", json::value_from(names)}});
  std::vector<DatabaseInfo> infos;
  for (json::value& entry : array_in(reply.body, "_dbs_info")) {
    json::object& row = object_in(entry, "_dbs_info");
    DatabaseInfo info;
    info.name = string_or(row, "key", "");
    json::value* detail = row.if_contains("info");
    info.missing = detail == nullptr || detail->is_null();
    if (!info.missing) info.update_seq = seq_in(*detail, "update_seq", "_dbs_info");
    infos.push_back(std::move(info));
  }
  return infos;
}

}  // namespace channels
