#include "workflows/erasure_notes.h"

namespace channels {

namespace {

// The record stays far below what CouchDB takes for a document.
constexpr std::size_t most_touched = 10000;
constexpr std::size_t most_databases = 10000;

std::set<std::string> strings_in(const Document& record, std::string_view key) {
  std::set<std::string> found;
  const json::array* list = get_array(record, key);
  if (list == nullptr) return found;
  for (const json::value& entry : *list) {
    if (const json::string* text = entry.if_string()) found.emplace(*text);
  }
  return found;
}

json::array touched_json(const std::vector<Touched>& touched) {
  json::array list;
  for (const Touched& thing : touched)
    list.push_back(json::object{{"database", thing.database}, {"document", thing.document}, {"what", thing.what}});
  return list;
}

}  // namespace

ErasureNotes::ErasureNotes(Services& services, const std::string& user, const std::string& address)
    : services_(services), id_("erasure-" + user) {
  const Document record = services_.registry.update(id_, [&](Document& current) {
    if (doc_type(current) == "erasure") return false;
    current["type"] = "erasure";
    current["state"] = "running";
    current["user"] = user;
    current["address"] = address;
    current["started"] = format_time(services.env.wall_now());
    return true;
  });
  read(record);
}

void ErasureNotes::read(const Document& record) {
  devices_ = strings_in(record, "devices");
  databases_ = strings_in(record, "databases");
  key_ = string_or(record, "key", "");
  searched_ = string_or(record, "searched", "");
  left_out_ = static_cast<std::size_t>(int_or(record, "left_out", 0));
  const json::array* touched = get_array(record, "touched");
  if (touched == nullptr) return;
  for (const json::value& entry : *touched) {
    const json::object* thing = entry.if_object();
    if (thing == nullptr) continue;
    touched_.push_back({string_or(*thing, "database", ""), string_or(*thing, "document", ""), string_or(*thing, "what", "")});
    known_.insert(touched_.back());
  }
}

void ErasureNotes::plan(const std::string& database, const std::string& document, const std::string& what) {
  const Touched thing{database, document, what};
  if (known_.contains(thing)) return;
  changed_ = true;
  if (databases_.size() < most_databases) databases_.insert(database);
  else if (!databases_.contains(database)) ++left_out_;
  if (touched_.size() == most_touched) {
    ++left_out_;
    return;
  }
  known_.insert(thing);
  touched_.push_back(thing);
}

void ErasureNotes::add_devices(const std::vector<std::string>& devices) {
  for (const std::string& device : devices) changed_ = devices_.insert(device).second || changed_;
}

void ErasureNotes::set_key(const std::string& key) {
  if (key.empty() || key == key_) return;
  key_ = key;
  changed_ = true;
}

void ErasureNotes::set_searched(const std::string& database) {
  searched_ = database;
  changed_ = true;
}

void ErasureNotes::save() {
  if (!changed_) return;
  services_.registry.update(id_, [&](Document& record) {
    record["devices"] = json::value_from(std::vector<std::string>(devices_.begin(), devices_.end()));
    record["databases"] = json::value_from(std::vector<std::string>(databases_.begin(), databases_.end()));
    record["key"] = key_;
    record["searched"] = searched_;
    record["touched"] = touched_json(touched_);
    record["left_out"] = left_out_;
    return true;
  });
  changed_ = false;
}

}  // namespace channels
