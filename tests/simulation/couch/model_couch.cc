#include "simulation/couch/model_couch.h"

#include "base/check.h"
#include "base/digest.h"
#include "base/errors.h"
#include "simulation/couch/model_request.h"

namespace channels::simulation {

namespace {

// From an update to its event, measured on 3.5.0 ([global_changes] max_event_delay and what lies around it).
constexpr milliseconds hint_delay{300};
constexpr const char* hints_database = "_global_changes";

}  // namespace

ModelCouch::ModelCouch(Env& env, ModelOptions options)
    : env_(env), options_(std::move(options)), changed_(env.make_signal()), generator_(options_.seed) {
  for (const char* name : {"_users", "_replicator"}) make(name);
}

bool ModelCouch::happens(double chance) {
  return chance > 0 && static_cast<double>(generator_() >> 11) * 0x1p-53 < chance;
}

std::uint64_t ModelCouch::below(std::uint64_t limit) {
  return generator_() % limit;
}

void ModelCouch::wake_all() {
  if (!std::exchange(wakes_, false)) return;
  changed_->notify_all();
}

HttpResponse ModelCouch::answer(const HttpRequest& request) {
  const std::lock_guard lock(mutex_);
  write_hints();
  HttpResponse response = ModelRequest(*this, request).answer();
  wake_all();
  return response;
}

// --- databases ---------------------------------------------------------------------------------

std::vector<std::string> ModelCouch::names() const {
  std::vector<std::string> names;
  for (const auto& [name, database] : databases_) names.push_back(name);
  return names;
}

ModelDatabase* ModelCouch::find(const std::string& database) const {
  const auto found = databases_.find(database);
  return found == databases_.end() ? nullptr : found->second.get();
}

std::optional<Document> ModelCouch::winner(const std::string& database, const std::string& id) const {
  const ModelDatabase* found = find(database);
  return found == nullptr ? std::nullopt : found->read(id);
}

std::vector<Document> ModelCouch::leaves(const std::string& database, const std::string& id) const {
  const ModelDatabase* found = find(database);
  return found == nullptr ? std::vector<Document>() : found->leaves(id);
}

std::vector<Document> ModelCouch::everything(const std::string& database) const {
  std::vector<Document> all;
  const ModelDatabase* found = find(database);
  if (found == nullptr) return all;
  for (const auto& [id, doc] : found->docs()) {
    for (const auto& [rev, revision] : doc.tree.all()) {
      if (auto shown = found->read(id, rev)) all.push_back(std::move(*shown));
    }
  }
  return all;
}

ModelDatabase& ModelCouch::make(const std::string& database) {
  const std::string uuid = sha256_hex(database + "/" + std::to_string(++made_) + "/" + std::to_string(options_.seed));
  auto& made = databases_[database] = std::make_unique<ModelDatabase>(database, uuid, designs_);
  note_update(database, "created");
  return *made;
}

void ModelCouch::remove(const std::string& database) {
  if (databases_.erase(database) > 0) note_update(database, "deleted");
}

ModelDatabase::Snapshot ModelCouch::snapshot(const std::string& database) const {
  const ModelDatabase* found = find(database);
  check(found != nullptr, "a snapshot of no database");
  return found->snapshot();
}

void ModelCouch::restore(const std::string& database, const ModelDatabase::Snapshot& snapshot) {
  ModelDatabase* found = find(database);
  check(found != nullptr, "a copy is put back where no database is");
  found->restore(snapshot);
  restart();
}

void ModelCouch::restart() {
  ++incarnation_;
  hints_.clear();
  hints_due_ = MonoTime::max();
  changed_->notify_all();
}

// --- what others hear of -----------------------------------------------------------------------

void ModelCouch::tell_commit(Commit commit) {
  const ModelDatabase* database = find(commit.database);
  commit.update_seq = database == nullptr ? 0 : database->seq();
  if (on_commit) on_commit(commit);
}

void ModelCouch::note_update(const std::string& database, const char* event) {
  wakes_ = true;
  if (database == hints_database || happens(weather.lost_hint)) return;
  if (hints_.empty()) hints_due_ = env_.mono_now() + hint_delay;
  hints_.try_emplace(std::string(event) + ":" + database, hints_.size());
}

// As the server does: a document for each event and database, whose change _db_updates tells.
void ModelCouch::write_hints() {
  if (env_.mono_now() < hints_due_) return;
  std::map<std::uint64_t, std::string> in_order;
  for (const auto& [id, number] : hints_) in_order[number] = id;
  hints_.clear();
  hints_due_ = MonoTime::max();
  ModelDatabase* told = find(hints_database);
  if (told == nullptr) return;
  const auto body = std::make_shared<const Document>();
  for (const auto& [number, id] : in_order) {
    told->tree(id).merge({*RevId::parse("1-0")}, false, body);
    told->touch(id, env_.mono_now());
  }
  wakes_ = true;
}

}  // namespace channels::simulation
