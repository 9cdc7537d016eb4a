#include "simulation/devices/replicate.h"

#include <algorithm>

#include "couch/answer.h"
#include "http/transport.h"

namespace channels::simulation {

namespace {

// {id: [revs]} of all leaves in the rows.
json::object leaves_in(const Changes& changes, const std::vector<std::string>& ids) {
  json::object leaves;
  for (const Change& row : changes.rows) {
    const bool wanted = ids.empty() || std::find(ids.begin(), ids.end(), row.id) != ids.end();
    if (wanted && !row.id.starts_with("_design/")) leaves[row.id] = json::value_from(row.revs);
  }
  return leaves;
}

void add_revisions(Database& source, const std::string& id, const json::value& revs, json::array& docs) {
  const std::string query = "?revs=true&open_revs=" + url_encode(json::serialize(revs));
  Reply reply = source.server().request("GET", source.path(doc_path(id) + query), nullptr, {404});
  if (reply.status == 404) return;  // purged meanwhile
  for (json::value& row : array_in(reply.body, "open_revs")) {
    if (json::value* doc = object_in(row, "open_revs").if_contains("ok")) docs.push_back(std::move(*doc));
  }
}

}  // namespace

Replicated replicate(Database& source, Database& target, const std::string& since,
                     const std::vector<std::string>& ids) {
  Database::ChangesQuery query;
  query.since = since;
  query.include_docs = false;
  query.limit = 10000;
  const Changes changes = source.changes(query);
  Replicated result{changes.last_seq, 0, {}};
  const json::object leaves = leaves_in(changes, ids);
  if (leaves.empty()) return result;
  Reply diff = target.server().request("POST", target.path("_revs_diff"), leaves);
  json::array docs;
  for (const auto& [id, missing] : object_in(diff.body, "_revs_diff"))
    add_revisions(source, std::string(id), missing.at("missing"), docs);
  if (docs.empty()) return result;
  const std::size_t offered = docs.size();
  Reply saved = target.server().request("POST", target.path("_bulk_docs"),
                                        json::object{{"new_edits", false}, {"docs", std::move(docs)}});
  for (json::value& row : array_in(saved.body, "_bulk_docs")) {
    const json::object& each = object_in(row, "_bulk_docs");
    if (each.contains("error")) result.refused.push_back(string_or(each, "id", ""));
  }
  result.written = static_cast<int>(offered - result.refused.size());
  return result;
}

}  // namespace channels::simulation
