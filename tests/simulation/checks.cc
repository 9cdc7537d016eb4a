// The checkers of scenario "engine", by the number of the invariant in docs/engine.md.
#include "base/digest.h"
#include "simulation/engine_world.h"

namespace channels::simulation {

namespace {

constexpr seconds lease{10};
constexpr seconds time_limit{3};
constexpr const char* registry = "registry";

bool is_to_be_worked(const Document& doc) {
  const std::string state = doc_state(doc);
  const std::string type = doc_type(doc);
  if (type == "count") return state == "open" && int_or(doc, "n", 0) >= 3;
  return state == "new" || ((type == "job" || type == "side") && state == "half");
}

std::string record(const char* kind, const std::string& database, const std::string& id) {
  return kind + sha256_hex(database + "\n" + id);
}

}  // namespace

void EngineWorld::on_commit(const ModelCouch::Commit& commit) {
  if (scheduler_.print) scheduler_.trace("saved " + commit.database + "/" + commit.id.substr(0, 30) + " " + commit.rev);
  // Invariant 3.
  if (InHandler::is_for(commit.database, commit.id))
    scheduler_.fail("invariant 3: a handler wrote the document that it was called for: " + commit.id);
  if (commit.database != registry || !commit.id.starts_with("checkpoint-")) return;
  if (const auto doc = couch_.find(registry)->read(commit.id, commit.rev)) check_checkpoint(*doc);
}

bool EngineWorld::is_recorded(const std::string& database, const std::string& id) {
  const ModelDatabase& records = *couch_.find(registry);
  return records.read(record("revisit-", database, id)) || records.read(record("failure-", database, id));
}

// Invariant 1: below a checkpoint is nothing to be done, unless the registry will bring it up again.
void EngineWorld::check_checkpoint(const Document& checkpoint) {
  const std::string name = string_or(checkpoint, "database", "");
  const ModelDatabase* database = couch_.find(name);
  if (database == nullptr || restored_.contains(name)) return;
  const std::uint64_t seq = database->seq_number(string_or(checkpoint, "seq", "")).value_or(0);
  for (const auto& [at, id] : database->by_seq()) {
    if (at > seq) return;
    const auto doc = database->read(id);
    if (doc && is_to_be_worked(*doc) && !is_recorded(name, id))
      scheduler_.fail("invariant 1: the checkpoint of " + name + " passed " + id + ", which is still \"" + doc_state(*doc) + "\"");
  }
}

// Invariant 4.
MonoTime EngineWorld::check_lease_at_start(const Run& run) {
  const ModelDatabase& records = *couch_.find(registry);
  const std::string id = "lease-" + run.attempt_key;
  const auto found = records.docs().find(id);
  if (found == records.docs().end() || found->second.tree.is_deleted())
    scheduler_.fail("invariant 4: an unsafe run without a lease");
  if (found->second.written_at + lease < env_.mono_now() + time_limit)
    scheduler_.fail("invariant 4: an unsafe run with too little of its lease left");
  return found->second.written_at + lease;
}

// Of one revision a handler with `park` acts once, whatever happens. One with `retry` acts again only when the lease of
// the act before has run out, or that act is known to have failed.
void EngineWorld::check_act(const std::string& key, MonoTime lease_ends, bool may_repeat) {
  std::vector<Act>& acts = acts_[key];
  for (const Act& before : acts) {
    if (!may_repeat) scheduler_.fail("an unsafe handler that parks acted twice");
    if (env_.mono_now() < before.lease_ends)
      scheduler_.fail("an unsafe handler acted twice within one lease");
  }
  acts.push_back({lease_ends});
  if (acts.size() > 1 && settings_.quiet) scheduler_.fail("an unsafe handler acted twice, though nothing had happened");
}

std::vector<std::string> EngineWorld::unsettled() {
  std::vector<std::string> left;
  for (const auto& [name, database] : couch_.databases()) {
    if (name != "shop" && !name.starts_with("box-")) continue;
    for (const auto& [id, doc] : database->docs()) {
      const auto winner = database->read(id);
      if (!winner) continue;
      const bool parked = couch_.find(registry)->read(record("failure-", name, id)).has_value();
      std::size_t live = 0;
      for (const RevId& leaf : doc.tree.leaves()) live += doc.tree.at(leaf).deleted ? 0 : 1;
      if ((is_to_be_worked(*winner) && !parked) || live > 1) left.push_back(name + "/" + id);
    }
  }
  return left;
}

// A result of the time before the copy was put back, saved into the copy, which never had the document: without
// anything to validate CouchDB takes an edit of a revision that it doesn't know, and nobody can see it in the answer.
bool EngineWorld::is_carried_over(const std::string& database, const ModelDoc& doc) const {
  return restored_.contains(database) && doc.tree.path(doc.tree.winner()).back().generation > 1;
}

void EngineWorld::check_end() {
  for (const auto& [name, database] : couch_.databases()) {
    if (name != "shop" && !name.starts_with("box-")) continue;
    for (const auto& [id, doc] : database->docs()) {
      const auto winner = database->read(id);
      if (!winner) continue;
      const bool parked = couch_.find(registry)->read(record("failure-", name, id)).has_value();
      if (parked && doc_type(*winner) != "hopeless" && doc_type(*winner) != "charge" && settings_.quiet)
        scheduler_.fail("parked without a reason: " + name + "/" + id);
      // Invariant 5: the half-finished run came to its end.
      if (doc_type(*winner) == "side" && doc_state(*winner) == "done" && !database->read("of-" + id) &&
          !is_carried_over(name, doc))
        scheduler_.fail("invariant 5: " + id + " is done without what it makes");
    }
  }
  // Invariant 8.
  for (const auto& [path, notes] : notes_) {
    const std::string name = path.substr(0, path.find('/'));
    if (restored_.contains(name)) continue;
    const auto doc = couch_.find(name)->read(path.substr(path.find('/') + 1));
    for (const std::string& note : notes) {
      const json::array* kept = doc ? get_array(*doc, "notes") : nullptr;
      if (kept == nullptr || std::find(kept->begin(), kept->end(), json::value(note)) == kept->end())
        scheduler_.fail("invariant 8: the note " + note + " of " + path + " is lost");
    }
  }
}

}  // namespace channels::simulation
