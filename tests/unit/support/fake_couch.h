// One database with CouchDB's rules for revisions, in memory: what Leases and Records stand on. It
// has no revision trees, no feed and no cluster; the test says which save is answered 202, or not
// at all. Views are whatever the test makes of the documents.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/errors.h"
#include "couch/database.h"

namespace channels {

class FakeCouch : public Transport {
 public:
  // --- the database, as a test sees it ---

  std::map<std::string, Document> docs;  // without deleted ones
  std::map<std::string, std::function<json::array(const json::object& query)>> views;
  std::vector<std::string> requests;   // "POST _bulk_docs", in their order
  std::set<std::string> answered_202;  // ids
  std::set<std::string> refused;       // ids that a validation function lets nobody write
  int copies = 1;  // n of the cluster
  std::map<std::string, Document> losers;  // by id: a branch that a race left
  // Called before the request acts; may throw Unavailable.
  std::function<void(const HttpRequest&)> before;
  // Called after it has acted: the answer is lost if it throws.
  std::function<void(const HttpRequest&)> after;

  std::vector<std::string> ids() const {
    std::vector<std::string> all;
    for (const auto& [id, doc] : docs) all.push_back(id);
    return all;
  }

  // --- the server ---

  HttpResponse send(const HttpRequest& request) override {
    const std::string path = path_of(request);
    requests.push_back(request.method + " " + path.substr(0, path.find('?')));
    if (before) before(request);
    HttpResponse response;
    response.status = 200;
    response.body = json::serialize(answer(request, path, response.status));
    if (after) after(request);
    return response;
  }
  HttpResponse stream(const HttpRequest&, milliseconds,
                      const std::function<bool(std::string_view)>&) override {
    throw Unavailable("FakeCouch has no feeds");
  }

 private:
  static std::string path_of(const HttpRequest& request) {
    const std::string root = "http://couch/registry/";
    if (request.url + "/" == root) return "";
    EXPECT_TRUE(request.url.starts_with(root)) << request.url;
    return request.url.substr(root.size());
  }

  json::value answer(const HttpRequest& request, const std::string& path, int& status) {
    const std::string view_path = "_design/channels/_view/";
    const json::value body = request.body.empty() ? json::value() : json::parse(request.body);
    if (path == "_bulk_docs") return bulk(body.at("docs").as_array(), status);
    if (path == "_all_docs?include_docs=true") return all_docs(body.at("keys").as_array());
    if (path == "_all_docs") return range(body.as_object());
    if (path.starts_with(view_path)) {
      return {{"rows", views.at(path.substr(view_path.size()))(body.as_object())}};
    }
    EXPECT_EQ(request.method, "GET") << path;
    if (path.empty()) return {{"cluster", {{"n", copies}}}};
    if (path.ends_with("?open_revs=all")) return open_revs(path.substr(0, path.find('?')));
    const auto found = docs.find(path.substr(0, path.find('?')));
    if (found != docs.end()) return found->second;
    status = 404;
    return {{"error", "not_found"}, {"reason", "missing"}};
  }

  json::value bulk(const json::array& wanted, int& status) {
    status = 201;
    json::array rows;
    for (const json::value& doc : wanted) rows.push_back(save(doc.as_object()));
    return rows;
  }

  json::object save(Document doc) {
    const std::string id = doc_id(doc);
    const auto current = docs.find(id);
    const std::string rev = current == docs.end() ? "" : doc_rev(current->second);
    const auto loser = losers.find(id);
    if (loser != losers.end() && doc_rev(doc) == doc_rev(loser->second) && is_deleted(doc)) {
      losers.erase(loser);
      return {{"ok", true}, {"id", id}, {"rev", "9-gone"}};
    }
    if (refused.contains(id)) return {{"id", id}, {"error", "forbidden"}, {"reason", "no"}};
    if (doc_rev(doc) != rev)
      return {{"id", id}, {"error", "conflict"}, {"reason", "Document update conflict."}};
    const std::string next = std::to_string(++generation_) + "-" + id;
    doc["_rev"] = next;
    if (is_deleted(doc)) {
      docs.erase(id);
    } else {
      docs[id] = std::move(doc);
    }
    json::object row{{"ok", true}, {"id", id}, {"rev", next}};
    if (answered_202.contains(id)) row["accepted"] = true;
    return row;
  }

  json::value open_revs(const std::string& id) const {
    json::array rows;
    for (const auto* of : {&docs, &losers}) {
      const auto found = of->find(id);
      if (found != of->end()) rows.push_back(json::object{{"ok", found->second}});
    }
    return rows;
  }

  json::value range(const json::object& query) const {
    json::array rows;
    for (const auto& [id, doc] : docs) {
      if (id < query.at("startkey").as_string() || id > query.at("endkey").as_string()) continue;
      rows.push_back(json::object{{"id", id}, {"key", id}, {"doc", doc}});
    }
    return {{"rows", std::move(rows)}};
  }

  json::value all_docs(const json::array& keys) const {
    json::array rows;
    for (const json::value& key : keys) {
      const auto found = docs.find(json::value_to<std::string>(key));
      if (found == docs.end()) {
        rows.push_back(json::object{{"key", key}, {"error", "not_found"}});
      } else {
        rows.push_back(json::object{{"id", key}, {"key", key}, {"doc", found->second}});
      }
    }
    return {{"rows", std::move(rows)}};
  }

  unsigned generation_ = 0;
};

}  // namespace channels
