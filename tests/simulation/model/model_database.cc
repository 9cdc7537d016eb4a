#include "simulation/model/model_database.h"

#include <algorithm>

#include "base/digest.h"

namespace channels::simulation {

namespace {

// Two edits so close together are a race that the copies of a cluster may see in different orders.
constexpr milliseconds race{150};

json::value user_context(const std::string& database, const User& user) {
  json::array roles = json::value_from(user.roles).as_array();
  if (user.is_admin) roles.emplace_back("_admin");
  return {{"db", database}, {"name", user.name.empty() ? json::value() : json::value(user.name)}, {"roles", std::move(roles)}};
}

Document body_of(const json::object& doc) {
  Document body = doc;
  for (const char* key : {"_id", "_rev", "_revisions", "_deleted"}) body.erase(key);
  return body;
}

// Identical edits of one parent have an identical rev, as CouchDB's have.
std::string next_rev(const std::string& parent, bool deleted, const Document& body) {
  const auto generation = parent.empty() ? 1 : parse_rev(parent).generation + 1;
  return std::to_string(generation) + "-" +
         sha256_hex(parent + (deleted ? "\nd\n" : "\n\n") + json::serialize(body)).substr(0, 32);
}

std::vector<std::string> history_of(const json::object& doc) {
  const json::object* revisions = get_object(doc, "_revisions");
  if (revisions == nullptr) return {doc_rev(doc)};
  std::vector<std::string> history;
  std::int64_t generation = int_or(*revisions, "start", 0);
  if (const json::array* ids = get_array(*revisions, "ids")) {
    for (const json::value& id : *ids)
      history.push_back(std::to_string(generation--) + "-" + json::value_to<std::string>(id));
  }
  return history;
}

bool holds(const json::object& security, const char* part, const char* list, const std::string& name) {
  const json::object* object = get_object(security, part);
  const json::array* found = object == nullptr ? nullptr : get_array(*object, list);
  return found != nullptr && std::find(found->begin(), found->end(), json::value(name)) != found->end();
}

}  // namespace

int collate(const json::value& left, const json::value& right) {
  const auto rank = [](const json::value& value) {
    if (value.is_null()) return 0;
    if (value.is_bool()) return value.as_bool() ? 2 : 1;
    if (value.is_number()) return 3;
    return value.is_string() ? 4 : value.is_array() ? 5 : 6;
  };
  if (rank(left) != rank(right)) return rank(left) - rank(right);
  if (left.is_number()) {
    const double difference = left.to_number<double>() - right.to_number<double>();
    return difference < 0 ? -1 : difference > 0 ? 1 : 0;
  }
  if (left.is_string()) return left.as_string().compare(right.as_string());
  if (!left.is_array()) return 0;
  const json::array& a = left.as_array();
  const json::array& b = right.as_array();
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (const int order = collate(a[i], b[i]); order != 0) return order;
  }
  return static_cast<int>(a.size()) - static_cast<int>(b.size());
}

bool ModelDatabase::may_read(const User& user) const {
  if (user.is_admin) return true;
  const json::object* members = get_object(security, "members");
  const json::array* roles = members == nullptr ? nullptr : get_array(*members, "roles");
  const json::array* names = members == nullptr ? nullptr : get_array(*members, "names");
  if ((roles == nullptr || roles->empty()) && (names == nullptr || names->empty())) return true;
  if (holds(security, "members", "names", user.name)) return true;
  return std::any_of(user.roles.begin(), user.roles.end(),
                     [&](const std::string& role) { return holds(security, "members", "roles", role); });
}

// --- writing -----------------------------------------------------------------------------------

WriteResult ModelDatabase::write(const User& user, const json::object& doc, const WriteOptions& options) {
  const std::string id = doc_id(doc);
  if (id.starts_with("_local/")) {
    locals[id] = doc;
    return {id, "0-1", "", "", options.below_quorum};
  }
  if (id.starts_with("_design/") && !user.is_admin) return {id, "", "forbidden", "admins only", false};
  return options.new_edits ? edit(user, doc, options) : replicate(user, doc, options);
}

WriteResult ModelDatabase::edit(const User& user, const json::object& doc, const WriteOptions& options) {
  const std::string id = doc_id(doc);
  const auto found = docs_.find(id);
  std::string parent = doc_rev(doc);
  bool accepted = options.below_quorum;
  if (found != docs_.end()) {
    const RevisionTree& tree = found->second.tree;
    if (parent.empty() && tree.winner_deleted()) {
      parent = tree.winner();
    } else if (!tree.is_leaf(parent) || (tree.at(parent).deleted && !is_deleted(doc))) {
      const bool is_race = options.split && options.now - found->second.written_at < race &&
                           (parent.empty() ? tree.at(tree.winner()).parent.empty()
                                           : tree.has(parent) && tree.at(tree.winner()).parent == parent);
      if (!is_race) return {id, "", "conflict", "Document update conflict.", false};
      accepted = true;
    }
  } else if (!parent.empty()) {
    return {id, "", "conflict", "Document update conflict.", false};
  }
  json::object revisions;
  if (found != docs_.end() && !parent.empty()) revisions = found->second.tree.revisions(parent);
  if (const auto refusal = validate(user, doc, id, parent, parent.empty() ? nullptr : &revisions))
    return {id, "", refusal->unauthorized ? "unauthorized" : "forbidden", refusal->reason, false};
  const std::string rev = next_rev(parent, is_deleted(doc), body_of(doc));
  std::vector<std::string> history{rev};
  if (!parent.empty()) history.push_back(parent);
  commit(id, history, is_deleted(doc), body_of(doc), options.now);
  return {id, rev, "", "", accepted};
}

