#include "simulation/couch/views.h"

#include <algorithm>

#include "simulation/couch/collation.h"
#include "simulation/couch/model_database.h"
#include "simulation/couch/problem.h"

namespace channels::simulation {

namespace {

// The key by which rows are reduced together.
json::value group_key(const json::value& key, std::size_t level) {
  if (level == 0) return nullptr;
  if (level == SIZE_MAX || !key.is_array() || key.get_array().size() <= level) return key;
  const json::array& whole = key.get_array();
  return json::array(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(level));
}

}  // namespace

bool Views::Before::operator()(const Key& left, const Key& right) const {
  if (const int order = collate(left.key, right.key); order != 0) return order < 0;
  if (left.id != right.id) return left.id < right.id;
  return left.number < right.number;
}

void Views::take_out(Index& index, const std::string& id) {
  const auto found = index.by_doc.find(id);
  if (found == index.by_doc.end()) return;
  for (const Key& key : found->second) index.rows.erase(key);
  index.by_doc.erase(found);
}

void Views::remove(const std::string& id) {
  for (auto& [name, index] : indexes_) take_out(index, id);
}

void Views::forget(const std::string& design_id) {
  std::erase_if(indexes_, [&](const auto& entry) { return entry.first.starts_with(design_id + "/"); });
}

Views::Index& Views::up_to_date(const std::string& design_id, const std::string& view, JavaScript& design) {
  Index& index = indexes_[design_id + "/" + view];
  const auto& by_seq = database_.by_seq();
  for (auto at = by_seq.upper_bound(index.up_to); at != by_seq.end(); ++at) {
    const std::string& id = at->second;
    take_out(index, id);
    if (id.starts_with("_design/")) continue;
    const auto doc = database_.read(id);
    if (!doc) continue;
    std::size_t number = 0;
    for (JavaScript::Row& row : design.map(view, *doc)) {
      Key key{std::move(row.key), id, number++};
      index.by_doc[id].push_back(key);
      index.rows.emplace(std::move(key), std::move(row.value));
    }
  }
  index.up_to = database_.seq();
  return index;
}

std::vector<Views::Row> Views::in_range(const Index& index, const ViewQuery& query,
                                        const ViewQuery::Range& range) const {
  const json::value* low = query.descending ? range.end : range.start;
  const json::value* high = query.descending ? range.start : range.end;
  const auto& low_id = query.descending ? query.end_id : query.start_id;
  const auto& high_id = query.descending ? query.start_id : query.end_id;
  Row at = low == nullptr ? index.rows.begin() : index.rows.lower_bound(Key{*low, low_id.value_or(""), 0});
  std::vector<Row> rows;
  for (; at != index.rows.end(); ++at) {
    if (high != nullptr) {
      const int order = collate(at->first.key, *high);
      if (order > 0 || (order == 0 && high_id && at->first.id > *high_id)) break;
    }
    const bool at_end = range.end != nullptr && collate(at->first.key, *range.end) == 0;
    if (!query.inclusive_end && at_end) continue;
    rows.push_back(at);
  }
  if (query.descending) std::reverse(rows.begin(), rows.end());
  return rows;
}

std::vector<Views::Row> Views::found(const Index& index, const ViewQuery& query) const {
  if (!query.by_keys) {
    return in_range(index, query, {query.start ? &*query.start : nullptr, query.end ? &*query.end : nullptr});
  }
  std::vector<Row> rows;
  for (const json::value& key : query.keys) {
    const std::vector<Row> some = in_range(index, query, {&key, &key});
    rows.insert(rows.end(), some.begin(), some.end());
  }
  return rows;
}

json::object Views::row_of(const Row& row, bool include_docs) const {
  json::object shown{{"id", row->first.id}, {"key", row->first.key}, {"value", row->second}};
  if (include_docs) {
    // A value {"_id": ...} stands for another document.
    const json::object* value = row->second.if_object();
    const std::string id = value == nullptr ? row->first.id : string_or(*value, "_id", row->first.id);
    const auto doc = database_.read(id);
    shown["doc"] = doc ? json::value(*doc) : json::value();
  }
  return shown;
}

json::object Views::query(const std::string& design_id, const std::string& view, const ViewQuery& query) {
  const auto design = database_.designs().find(design_id);
  if (design == database_.designs().end()) throw Problem{404, "not_found", "missing"};
  if (!design->second->has_view(view)) throw Problem{404, "not_found", "missing_named_view"};
  const Index& index = up_to_date(design_id, view, *design->second);
  const std::vector<Row> all = found(index, query);
  const std::string reduce = query.reduce ? design->second->reduce(view) : "";
  json::array rows;
  if (reduce.empty()) {
    for (std::size_t i = query.skip; i < all.size() && rows.size() < query.limit; ++i)
      rows.push_back(row_of(all[i], query.include_docs));
    return {{"total_rows", index.rows.size()}, {"offset", nullptr}, {"rows", std::move(rows)}};
  }
  if (reduce != "_count" && reduce != "_sum")
    throw Problem{501, "not_implemented", "only _count and _sum are built in here"};
  for (const Row& row : all) {
    json::value key = group_key(row->first.key, query.group_level);
    if (rows.empty() || collate(rows.back().at("key"), key) != 0)
      rows.push_back(json::object{{"key", std::move(key)}, {"value", 0}});
    json::value& value = rows.back().at("value");
    value = value.to_number<std::int64_t>() + (reduce == "_count" ? 1 : row->second.to_number<std::int64_t>());
  }
  if (query.skip > 0) rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(std::min(query.skip, rows.size())));
  if (rows.size() > query.limit) rows.resize(query.limit);
  return {{"rows", std::move(rows)}};
}

}  // namespace channels::simulation
