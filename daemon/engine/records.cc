#include "engine/records.h"

#include "base/digest.h"
#include "base/errors.h"

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

Records::Records(Env& env, Database registry) : env_(env), registry_(std::move(registry)) {}

void Records::overwrite(std::vector<Document> docs) {
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
        if (!saved[i].ok()) again.push_back(part[i]);
      }
    }
    docs = std::move(again);
  }
}

std::string Records::load_checkpoint(const std::string& database) {
  {
    const std::lock_guard lock(mutex_);
    const auto unsaved = unsaved_.find(database);
    if (unsaved != unsaved_.end()) return unsaved->second;
  }
  return checkpoints({database}).front().value_or("0");
}

std::vector<std::optional<std::string>> Records::checkpoints(
    const std::vector<std::string>& databases) {
  std::vector<std::string> ids;
  for (const std::string& database : databases) ids.push_back(checkpoint_id(database));
  std::vector<std::optional<std::string>> seqs;
  for (const auto& doc : registry_.get_many(ids)) {
    seqs.push_back(doc ? std::optional(string_or(*doc, "seq", "0")) : std::nullopt);
  }
  return seqs;
}

void Records::put_checkpoint(const std::string& database, const std::string& seq) {
  const std::lock_guard lock(mutex_);
  unsaved_[database] = seq;
}

void Records::flush_checkpoints() {
  std::map<std::string, std::string> taken;
  std::vector<Document> docs;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(unsaved_);
    if (revs_.size() > 2000) revs_.clear();
    for (const auto& [database, seq] : taken) {
      const std::string id = checkpoint_id(database);
      docs.push_back({{"_id", id}, {"type", "checkpoint"}, {"database", database}, {"seq", seq}});
      std::string& rev = revs_[id];
      if (!rev.empty()) docs.back()["_rev"] = rev;
    }
  }
  try {
    overwrite(std::move(docs));
  } catch (...) {
    const std::lock_guard lock(mutex_);
    unsaved_.merge(taken);  // keeps what came meanwhile: it is newer
    throw;
  }
}

void Records::put_revisits(const std::vector<Revisit>& revisits) {
  std::vector<Document> docs;
  for (const Revisit& revisit : revisits) {
    docs.push_back({{"_id", revisit_id(revisit.database, revisit.id)},
                    {"type", "revisit"},
                    {"database", revisit.database},
                    {"id", revisit.id},
                    {"due", format_time(revisit.due)}});
  }
  overwrite(std::move(docs));
}

std::vector<Revisit> Records::due_revisits(WallTime until, std::size_t limit) {
  std::vector<Revisit> due;
  for (const json::object& row :
       registry_.view("revisits_by_due", {{"endkey", format_time(until)}, {"limit", limit}})) {
    const json::object* value = get_object(row, "value");
    const auto time = parse_time(string_or(row, "key", ""));
    if (value == nullptr || !time) continue;
    due.push_back({string_or(*value, "database", ""), string_or(*value, "id", ""), *time});
  }
  return due;
}

void Records::remove_revisits(const std::string& database, const std::vector<std::string>& ids) {
  std::vector<std::string> record_ids;
  for (const std::string& id : ids) record_ids.push_back(revisit_id(database, id));
  std::vector<Document> gone;
  for (const auto& doc : registry_.get_many(record_ids)) {
    if (doc) gone.push_back({{"_id", doc->at("_id")}, {"_rev", doc->at("_rev")}, {"_deleted", true}});
  }
  registry_.save_all(gone);  // one that was put again meanwhile conflicts, and stays: rightly
}

void Records::put_failures(const std::vector<ParkedFailure>& failures) {
  std::vector<Document> docs;
  for (const ParkedFailure& failure : failures) {
    docs.push_back({{"_id", failure_id(failure.database, failure.id)},
                    {"type", "failure"},
                    {"database", failure.database},
                    {"id", failure.id},
                    {"rev", failure.rev},
                    {"rule", failure.rule},
                    {"attempts", failure.attempts},
                    {"reason", failure.reason},
                    {"parked", true},
                    {"last_time", format_time(env_.wall_now())}});
  }
  overwrite(std::move(docs));
}

}  // namespace channels
