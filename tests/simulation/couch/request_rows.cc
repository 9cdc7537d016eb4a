// Answers of rows: _changes (one page of it, also for feeds), _all_docs, views.
#include <algorithm>

#include "simulation/couch/model_request.h"

namespace channels::simulation {

namespace {

constexpr std::uint64_t most_replayed = 5;

}  // namespace

// --- _changes ----------------------------------------------------------------------------------

bool ModelRequest::filters_by_function() const {
  return text("filter").find('/') != std::string::npos;
}

bool ModelRequest::passes(ModelDatabase& database, const std::string& id, const Document& doc) const {
  const std::string filter = text("filter");
  if (filter.empty()) return true;
  if (filter == "_design") return id.starts_with("_design/");
  if (filter == "_doc_ids") {
    const auto ids = parameter("doc_ids");
    if (!ids || !ids->is_array()) throw Problem{400, "bad_request", "`doc_ids` filter parameter is not a list."};
    return std::find(ids->get_array().begin(), ids->get_array().end(), json::value(id)) != ids->get_array().end();
  }
  if (!filters_by_function()) throw Problem{501, "not_implemented", "this CouchDB has no filter " + filter};
  const std::size_t slash = filter.find('/');
  const auto design = database.designs().find("_design/" + filter.substr(0, slash));
  if (design == database.designs().end()) throw Problem{404, "not_found", "missing"};
  const std::string name = filter.substr(slash + 1);
  if (!design->second->has_filter(name)) throw Problem{404, "not_found", "missing json key: filters"};
  json::object query;
  for (const auto& [key, value] : query_) query[key] = value;
  return design->second->filter(name, doc, {{"query", std::move(query)}, {"method", request_.method}});
}

// None if a filter leaves it out.
std::optional<json::object> ModelRequest::change_row(ModelDatabase& database, const std::string& id) {
  const RevisionTree& tree = database.find(id)->tree;
  std::vector<RevId> leaves = tree.leaves();
  const RevId winner = leaves.front();
  if (text("style") != "all_docs") leaves.resize(1);
  json::array revs;
  for (const RevId& leaf : leaves) {
    const Document doc = filters_by_function() ? database.read(id, leaf).value_or(Document()) : Document();
    if (passes(database, id, doc)) revs.push_back(json::object{{"rev", leaf.text()}});
  }
  if (revs.empty()) return std::nullopt;
  json::object row{{"seq", nullptr}, {"id", id}, {"changes", std::move(revs)}};
  if (tree.at(winner).deleted) row["deleted"] = true;
  if (text("include_docs") == "true") {
    const auto doc = database.read(id, winner);
    row["doc"] = doc ? json::value(*doc) : json::value();
  }
  return row;
}

// A row of _db_updates, from the change of a document "updated:name".
static json::object update_row(const std::string& id) {
  const std::size_t colon = id.find(':');
  return {{"db_name", id.substr(colon + 1)}, {"type", id.substr(0, colon)}, {"seq", nullptr}};
}

ChangesPage ModelRequest::changes_page(ModelDatabase& database, std::uint64_t since, std::size_t limit) {
  if (text("descending") == "true") throw Problem{501, "not_implemented", "this CouchDB's changes go one way"};
  ChangesPage page;
  page.last = since;
  if (since > database.seq()) {
    // Put back from a copy: the server tells nothing, and gives the seq back as it came.
    page.last_seq = text("since", database.seq_text(since));
    return page;
  }
  const bool is_new_page = since > 0 && !is_updates();
  if (is_new_page && couch_.happens(couch_.weather.replayed_rows))
    since -= std::min(since, 1 + couch_.below(most_replayed));
  auto at = database.by_seq().upper_bound(since);
  for (; at != database.by_seq().end() && page.rows.size() < limit; ++at) {
    auto row = is_updates() ? update_row(at->second) : change_row(database, at->second);
    if (row) page.rows.push_back({at->first, std::move(*row)});
  }
  const bool is_full = page.rows.size() == limit;
  if (is_full) page.pending = std::distance(at, database.by_seq().end());
  page.last = !is_full ? database.seq() : page.rows.empty() ? page.last : page.rows.back().seq;
  shuffle(database, page);
  page.last_seq = database.seq_text(page.last);
  for (ChangesPage::Row& row : page.rows) row.shown["seq"] = database.seq_text(row.seq);
  return page;
}

// What the shards of a cluster do: rows come in another order. A row's seq stands for all rows before it in the answer,
// so that nothing is lost to who goes on from it.
void ModelRequest::shuffle(ModelDatabase& database, ChangesPage& page) {
  if (is_updates() || database.seq() == 0) return;
  for (std::size_t i = 1; i < page.rows.size(); ++i) {
    if (!couch_.happens(couch_.weather.shuffled_rows)) continue;
    std::swap(page.rows[i - 1].shown, page.rows[i].shown);
    page.rows[i - 1].seq -= 1;
    ++i;
  }
}

HttpResponse ModelRequest::changes(ModelDatabase& database) {
  const ChangesPage page = changes_page(database, since(database), limit());
  json::array rows;
  for (const ChangesPage::Row& row : page.rows) rows.push_back(row.shown);
  return with(200, {{"results", std::move(rows)}, {"last_seq", page.last_seq}, {"pending", page.pending}});
}

// --- _all_docs ---------------------------------------------------------------------------------

HttpResponse ModelRequest::all_docs(ModelDatabase& database) {
  const ViewQuery query = view_query();
  json::array rows;
  const auto add = [&](const std::string& id) {
    const ModelDoc* known = database.find(id);
    if (known == nullptr) {
      rows.push_back(json::object{{"key", id}, {"error", "not_found"}});
      return;
    }
    const RevId winner = known->tree.winner();
    const bool deleted = known->tree.at(winner).deleted;
    json::object value{{"rev", winner.text()}};
    if (deleted) value["deleted"] = true;
    json::object row{{"id", id}, {"key", id}, {"value", std::move(value)}};
    if (query.include_docs) {
      const auto doc = database.read(id);
      row["doc"] = doc ? json::value(*doc) : json::value();
    }
    rows.push_back(std::move(row));
  };
  if (query.by_keys) {
    for (const json::value& key : query.keys) {
      if (key.is_string()) add(json::value_to<std::string>(key));
    }
    return with(200, {{"offset", nullptr}, {"rows", std::move(rows)}});
  }
  const auto low = query.descending ? query.end : query.start;
  const auto high = query.descending ? query.start : query.end;
  std::vector<std::string> ids;
  auto at = low && low->is_string() ? database.docs().lower_bound(json::value_to<std::string>(*low)) : database.docs().begin();
  for (; at != database.docs().end(); ++at) {
    if (high && high->is_string() && std::string_view(at->first) > std::string_view(high->get_string())) break;
    const bool at_end = query.end && query.end->is_string() && query.end->get_string() == at->first;
    if (at->second.tree.is_deleted() || (at_end && !query.inclusive_end)) continue;
    ids.push_back(at->first);
    if (!query.descending && ids.size() - std::min(ids.size(), query.skip) >= query.limit) break;
  }
  if (query.descending) std::reverse(ids.begin(), ids.end());
  for (std::size_t i = query.skip; i < ids.size() && rows.size() < query.limit; ++i) add(ids[i]);
  return with(200, {{"offset", nullptr}, {"rows", std::move(rows)}});
}

// --- views -------------------------------------------------------------------------------------

ViewQuery ModelRequest::view_query() const {
  ViewQuery query;
  query.start = parameter("startkey") ? parameter("startkey") : parameter("start_key");
  query.end = parameter("endkey") ? parameter("endkey") : parameter("end_key");
  if (const auto key = parameter("key")) query.start = query.end = key;
  if (const auto keys = parameter("keys")) {
    if (!keys->is_array()) throw Problem{400, "query_parse_error", "`keys` parameter must be an array."};
    query.by_keys = true;
    query.keys.assign(keys->get_array().begin(), keys->get_array().end());
  }
  if (const std::string id = text("startkey_docid"); !id.empty()) query.start_id = id;
  if (const std::string id = text("endkey_docid"); !id.empty()) query.end_id = id;
  query.limit = limit();
  query.skip = static_cast<std::size_t>(whole_number("skip").value_or(0));
  query.descending = is_set("descending");
  query.inclusive_end = parameter("inclusive_end") != json::value(false);
  query.include_docs = is_set("include_docs");
  query.reduce = parameter("reduce") != json::value(false);
  query.group_level = static_cast<std::size_t>(whole_number("group_level").value_or(0));
  if (is_set("group")) query.group_level = SIZE_MAX;
  return query;
}

HttpResponse ModelRequest::view(ModelDatabase& database, const std::string& design, const std::string& view) {
  return with(200, database.views().query("_design/" + design, view, view_query()));
}

}  // namespace channels::simulation
