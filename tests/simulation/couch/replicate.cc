#include "simulation/couch/replicate.h"

#include "couch/answer.h"
#include "http/transport.h"

namespace channels::simulation {

namespace {

// A leaf of the source that the target may lack.
struct Offer {
  std::string id;
  std::string rev;
};

struct Offers {
  std::vector<Offer> leaves;
  std::string last_seq;
};

Offers offers(Database& source, const Replicate& what) {
  std::string path = "_changes?style=all_docs&since=" + url_encode(what.since);
  json::value body;
  if (what.ids != nullptr) {
    path += "&filter=_doc_ids";
    body = json::object{{"doc_ids", json::value_from(*what.ids)}};
  }
  Reply reply = source.server().request(what.ids == nullptr ? "GET" : "POST", source.path(path), body);
  Offers found;
  for (json::value& row : array_in(reply.body, "results", "_changes")) {
    const std::string id = string_or(object_in(row, "_changes"), "id", "");
    if (!what.design_docs && id.starts_with("_design/")) continue;
    for (json::value& leaf : array_in(row, "changes", "_changes"))
      found.leaves.push_back({id, string_or(object_in(leaf, "_changes"), "rev", "")});
  }
  found.last_seq = seq_in(reply.body, "last_seq", "_changes");
  return found;
}

std::vector<Offer> lacking(Database& target, const std::vector<Offer>& offered) {
  json::object revs;
  for (const Offer& offer : offered) {
    json::value& list = revs[offer.id];
    if (list.is_null()) list = json::array();
    list.as_array().emplace_back(offer.rev);
  }
  Reply reply = target.server().request("POST", target.path("_revs_diff"), revs);
  std::vector<Offer> found;
  for (auto& [id, row] : object_in(reply.body, "_revs_diff")) {
    for (json::value& rev : array_in(row, "missing", "_revs_diff"))
      found.push_back({std::string(id), string_in(rev, "_revs_diff")});
  }
  return found;
}

json::array read_all(Database& source, const std::vector<Offer>& wanted) {
  json::array asked;
  for (const Offer& offer : wanted) asked.push_back(json::object{{"id", offer.id}, {"rev", offer.rev}});
  Reply reply = source.server().request("POST", source.path("_bulk_get?revs=true"), json::object{{"docs", std::move(asked)}});
  json::array docs;
  for (json::value& result : array_in(reply.body, "results", "_bulk_get")) {
    for (json::value& row : array_in(result, "docs", "_bulk_get")) {
      json::object& object = object_in(row, "_bulk_get");
      if (json::value* doc = object.if_contains("ok")) docs.push_back(std::move(*doc));
    }
  }
  return docs;
}

}  // namespace

ReplicationResult replicate(Database& source, Database& target, const Replicate& what) {
  const Offers offered = offers(source, what);
  ReplicationResult result;
  result.last_seq = offered.last_seq;
  if (offered.leaves.empty()) return result;
  const std::vector<Offer> wanted = lacking(target, offered.leaves);
  if (wanted.empty()) return result;
  json::array docs = read_all(source, wanted);
  const std::size_t count = docs.size();
  if (count == 0) return result;  // purged meanwhile
  Reply reply = target.server().request("POST", target.path("_bulk_docs"),
                                        json::object{{"new_edits", false}, {"docs", std::move(docs)}});
  for (json::value& row : array_in(reply.body, "_bulk_docs"))
    result.refused.push_back(string_or(object_in(row, "_bulk_docs"), "id", ""));
  result.written = static_cast<int>(count - result.refused.size());
  return result;
}

}  // namespace channels::simulation
