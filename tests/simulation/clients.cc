// Who writes in scenario "engine": new documents, edits that race with the engine's, branches that a replication brings.
#include "simulation/engine_world.h"

#include "base/errors.h"

namespace channels::simulation {

namespace {

const std::vector<std::string> shops{"shop", "box-1", "box-2", "box-3"};

}  // namespace

void EngineWorld::clients() {
  while (!clients_end_) {
    client_env_.sleep(milliseconds(static_cast<long>(scheduler_.below(2000))));
    try {
      client_step();
    } catch (const Unavailable&) {  // maintenance: a person tries again
    }
  }
}

void EngineWorld::client_step() {
  const auto draw = scheduler_.below(10);
  if (draw < 6) {
    write_new();
  } else if (draw < 9) {
    edit_some();
  } else {
    branch_some();
  }
}

void EngineWorld::write_new() {
  static const std::vector<std::string> types{"job", "job", "side", "flaky", "later", "charge", "mail", "hopeless", "count"};
  std::vector<Document> docs;
  const std::string name = shops[scheduler_.below(shops.size())];
  for (std::uint64_t i = 0, count = 1 + scheduler_.below(4); i < count; ++i) {
    std::string type = types[scheduler_.below(types.size())];
    // A restored copy brings back what was done: only what may be done twice is written there.
    if (name == "box-3" && (type == "charge" || type == "mail")) type = "job";
    if (type == "hopeless" && !settings_.hopeless) type = "job";
    Document doc{{"_id", type + std::to_string(written_++)}, {"type", type}, {"state", "new"}, {"notes", json::array()}};
    if (type == "count") doc["state"] = "open";
    if (type == "flaky") doc["fails"] = 1 + scheduler_.below(4);
    if (type == "later")
      doc["due"] = format_time(client_env_.wall_now() + seconds(static_cast<long>(scheduler_.below(200))));
    docs.push_back(std::move(doc));
  }
  database(name).save_all(docs);
}

void EngineWorld::edit_some() {
  if (written_ == 0) return;
  const std::string name = shops[scheduler_.below(shops.size())];
  const auto& docs = couch_.databases().at(name)->docs();
  if (docs.empty()) return;
  auto chosen = docs.begin();
  std::advance(chosen, scheduler_.below(docs.size()));
  const std::string id = chosen->first;
  auto doc = database(name).get(id);
  if (!doc || !doc->contains("notes")) return;
  const std::string note = "edit-" + std::to_string(written_++);
  doc->at("notes").as_array().emplace_back(note);
  if (doc_type(*doc) == "count" && doc_state(*doc) == "open") return count_to_three(std::move(*doc), name);
  client_env_.sleep(milliseconds(static_cast<long>(scheduler_.below(400))));
  if (database(name).save(*doc).ok()) notes_[name + "/" + id].insert(note);
}

void EngineWorld::count_to_three(Document doc, const std::string& name) {
  doc.at("notes").as_array().pop_back();
  for (std::int64_t n = int_or(doc, "n", 0) + 1; n <= 3; ++n) {
    doc["n"] = n;
    const Saved saved = database(name).save(doc);
    if (!saved.ok()) return;
    doc["_rev"] = saved.rev;
    client_env_.sleep(milliseconds(static_cast<long>(scheduler_.below(1000))));
  }
}

// As a device does that was offline: on top of what it knew, whatever is there now.
void EngineWorld::branch_some() {
  const std::string name = shops[scheduler_.below(shops.size())];
  const auto& docs = couch_.databases().at(name)->docs();
  if (docs.empty()) return;
  auto chosen = docs.begin();
  std::advance(chosen, scheduler_.below(docs.size()));
  const std::string id = chosen->first;
  auto doc = database(name).get(id);
  if (!doc || !doc->contains("notes")) return;
  const Rev base = parse_rev(doc_rev(*doc));
  client_env_.sleep(milliseconds(static_cast<long>(scheduler_.below(5000))));
  const std::string note = "branch-" + std::to_string(written_++);
  doc->at("notes").as_array().emplace_back(note);
  const std::string hash = std::to_string(scheduler_.random());
  (*doc)["_rev"] = std::to_string(base.generation + 1) + "-" + hash;
  (*doc)["_revisions"] = json::object{{"start", base.generation + 1}, {"ids", {hash, base.hash}}};
  client_server_.request("POST", database(name).path("_bulk_docs"),
                         json::object{{"new_edits", false}, {"docs", {*doc}}});
  notes_[name + "/" + id].insert(note);
}

}  // namespace channels::simulation
