#include "simulation/couch/model_database.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace channels::simulation {

namespace {

constexpr std::size_t revs_limit = 1000;
constexpr std::string_view seq_mark = "g1AAAA";

std::uint64_t hash_of(std::string_view text, std::uint64_t hash = 0xcbf29ce484222325) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash ^ (hash >> 29);
}

std::string hex16(std::uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

bool lists(const json::object& security, const char* part, const char* list, std::string_view name) {
  const json::object* object = get_object(security, part);
  const json::array* found = object == nullptr ? nullptr : get_array(*object, list);
  if (found == nullptr) return false;
  return std::any_of(found->begin(), found->end(),
                     [&](const json::value& each) { return each.is_string() && each.get_string() == name; });
}

bool lists_any(const json::object& security, const char* part, const User& user) {
  if (!user.name.empty() && lists(security, part, "names", user.name)) return true;
  return std::any_of(user.roles.begin(), user.roles.end(),
                     [&](const std::string& role) { return lists(security, part, "roles", role); });
}

bool names_somebody(const json::object& security, const char* part) {
  const json::object* object = get_object(security, part);
  if (object == nullptr) return false;
  const json::array* names = get_array(*object, "names");
  const json::array* roles = get_array(*object, "roles");
  return (names != nullptr && !names->empty()) || (roles != nullptr && !roles->empty());
}

}  // namespace

ModelDatabase::ModelDatabase(std::string name, std::string uuid, Designs& designs)
    : name_(std::move(name)),
      uuid_(std::move(uuid)),
      designs_(designs),
      security_{{"members", {{"roles", {"_admin"}}}}, {"admins", {{"roles", {"_admin"}}}}} {}

const ModelDoc* ModelDatabase::find(const std::string& id) const {
  const auto found = docs_.find(id);
  return found == docs_.end() ? nullptr : &found->second;
}

std::optional<Document> ModelDatabase::read(const std::string& id) const {
  if (id.starts_with("_local/")) {
    const auto found = locals_.find(id);
    return found == locals_.end() ? std::nullopt : std::optional(found->second);
  }
  const ModelDoc* doc = find(id);
  if (doc == nullptr) return std::nullopt;
  const RevId winner = doc->tree.winner();
  if (doc->tree.at(winner).deleted) return std::nullopt;
  return read(id, winner);
}

std::optional<Document> ModelDatabase::read(const std::string& id, const RevId& rev) const {
  const ModelDoc* doc = find(id);
  if (doc == nullptr || !doc->tree.has(rev)) return std::nullopt;
  const RevisionTree::Revision& revision = doc->tree.at(rev);
  if (!revision.body) return std::nullopt;
  Document shown;
  shown.reserve(revision.body->size() + 5);
  shown["_id"] = id;
  shown["_rev"] = rev.text();
  for (const auto& member : *revision.body) shown.insert(member);
  if (revision.deleted) shown["_deleted"] = true;
  return shown;
}

std::optional<Document> ModelDatabase::read(const std::string& id, const std::string& rev) const {
  const auto parsed = RevId::parse(rev);
  return parsed ? read(id, *parsed) : std::nullopt;
}

std::vector<Document> ModelDatabase::leaves(const std::string& id) const {
  std::vector<Document> found;
  const ModelDoc* doc = find(id);
  if (doc == nullptr) return found;
  for (const RevId& rev : doc->tree.leaves()) {
    if (auto shown = read(id, rev)) found.push_back(std::move(*shown));
  }
  return found;
}

bool ModelDatabase::is_admin(const User& user) const {
  return user.is_admin || lists_any(security_, "admins", user);
}

bool ModelDatabase::may_read(const User& user) const {
  if (is_admin(user)) return true;
  // couch_db:is_member: nobody named means everybody.
  return !names_somebody(security_, "members") || lists_any(security_, "members", user);
}

// --- seqs --------------------------------------------------------------------------------------