WriteResult ModelDatabase::replicate(const User& user, const json::object& doc, const WriteOptions& options) {
  const std::string id = doc_id(doc);
  const std::vector<std::string> history = history_of(doc);
  const auto found = docs_.find(id);
  std::string old_rev;
  if (found != docs_.end()) {
    if (found->second.tree.has(history.front())) return {id, history.front(), "", "", false};
    for (const std::string& rev : history) {
      if (old_rev.empty() && found->second.tree.has(rev)) old_rev = rev;
    }
  }
  const json::object* revisions = get_object(doc, "_revisions");
  if (const auto refusal = validate(user, doc, id, old_rev, revisions))
    return {id, "", refusal->unauthorized ? "unauthorized" : "forbidden", refusal->reason, false};
  commit(id, history, is_deleted(doc), body_of(doc), options.now);
  return {id, history.front(), "", "", options.below_quorum};
}

std::optional<JavaScript::Refusal> ModelDatabase::validate(const User& user, const json::object& doc,
                                                           const std::string& id, const std::string& old_rev,
                                                           const json::object* revisions) {
  if (design_ == nullptr || !design_->has_validation() || id.starts_with("_design/")) return std::nullopt;
  json::object shown = doc;
  if (revisions != nullptr) shown["_revisions"] = *revisions;
  json::value old;
  if (const auto before = old_rev.empty() ? std::nullopt : read(id, old_rev)) old = *before;
  return design_->validate(shown, old, user_context(name_, user), security);
}

void ModelDatabase::commit(const std::string& id, const std::vector<std::string>& history, bool deleted, Document body,
                           MonoTime now) {
  ModelDoc& doc = docs_[id];
  if (!doc.tree.add(history, deleted, std::move(body))) return;
  by_seq_.erase(doc.seq);
  doc.seq = ++seq_;
  doc.written_at = now;
  by_seq_[doc.seq] = id;
  if (id == "_design/channels") reload_design();
  if (on_commit) on_commit(id, history.front());
}

void ModelDatabase::reload_design() {
  design_.reset();
  views_.clear();
  if (const auto doc = read("_design/channels")) design_ = std::make_unique<JavaScript>(*doc);
}

void ModelDatabase::purge(const std::string& id, const std::vector<std::string>& revs) {
  const auto found = docs_.find(id);
  if (found == docs_.end()) return;
  found->second.tree.purge(revs);
  by_seq_.erase(found->second.seq);
  if (found->second.tree.empty()) {
    docs_.erase(found);
  } else {
    found->second.seq = ++seq_;
    by_seq_[seq_] = id;
  }
  for (auto& [name, view] : views_) view = {};
}

void ModelDatabase::compact() {
  for (auto& [id, doc] : docs_) doc.tree.compact();
}

void ModelDatabase::restore(const Copy& copy) {
  docs_ = copy.docs;
  by_seq_ = copy.by_seq;
  seq_ = copy.seq;
  locals = copy.locals;
  security = copy.security;
  reload_design();
}

std::string ModelDatabase::seq_text(std::uint64_t seq) const {
  return std::to_string(seq) + "-" + sha256_hex(uuid + std::to_string(seq)).substr(0, 12);
}

std::uint64_t ModelDatabase::seq_number(const std::string& text) const {
  const auto number = parse_rev(text).generation;
  return text == seq_text(number) ? number : 0;
}

// --- reading -----------------------------------------------------------------------------------

std::optional<Document> ModelDatabase::read(const std::string& id, const std::string& rev) const {
  const auto found = docs_.find(id);
  if (found == docs_.end()) return std::nullopt;
  const RevisionTree& tree = found->second.tree;
  const std::string wanted = rev.empty() ? tree.winner() : rev;
  if (!tree.has(wanted) || !tree.at(wanted).has_body) return std::nullopt;
  if (rev.empty() && tree.winner_deleted()) return std::nullopt;
  Document doc = tree.at(wanted).body;
  doc["_id"] = id;
  doc["_rev"] = wanted;
  if (tree.at(wanted).deleted) doc["_deleted"] = true;
  return doc;
}

std::vector<json::object> ModelDatabase::view(const std::string& name, bool& exists) {
  exists = design_ != nullptr && design_->has_view(name);
  if (!exists) return {};
  View& view = views_[name];
  for (auto at = by_seq_.upper_bound(view.up_to); at != by_seq_.end(); ++at) {
    if (at->second.starts_with("_design/")) continue;
    view.rows.erase(at->second);
    if (const auto doc = read(at->second)) view.rows[at->second] = design_->map(name, *doc);
  }
  view.up_to = seq_;
  std::vector<json::object> rows;
  for (const auto& [id, emitted] : view.rows) {
    for (const JavaScript::Row& row : emitted) rows.push_back({{"id", id}, {"key", row.key}, {"value", row.value}});
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& left, const auto& right) { return collate(left.at("key"), right.at("key")) < 0; });
  return rows;
}

}  // namespace channels::simulation
