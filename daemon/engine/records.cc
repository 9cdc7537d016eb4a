#include "engine/records.h"

#include "base/digest.h"
#include "base/errors.h"
#include "base/utf8.h"
#include "engine/lease.h"

namespace channels {

namespace {

// More than this is cut into several saves: a request stays small beside CouchDB's limit.
constexpr std::size_t records_per_save = 500;

std::string checkpoint_id(const std::string& database) {
  return "checkpoint-" + sha256_hex(database);
}

std::string revisit_id(const std::string& database, const std::string& id) {
  return "revisit-" + sha256_hex(database + "\n" + id);
}

std::string failure_id(const std::string& database, const std::string& id) {
  return "failure-" + sha256_hex(database + "\n" + id);
}

constexpr std::size_t kept_history = 10;
constexpr std::size_t longest_reason = 2000;
// Checkpoints that were read with another's and then not asked for.
constexpr std::size_t most_loaded = 1000;
constexpr seconds loaded_kept{5};
constexpr std::size_t most_revs = 5000;

json::object attempts_json(const Attempts& attempts) {
  json::array history;
  for (const Attempts::Failure& failure : attempts.history)
    history.push_back(json::object{{"time", format_time(failure.time)}, {"reason", failure.reason}});
  return {{"rev", attempts.rev}, {"count", attempts.count}, {"history", std::move(history)}};
}

Attempts attempts_of(const json::object& record) {
  Attempts attempts;
  const json::object* found = get_object(record, "attempts");
  if (found == nullptr) return attempts;
  attempts.rev = string_or(*found, "rev", "");
  attempts.count = static_cast<int>(int_or(*found, "count", 0));
  if (const json::array* history = get_array(*found, "history")) {
    for (const json::value& entry : *history) {
      const json::object* failure = entry.if_object();
      const auto time = failure == nullptr ? std::nullopt : parse_time(string_or(*failure, "time", ""));
      if (time) attempts.history.push_back({*time, string_or(*failure, "reason", "")});
    }
  }
  return attempts;
}

CheckpointRecord checkpoint_of(const Document& doc) {
  return {string_or(doc, "seq", "0"), int_or(doc, "counter", 0),
          static_cast<int>(int_or(doc, "design_version", 0)), string_or(doc, "life", "")};
}

void take_over_revs(Database& registry, std::vector<Document>& docs) {
  std::vector<std::string> ids;
  for (const Document& doc : docs) ids.push_back(doc_id(doc));
  const auto found = registry.get_many(ids);
  for (std::size_t i = 0; i < docs.size(); ++i) {
    docs[i].erase("_rev");
    if (found[i]) docs[i]["_rev"] = doc_rev(*found[i]);
  }
}

}  // namespace

void Attempts::add(const std::string& of_rev, WallTime now, const std::string& reason) {
  if (rev != of_rev) *this = {of_rev, 0, {}};
  ++count;
  history.push_back({now, well_formed(reason, longest_reason)});
  if (history.size() > kept_history) history.erase(history.begin());
}

void remove_checkpoint(Database& registry, const std::string& database) {
  const auto record = registry.get(checkpoint_id(database));
  if (record) registry.save({{"_id", doc_id(*record)}, {"_rev", doc_rev(*record)}, {"_deleted", true}});
}

Records::Records(Env& env, Database registry) : env_(env), registry_(std::move(registry)) {}

std::vector<std::string> Records::overwrite(std::vector<Document> docs, const std::set<std::string>& once) {
  std::vector<std::string> refused;
  for (int tries = 0; !docs.empty(); ++tries) {
    if (tries > 0) take_over_revs(registry_, docs);
    if (tries > 5) throw Unavailable("the registry's records change faster than they can be saved");
    std::vector<Document> again;
    for (std::size_t start = 0; start < docs.size(); start += records_per_save) {
      const std::size_t end = std::min(docs.size(), start + records_per_save);
      const std::vector<Document> part(docs.begin() + static_cast<std::ptrdiff_t>(start),
                                       docs.begin() + static_cast<std::ptrdiff_t>(end));
      const std::vector<Saved> saved = registry_.save_all(part);
      const std::lock_guard lock(mutex_);
      for (std::size_t i = 0; i < part.size(); ++i) {
        if (saved[i].ok() && revs_.contains(saved[i].id)) revs_[saved[i].id] = saved[i].rev;
        if (saved[i].ok()) continue;
        if (!once.contains(saved[i].id)) again.push_back(part[i]);
        else if (saved[i].outcome == Saved::Outcome::rejected) refused.push_back(saved[i].id);
      }
    }
    docs = std::move(again);
  }
  return refused;
}

// --- checkpoints -------------------------------------------------------------------------------

CheckpointRecord Records::load_checkpoint(const std::string& database, const std::vector<std::string>& others) {
  std::vector<std::string> wanted{database};
  {
    const std::lock_guard lock(mutex_);
    const auto unsaved = unsaved_.find(database);
    if (unsaved != unsaved_.end()) return unsaved->second;
    if (const auto loaded = loaded_.extract(database); loaded && loaded.mapped().until > env_.mono_now()) return loaded.mapped().checkpoint;
    if (loaded_.size() > most_loaded) loaded_.clear();
    for (const std::string& other : others) {
      if (other != database && !unsaved_.contains(other) && !loaded_.contains(other)) wanted.push_back(other);
    }
  }
  const auto found = read_checkpoints(wanted, true);
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 1; i < wanted.size(); ++i) {
    if (!unsaved_.contains(wanted[i])) loaded_[wanted[i]] = {found[i].value_or(CheckpointRecord{}), env_.mono_now() + loaded_kept};
  }
  return found.front().value_or(CheckpointRecord{});
}