std::string ModelDatabase::seq_text(std::uint64_t seq) const {
  const std::uint64_t identity = hash_of(uuid_);
  const std::uint64_t noise = hash_of(std::to_string(seq) + "/" + std::to_string(seq_), identity);
  return std::to_string(seq) + "-" + std::string(seq_mark) + hex16(identity) + hex16(seq ^ (identity * 3)) +
         hex16(noise).substr(0, 8);
}

std::optional<std::uint64_t> ModelDatabase::seq_number(std::string_view text) const {
  if (text == "0") return 0;
  // Only what follows the first "-" counts, as in fabric_view_changes.
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) text.remove_prefix(dash + 1);
  if (text.size() != seq_mark.size() + 40 || !text.starts_with(seq_mark)) return std::nullopt;
  const auto number = [&](std::size_t at) {
    std::uint64_t value = 0;
    const char* begin = text.data() + seq_mark.size() + at;
    std::from_chars(begin, begin + 16, value, 16);
    return value;
  };
  const std::uint64_t identity = hash_of(uuid_);
  if (number(0) != identity) return 0;
  return number(16) ^ (identity * 3);
}

// --- changing ----------------------------------------------------------------------------------

void ModelDatabase::set_security(json::object security) {
  security_ = std::move(security);
  ++seq_;
}

void ModelDatabase::set_local(const std::string& id, std::optional<Document> doc) {
  if (doc) {
    locals_[id] = std::move(*doc);
  } else {
    locals_.erase(id);
  }
}

void ModelDatabase::count_up(ModelDoc& doc, const std::string& id) {
  by_seq_.erase(doc.seq);
  doc.seq = ++seq_;
  by_seq_[seq_] = id;
}

void ModelDatabase::touch(const std::string& id, MonoTime now) {
  ModelDoc& doc = docs_.at(id);
  doc.tree.stem(revs_limit);
  doc.written_at = now;
  count_up(doc, id);
  if (id.starts_with("_design/")) take_design(id);
}

void ModelDatabase::drop_if_empty(const std::string& id) {
  const auto found = docs_.find(id);
  if (found != docs_.end() && found->second.tree.empty()) docs_.erase(found);
}

bool ModelDatabase::validates() const {
  return !knows_functions_ || std::any_of(designs_in_use_.begin(), designs_in_use_.end(),
                                          [](const auto& entry) { return entry.second->has_validation(); });
}

void ModelDatabase::take_design(const std::string& id) {
  knows_functions_ = false;
  designs_in_use_.erase(id);
  views_.forget(id);
  const ModelDoc* doc = find(id);
  if (doc == nullptr || doc->tree.is_deleted()) return;
  const auto& body = doc->tree.at(doc->tree.winner()).body;
  if (body && string_or(*body, "language", "javascript") == "javascript") designs_in_use_[id] = designs_.of(*body);
}

std::vector<RevId> ModelDatabase::purge(const std::string& id, const std::vector<RevId>& revs) {
  const auto found = docs_.find(id);
  if (found == docs_.end()) return {};
  std::vector<RevId> purged = found->second.tree.purge(revs);
  if (purged.empty()) return purged;
  views_.remove(id);
  if (found->second.tree.empty()) {
    by_seq_.erase(found->second.seq);
    docs_.erase(found);
  } else {
    count_up(found->second, id);
  }
  if (id.starts_with("_design/")) take_design(id);
  return purged;
}

void ModelDatabase::purge_ended() {
  ++seq_;
}

void ModelDatabase::compact() {
  for (auto& [id, doc] : docs_) doc.tree.compact();
}

void ModelDatabase::restore(const Snapshot& snapshot) {
  docs_ = snapshot.docs;
  by_seq_ = snapshot.by_seq;
  locals_ = snapshot.locals;
  security_ = snapshot.security;
  seq_ = snapshot.seq;
  knows_functions_ = false;
  designs_in_use_.clear();
  views_.forget_all();
  for (auto at = docs_.lower_bound("_design/"); at != docs_.end() && at->first.starts_with("_design/"); ++at)
    take_design(at->first);
}

}  // namespace channels::simulation
