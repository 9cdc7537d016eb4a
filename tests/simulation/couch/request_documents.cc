// Documents: reading, saving, purging, and what replication asks for.
#include <algorithm>

#include "base/digest.h"
#include "simulation/couch/model_request.h"

namespace channels::simulation {

namespace {

constexpr std::size_t most_purged_ids = 100;
constexpr std::size_t most_purged_revs = 1000;

const Problem missing{404, "not_found", "missing"};

RevId checked_rev(const json::value& rev) {
  const auto parsed = rev.is_string() ? RevId::parse(rev.get_string()) : std::nullopt;
  if (!parsed) throw Problem{400, "bad_request", "Invalid rev format"};
  return *parsed;
}

int status_of(const std::string& error) {
  if (error == "conflict") return 409;
  if (error == "forbidden") return 403;
  if (error == "unauthorized") return 401;
  return error == "bad_request" ? 400 : 500;
}

json::array texts(const std::vector<RevId>& revs) {
  json::array shown;
  for (const RevId& rev : revs) shown.emplace_back(rev.text());
  return shown;
}

}  // namespace

HttpResponse ModelRequest::document_route(ModelDatabase& database, const std::string& id) {
  const std::string& method = request_.method;
  if (method == "GET" || method == "HEAD") return get_document(database, id);
  if (method == "PUT") return put_document(database, id, body_);
  if (method != "DELETE") throw Problem{405, "method_not_allowed", "Only DELETE,GET,HEAD,POST,PUT,COPY allowed"};
  const ModelDoc* known = database.find(id);
  if (known != nullptr && known->tree.is_deleted()) throw Problem{404, "not_found", "deleted"};
  if (!database.read(id)) throw missing;
  return put_document(database, id, json::object{{"_deleted", true}});
}

json::object ModelRequest::decorated(ModelDatabase& database, const std::string& id, const RevId& rev, json::object doc) const {
  const RevisionTree& tree = database.find(id)->tree;
  const std::vector<RevId> path = tree.path(rev);
  if (text("revs") == "true") doc["_revisions"] = revisions_json(path);
  if (text("revs_info") == "true") {
    json::array infos;
    for (const RevId& each : path) {
      const RevisionTree::Revision& revision = tree.at(each);
      const char* status = !revision.body ? "missing" : revision.deleted ? "deleted" : "available";
      infos.push_back(json::object{{"rev", each.text()}, {"status", status}});
    }
    doc["_revs_info"] = std::move(infos);
  }
  std::vector<RevId> others = tree.leaves();
  std::erase(others, rev);
  const auto deleted = std::stable_partition(others.begin(), others.end(), [&](const RevId& each) { return !tree.at(each).deleted; });
  if (text("conflicts") == "true" && deleted != others.begin()) doc["_conflicts"] = texts({others.begin(), deleted});
  if (text("deleted_conflicts") == "true" && deleted != others.end()) doc["_deleted_conflicts"] = texts({deleted, others.end()});
  if (text("local_seq") == "true") doc["_local_seq"] = database.find(id)->seq;
  return doc;
}

HttpResponse ModelRequest::get_document(ModelDatabase& database, const std::string& id) {
  if (query_.contains("open_revs")) return open_revs(database, id);
  if (id.starts_with("_local/")) {
    const auto doc = database.read(id);
    if (!doc) throw missing;
    return with(200, *doc);
  }
  const ModelDoc* known = database.find(id);
  if (query_.contains("rev")) {
    const RevId rev = checked_rev(json::string(text("rev")));
    auto doc = database.read(id, rev);
    if (!doc) throw missing;
    return with(200, decorated(database, id, rev, std::move(*doc)));
  }
  if (known == nullptr) throw missing;
  auto doc = database.read(id);
  if (!doc) throw Problem{404, "not_found", "deleted"};
  return with(200, decorated(database, id, known->tree.winner(), std::move(*doc)));
}

HttpResponse ModelRequest::open_revs(ModelDatabase& database, const std::string& id) {
  const ModelDoc* known = database.find(id);
  const auto asked = parameter("open_revs");
  std::vector<RevId> revs;
  if (asked->is_array()) {
    for (const json::value& rev : asked->get_array()) revs.push_back(checked_rev(rev));
  } else if (text("open_revs") != "all") {
    throw Problem{400, "bad_request", "Invalid rev format"};
  } else {
    if (known == nullptr) throw missing;
    revs = known->tree.leaves();
  }
  json::array rows;
  for (const RevId& rev : revs) {
    auto doc = database.read(id, rev);
    if (doc) {
      rows.push_back(json::object{{"ok", decorated(database, id, rev, std::move(*doc))}});
    } else {
      rows.push_back(json::object{{"missing", rev.text()}});
    }
  }
  return with(200, rows);
}

// --- saving ------------------------------------------------------------------------------------

std::vector<WriteResult> ModelRequest::write(ModelDatabase& database, const std::vector<IncomingDoc>& docs, bool new_edits) {
  for (const IncomingDoc& doc : docs) {
    if (database.name() == "_users" && doc.body->contains("password"))
      throw Problem{501, "not_implemented", "this CouchDB hashes no passwords"};
    if (!new_edits && doc.revs.empty())
      throw Problem{400, "bad_request", "When `new_edits: false`, the document needs `_rev` or `_revisions` specified"};
  }
  WriteOptions options;
  options.new_edits = new_edits;
  options.below_quorum = couch_.weather.below_quorum;
  options.splits = [this] { return couch_.happens(couch_.weather.split_vote); };
  options.wins_unsure = [this] { return couch_.happens(couch_.weather.unsure_win); };
  options.now = couch_.env_.mono_now();
  Writer writer(database, user_, options);
  std::vector<WriteResult> results = writer.write(docs);
  if (writer.told()) couch_.note_update(database.name(), "updated");
  for (const auto& [id, rev] : writer.committed()) {
    const auto shown = id.starts_with("_local/") ? database.read(id) : database.read(id, rev);
    couch_.tell_commit({database.name(), id, rev, shown ? &*shown : nullptr, new_edits, user_.name, 0});
  }
  return results;
}

HttpResponse ModelRequest::put_document(ModelDatabase& database, const std::string& id, json::value doc) {
  if (json::object* object = doc.if_object()) {
    if (!id.empty()) (*object)["_id"] = id;
    if (!object->contains("_id")) (*object)["_id"] = sha256_hex(std::to_string(couch_.generator_())).substr(0, 32);
    if (query_.contains("rev")) {
      if (object->contains("_rev") && object->at("_rev") != json::value(text("rev")))
        throw Problem{400, "bad_request", "Document rev from request body and query string have different values"};
      (*object)["_rev"] = text("rev");
    }
  }
  const IncomingDoc incoming = IncomingDoc::parse(doc, couch_.options_.max_document_size);
  const auto edits = query_.find("new_edits");
  const bool new_edits = edits == query_.end() || edits->second != "false";
  const std::vector<WriteResult> results = write(database, {incoming}, new_edits);
  if (!results.empty() && !results.front().error.empty()) {
    const WriteResult& refused = results.front();
    throw Problem{status_of(refused.error), refused.error, refused.reason};
  }
  const bool accepted = couch_.weather.below_quorum || (!results.empty() && results.front().accepted);
  const std::string rev = results.empty() ? incoming.revs.front().text() : results.front().rev;
  const int status = accepted ? 202 : incoming.deleted ? 200 : 201;
  return with(status, {{"ok", true}, {"id", incoming.id}, {"rev", rev}});
}

HttpResponse ModelRequest::bulk_docs(ModelDatabase& database) {
  const json::object* body = body_.if_object();
  if (body == nullptr || !body->contains("docs"))
    throw Problem{400, "bad_request", "POST body must include `docs` parameter."};
  const json::array* docs = get_array(*body, "docs");
  if (docs == nullptr) throw Problem{400, "bad_request", "`docs` parameter must be an array."};
  const json::value* edits = body->if_contains("new_edits");
  if (edits != nullptr && !edits->is_bool()) throw Problem{400, "bad_request", "`new_edits` parameter must be a boolean."};
  const bool new_edits = edits == nullptr || edits->get_bool();
  std::vector<IncomingDoc> incoming;
  for (const json::value& doc : *docs) {
    incoming.push_back(IncomingDoc::parse(doc, couch_.options_.max_document_size));
    if (incoming.back().id.empty()) incoming.back().id = sha256_hex(std::to_string(couch_.generator_())).substr(0, 32);
  }
  int status = couch_.weather.below_quorum && !incoming.empty() ? 202 : 201;
  json::array rows;
  for (const WriteResult& result : write(database, incoming, new_edits)) {
    json::object row;
    if (result.error.empty()) {
      row = {{"ok", true}, {"id", result.id}, {"rev", result.rev}};
      if (result.accepted) row["accepted"] = true;
      if (result.accepted) status = 202;
    } else {
      row = {{"id", result.id}};
      if (!new_edits) row["rev"] = result.rev;
      row["error"] = result.error;
      row["reason"] = result.reason;
    }
    rows.push_back(std::move(row));
  }
  return with(status, rows);
}

// --- replication, purge ------------------------------------------------------------------------

HttpResponse ModelRequest::bulk_get(ModelDatabase& database) {
  const json::object* body = body_.if_object();
  const json::array* docs = body == nullptr ? nullptr : get_array(*body, "docs");
  if (docs == nullptr) throw Problem{400, "bad_request", "Missing JSON list of 'docs'."};
  json::array results;
  for (const json::value& asked : *docs) {
    const json::object* object = asked.if_object();
    if (object == nullptr || string_or(*object, "id", "").empty()) throw Problem{400, "bad_request", "document id missed"};
    const std::string id = string_or(*object, "id", "");
    const ModelDoc* known = database.find(id);
    std::vector<RevId> revs;
    if (object->contains("rev")) {
      revs = {checked_rev(object->at("rev"))};
    } else if (known != nullptr) {
      revs = known->tree.leaves();
    }
    json::array found;
    for (const RevId& rev : revs) {
      auto doc = database.read(id, rev);
      if (doc) {
        found.push_back(json::object{{"ok", decorated(database, id, rev, std::move(*doc))}});
      } else {
        found.push_back(json::object{{"error", {{"id", id}, {"rev", rev.text()}, {"error", "not_found"}, {"reason", "missing"}}}});
      }
    }
    if (revs.empty())
      found.push_back(json::object{{"error", {{"id", id}, {"rev", nullptr}, {"error", "not_found"}, {"reason", "missing"}}}});
    results.push_back(json::object{{"id", id}, {"docs", std::move(found)}});
  }
  return with(200, {{"results", std::move(results)}});
}

HttpResponse ModelRequest::revs_diff(ModelDatabase& database) {
  const json::object* body = body_.if_object();
  if (body == nullptr) throw Problem{400, "bad_request", "Request body must be a JSON object"};
  json::object answer;
  for (const auto& [id, revs] : *body) {
    const ModelDoc* known = database.find(std::string(id));
    std::vector<RevId> lacking;
    for (const json::value& rev : revs.as_array()) {
      const RevId parsed = checked_rev(rev);
      if (known == nullptr || !known->tree.has(parsed)) lacking.push_back(parsed);
    }
    if (lacking.empty()) continue;
    json::object row{{"missing", texts(lacking)}};
    std::vector<RevId> ancestors = known == nullptr ? std::vector<RevId>() : known->tree.leaves();
    const auto newest = std::max_element(lacking.begin(), lacking.end())->generation;
    std::erase_if(ancestors, [&](const RevId& leaf) { return leaf.generation >= newest; });
    if (!ancestors.empty()) row["possible_ancestors"] = texts(ancestors);
    answer[id] = std::move(row);
  }
  return with(200, answer);
}

HttpResponse ModelRequest::purge(ModelDatabase& database) {
  const json::object* body = body_.if_object();
  if (body == nullptr) throw Problem{400, "bad_request", "Request body must be a JSON object"};
  std::vector<std::pair<std::string, std::vector<RevId>>> asked;
  std::size_t count = 0;
  for (const auto& [id, revs] : *body) {
    const json::array* list = revs.if_array();
    if (list == nullptr) throw Problem{400, "bad_request", "Invalid list of revisions"};
    asked.emplace_back(std::string(id), std::vector<RevId>());
    for (const json::value& rev : *list) asked.back().second.push_back(checked_rev(rev));
    count += list->size();
  }
  if (asked.size() > most_purged_ids) throw Problem{400, "bad_request", "Exceeded maximum number of documents."};
  if (count > most_purged_revs) throw Problem{400, "bad_request", "Exceeded maximum number of revisions."};
  json::object purged;
  std::vector<std::pair<std::string, RevId>> gone;
  for (const auto& [id, revs] : asked) {
    const std::vector<RevId> some = database.purge(id, revs);
    for (const RevId& rev : some) gone.emplace_back(id, rev);
    purged[id] = texts(some);
  }
  if (!gone.empty()) {
    database.purge_ended();
    couch_.note_update(database.name(), "updated");
  }
  for (const auto& [id, rev] : gone) couch_.tell_commit({database.name(), id, rev.text(), nullptr, true, user_.name, 0});
  return with(201, {{"purge_seq", nullptr}, {"purged", std::move(purged)}});
}

}  // namespace channels::simulation