CheckpointRecord Records::read_checkpoint(const std::string& database) {
  return read_checkpoints({database}, true).front().value_or(CheckpointRecord{});
}

std::vector<std::optional<CheckpointRecord>> Records::checkpoints(
    const std::vector<std::string>& databases) {
  return read_checkpoints(databases, false);
}

std::vector<std::optional<CheckpointRecord>> Records::read_checkpoints(
    const std::vector<std::string>& databases, bool keep_revs) {
  std::vector<std::string> ids;
  for (const std::string& database : databases) ids.push_back(checkpoint_id(database));
  std::vector<std::optional<CheckpointRecord>> found;
  const auto docs = registry_.get_many(ids);
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < docs.size(); ++i) {
    found.push_back(docs[i] ? std::optional(checkpoint_of(*docs[i])) : std::nullopt);
    if (docs[i] && keep_revs) revs_[ids[i]] = doc_rev(*docs[i]);
  }
  return found;
}

void Records::put_checkpoint(const std::string& database, const CheckpointRecord& checkpoint) {
  const std::lock_guard lock(mutex_);
  unsaved_[database] = checkpoint;
  loaded_.erase(database);
}

std::vector<std::string> Records::flush_checkpoints(std::vector<Document> beside) {
  std::map<std::string, CheckpointRecord> taken;
  std::set<std::string> once;
  for (const Document& doc : beside) once.insert(doc_id(doc));
  std::vector<Document> docs = std::move(beside);
  {
    const std::lock_guard lock(mutex_);
    taken.swap(unsaved_);
    if (revs_.size() > most_revs) revs_.clear();
    for (const auto& [database, checkpoint] : taken) {
      const std::string id = checkpoint_id(database);
      docs.push_back({{"_id", id},
                      {"type", "checkpoint"},
                      {"database", database},
                      {"seq", checkpoint.seq},
                      {"counter", checkpoint.counter},
                      {"design_version", checkpoint.design_version}});
      if (!checkpoint.life.empty()) docs.back()["life"] = checkpoint.life;
      std::string& rev = revs_[id];
      if (!rev.empty()) docs.back()["_rev"] = rev;
    }
  }
  try {
    return overwrite(std::move(docs), once);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    unsaved_.merge(taken);  // keeps what came meanwhile: it is newer
    throw;
  }
}

// --- revisits ----------------------------------------------------------------------------------

void Records::put_revisits(const std::vector<Revisit>& revisits) {
  std::vector<Document> docs;
  for (const Revisit& revisit : revisits) {
    docs.push_back({{"_id", revisit_id(revisit.database, revisit.id)},
                    {"type", "revisit"},
                    {"database", revisit.database},
                    {"id", revisit.id},
                    {"due", format_time(revisit.due)}});
    if (revisit.attempts.count > 0) docs.back()["attempts"] = attempts_json(revisit.attempts);
  }
  overwrite(std::move(docs));
}

