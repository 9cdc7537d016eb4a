#include "programs/recording_proxy.h"

#include "base/digest.h"
#include "base/errors.h"

namespace channels {

namespace {

constexpr milliseconds longest_read = seconds(60);
constexpr std::size_t longest_kept_body = 2000;

HttpResponse reply(int status, const json::value& body) {
  HttpResponse response;
  response.status = status;
  response.body = json::serialize(body) + "\n";
  response.content_type = "application/json";
  return response;
}

json::object error(std::string_view what, std::string_view reason) {
  return {{"error", what}, {"reason", reason}};
}

std::string next_rev(const std::string& rev, const Document& doc) {
  const unsigned long long generation = rev.empty() ? 0 : parse_rev(rev).generation;
  return std::to_string(generation + 1) + "-" + sha256_hex(rev + json::serialize(doc)).substr(0, 32);
}

// What goes over as the document's own, not as an option of the request.
std::string given_rev(const std::string& if_match, const RequestTarget& target, const Document& doc) {
  if (const std::string rev = target.parameter("rev"); !rev.empty()) return rev;
  if (if_match.empty()) return doc_rev(doc);
  std::string rev = if_match;
  std::erase(rev, '"');
  return rev;
}

}  // namespace

std::vector<RecordedWrite> RecordingProxy::writes() {
  const std::lock_guard lock(mutex_);
  return writes_;
}

HttpResponse RecordingProxy::answer(const Request& request) {
  const RequestTarget target = parse_target(request.target);
  for (const std::string& segment : target.segments) {
    // An HTTP client may resolve these, and make another path of it than was judged.
    if (segment == "." || segment == "..") return reply(400, error("bad_request", "the path has . or .. in it"));
  }
  try {
    if (!is_reading(request.method, target)) return record(request, target);
    const bool is_plain = (request.method == "GET" || request.method == "HEAD") && target.parameter("rev").empty() &&
                          target.parameter("open_revs").empty();
    const auto written = is_plain ? overlaid(target) : std::nullopt;
    if (!written) return forward(request);
    if (!written->doc) return reply(404, error("not_found", "deleted"));
    HttpResponse response = reply(200, *written->doc);
    response.etag = "\"" + written->rev + "\"";
    return response;
  } catch (const Refused& refused) {
    return reply(refused.status, error(refused.status == 404 ? "not_found" : "forbidden", refused.what()));
  } catch (const Unavailable& down) {
    return reply(503, error("unavailable", down.what()));
  } catch (const std::exception& trouble) {
    return reply(500, error("replay", trouble.what()));
  }
}

HttpRequest RecordingProxy::upstream(const Request& request, const std::string& method, const std::string& target) const {
  HttpRequest sent;
  sent.method = method;
  sent.url = url_ + target.substr(target.starts_with('/') ? 1 : 0);
  sent.timeout = longest_read;
  if (request.cookie.find(cookie_) != request.cookie.npos) {
    sent.headers = credentials_.headers();
  } else if (!request.authorization.empty()) {
    sent.headers.emplace_back("Authorization", request.authorization);
  } else if (!request.cookie.empty()) {
    sent.headers.emplace_back("Cookie", request.cookie);
  }
  sent.headers.emplace_back("Accept", request.accept.empty() ? "application/json" : request.accept);
  return sent;
}

// Only these few headers: one could ask CouchDB for another method than was judged.
HttpResponse RecordingProxy::forward(const Request& request) {
  HttpRequest sent = upstream(request, request.method, request.target);
  if (request.method == "POST") {
    sent.headers.emplace_back("Content-Type", request.content_type.empty() ? "application/json" : request.content_type);
    sent.body = request.body;
  }
  HttpResponse response = transport_.send(sent);
  response.set_cookie.clear();  // it would log in at the real server
  return response;
}

std::optional<RecordingProxy::Overlaid> RecordingProxy::overlaid(const RequestTarget& target) {
  const std::string id = document_of(target);
  if (id.empty()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto found = overlay_.find({target.segments[0], id});
  return found == overlay_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Document> RecordingProxy::current(const Request& request, const std::string& database, const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = overlay_.find({database, id});
    if (found != overlay_.end()) return found->second.doc;
  }
  const HttpResponse response = transport_.send(upstream(request, "GET", "/" + url_encode(database) + "/" + doc_path(id)));
  if (response.status == 404) {
    const std::lock_guard lock(mutex_);
    const bool is_there = made_.contains(database) || response.body.find("Database does not exist") == response.body.npos;
    if (!is_there) throw Refused(404, "Database does not exist.");
    return std::nullopt;
  }
  throw_unless_ok("GET", database + "/" + id, response);
  auto doc = parse_json(response.body);
  if (!doc || !doc->is_object()) throw std::runtime_error(database + "/" + id + " is no document");
  return doc->as_object();
}

json::object RecordingProxy::write(const Request& request, const std::string& database, const std::string& id, Document doc) {
  const auto before = current(request, database, id);
  const std::string is = before ? doc_rev(*before) : "";
  if (doc_rev(doc) != is) return {{"id", id}, {"error", "conflict"}, {"reason", "Document update conflict."}};
  const bool deleted = is_deleted(doc);
  const std::string rev = next_rev(is, doc);
  doc["_id"] = id;
  doc["_rev"] = rev;
  const std::lock_guard lock(mutex_);
  overlay_[{database, id}] = {deleted ? std::nullopt : std::optional(doc), rev};
  writes_.push_back({database, id, before, deleted ? std::nullopt : std::optional(std::move(doc)), {}, {}, {}});
  return {{"ok", true}, {"id", id}, {"rev", rev}};
}

HttpResponse RecordingProxy::record(const Request& request, const RequestTarget& target) {
  const auto& path = target.segments;
  const std::string id = document_of(target);
  const bool is_new = path.size() == 1 && request.method == "POST" && !path[0].starts_with('_');
  if (path.size() == 1 && !is_new) return record_database(request, path[0]);
  if (path.size() == 2 && path[1] == "_bulk_docs" && request.method == "POST") return record_bulk(request, path[0]);
  const bool is_document = is_new || (!id.empty() && (request.method == "PUT" || request.method == "DELETE"));
  if (!is_document) return record_other(request, target);
  Document doc;
  if (request.method == "DELETE") {
    doc["_deleted"] = true;
  } else {
    auto parsed = parse_json(request.body);
    if (!parsed || !parsed->is_object()) return reply(400, error("bad_request", "the body is no JSON object"));
    doc = std::move(parsed->as_object());
  }
  if (const std::string rev = given_rev(request.if_match, target, doc); !rev.empty()) doc["_rev"] = rev;
  std::string named = is_new ? doc_id(doc) : id;
  if (named.empty()) named = hex(env_.random_bytes(16));
  const json::object result = write(request, path[0], named, std::move(doc));
  if (result.contains("error")) return reply(409, error("conflict", "Document update conflict."));
  HttpResponse response = reply(request.method == "DELETE" ? 200 : 201, result);
  response.etag = "\"" + string_or(result, "rev", "") + "\"";
  return response;
}

HttpResponse RecordingProxy::record_bulk(const Request& request, const std::string& database) {
  auto parsed = parse_json(request.body);
  json::object* body = parsed ? parsed->if_object() : nullptr;
  json::value* docs = body == nullptr ? nullptr : body->if_contains("docs");
  if (docs == nullptr || !docs->is_array()) return reply(400, error("bad_request", "POST body must include `docs` parameter."));
  const json::value* edits = body->if_contains("new_edits");
  // Revisions of a replication stand beside what is there, and are answered by silence.
  if (edits != nullptr && *edits == json::value(false)) {
    record_other(request, parse_target("/" + url_encode(database) + "/_bulk_docs"));
    return reply(201, json::array());
  }
  json::array results;
  for (json::value& each : docs->as_array()) {
    if (!each.is_object()) return reply(400, error("bad_request", "Document must be a JSON object"));
    std::string id = doc_id(each.as_object());
    if (id.empty()) id = hex(env_.random_bytes(16));
    results.push_back(write(request, database, id, std::move(each.as_object())));
  }
  return reply(201, results);
}

HttpResponse RecordingProxy::record_database(const Request& request, const std::string& name) {
  if (request.method == "PUT") {
    const HttpResponse there = transport_.send(upstream(request, "HEAD", "/" + url_encode(name)));
    if (there.status == 200)
      return reply(412, error("file_exists", "The database could not be created, the file already exists."));
    const std::lock_guard lock(mutex_);
    made_.insert(name);
  }
  record_other(request, parse_target("/" + url_encode(name)));
  return reply(request.method == "PUT" ? 201 : 200, json::object{{"ok", true}});
}

HttpResponse RecordingProxy::record_other(const Request& request, const RequestTarget& target) {
  std::string path;
  for (const std::string& segment : target.segments) path += "/" + segment;
  const bool is_attachment = target.segments.size() >= 3 && !target.segments[1].starts_with('_');
  {
    const std::lock_guard lock(mutex_);
    writes_.push_back({{}, {}, {}, {}, request.method, path, is_attachment ? "" : request.body.substr(0, longest_kept_body)});
  }
  if (!is_attachment) return reply(200, json::object{{"ok", true}});
  return reply(201, json::object{{"ok", true}, {"id", target.segments[1]},
                                 {"rev", next_rev(target.parameter("rev"), {})}});
}

}  // namespace channels