std::vector<Revisit> Records::due_revisits(WallTime until, std::size_t limit, const Revisit* after) {
  json::object query{{"endkey", format_time(until)}, {"limit", limit}, {"include_docs", true}};
  if (after != nullptr) {
    query["startkey"] = format_time(after->due);
    query["startkey_docid"] = revisit_id(after->database, after->id);
    query["skip"] = 1;
  }
  std::vector<Revisit> due;
  for (const json::object& row : registry_.view("revisits_by_due", query)) {
    const json::object* doc = get_object(row, "doc");
    const auto time = parse_time(string_or(row, "key", ""));
    if (doc == nullptr || !time) continue;
    due.push_back({string_or(*doc, "database", ""), string_or(*doc, "id", ""), *time, attempts_of(*doc),
                   doc_rev(*doc)});
  }
  return due;
}

std::optional<Revisit> Records::revisit_of(const std::string& database, const std::string& id) {
  const auto doc = registry_.get(revisit_id(database, id));
  const auto due = doc ? parse_time(string_or(*doc, "due", "")) : std::nullopt;
  if (!due) return std::nullopt;
  return Revisit{database, id, *due, attempts_of(*doc), doc_rev(*doc)};
}

void Records::remove_revisits(const std::vector<Revisit>& revisits) {
  std::vector<std::pair<std::string, std::string>> gone;
  for (const Revisit& revisit : revisits)
    gone.emplace_back(revisit_id(revisit.database, revisit.id), revisit.record_rev);
  remove(gone);
}

// --- failures ----------------------------------------------------------------------------------

void Records::put_failures(const std::vector<ParkedFailure>& failures) {
  std::vector<Document> docs;
  for (const ParkedFailure& failure : failures) {
    const auto& history = failure.attempts.history;
    docs.push_back({{"_id", failure_id(failure.database, failure.id)},
                    {"type", "failure"},
                    {"database", failure.database},
                    {"id", failure.id},
                    {"rule", failure.rule},
                    {"attempts", attempts_json(failure.attempts)},
                    {"reason", history.empty() ? "" : history.back().reason},
                    {"parked", true},
                    {"last_time", format_time(env_.wall_now())}});
  }
  overwrite(std::move(docs));
}

std::vector<ParkedFailure> Records::failures(std::size_t limit, const ParkedFailure* after) {
  json::object query{{"limit", limit}, {"include_docs", true}, {"startkey", "failure-"}, {"endkey", "failure-~"}};
  if (after != nullptr) {
    query["startkey"] = failure_id(after->database, after->id);
    query["skip"] = 1;
  }
  std::vector<ParkedFailure> found;
  for (const json::object& row : registry_.all_docs(query)) {
    const json::object* doc = get_object(row, "doc");
    if (doc == nullptr) continue;
    found.push_back({string_or(*doc, "database", ""), string_or(*doc, "id", ""), string_or(*doc, "rule", ""),
                     attempts_of(*doc), doc_rev(*doc)});
  }
  return found;
}

void Records::bring_back(const std::vector<ParkedFailure>& failures) {
  std::vector<Revisit> revisits;
  for (const ParkedFailure& failure : failures)
    revisits.push_back({failure.database, failure.id, env_.wall_now(), {}, {}});
  // In this order: cut off in between, it is still in the list of what is parked.
  remove_parked_leases(failures);
  put_revisits(revisits);
  remove_failures(failures);
}

void Records::remove_parked_leases(const std::vector<ParkedFailure>& failures) {
  std::vector<std::string> leases;
  for (const ParkedFailure& failure : failures)
    leases.push_back(lease_id(lease_key({failure.database, failure.id, failure.attempts.rev})));
  std::vector<std::pair<std::string, std::string>> gone;
  for (const auto& lease : registry_.get_many(leases)) {
    if (lease && is_true(*lease, "parked")) gone.emplace_back(doc_id(*lease), doc_rev(*lease));
  }
  remove(gone);
}

void Records::remove_failures(const std::vector<ParkedFailure>& failures) {
  remove_parked_leases(failures);
  std::vector<std::pair<std::string, std::string>> gone;
  for (const ParkedFailure& failure : failures)
    gone.emplace_back(failure_id(failure.database, failure.id), failure.record_rev);
  remove(gone);
}

// One that was put again since it was read conflicts, and stays: rightly.
void Records::remove(const std::vector<std::pair<std::string, std::string>>& ids_and_revs) {
  std::vector<Document> gone;
  for (const auto& [id, rev] : ids_and_revs)
    gone.push_back({{"_id", id}, {"_rev", rev}, {"_deleted", true}});
  registry_.save_all(gone);
}

}  // namespace channels
