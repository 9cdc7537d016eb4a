#include "workflows/registry.h"

#include "base/digest.h"
#include "base/errors.h"
#include "workflows/audit.h"

namespace channels {

namespace {

constexpr int most_claim_tries = 10;
// After an act, while the server is away: it may be back any moment.
constexpr milliseconds between_tries{500};
constexpr std::int64_t registry_rows_a_page = 1000;
// Where nothing takes the queue along: the record stays small beside what it is about.
constexpr std::size_t most_noted = 50;

}  // namespace

std::string device_record_id(std::string_view device_id) {
  return "device-" + std::string(device_id);
}

std::string device_of_record(std::string_view record_id) {
  return std::string(record_id.substr(std::string_view("device-").size()));
}

std::string address_record_id(std::string_view address_digest) {
  return "address-" + std::string(address_digest);
}

Registry::Registry(Env& env, Database database) : env_(env), database_(std::move(database)), joint_(env, database_) {}

std::optional<Document> Registry::get(std::string_view id) {
  return database_.get(id);
}

Document Registry::update(std::string_view id, const std::function<bool(Document&)>& change) {
  for (int tries = 0; tries < most_claim_tries; ++tries) {
    Document doc = database_.get(id).value_or(Document{{"_id", id}});
    if (try_change(doc, change)) return doc;
  }
  throw Unavailable("the registry's " + std::string(id) + " changes all the time");
}

Document Registry::update(const Document& known, const std::function<bool(Document&)>& change) {
  Document doc = known;
  return try_change(doc, change) ? doc : update(doc_id(known), change);
}

// False after a conflict. Where nothing is changed, what an earlier run noted and could not hand on is.
bool Registry::try_change(Document& doc, const std::function<bool(Document&)>& change) {
  audits_.strip(doc);
  if (const auto noted = noted_audits(doc); noted.size() >= most_noted && write_audits(noted) == noted.size()) doc.erase("audit");
  if (change(doc)) {
    const Saved saved = joint_.save(doc);
    if (!saved.ok()) return false;
    doc["_rev"] = saved.rev;
  }
  audits_.put(doc);
  return true;
}

std::size_t Registry::write_audits(const std::vector<Document>& entries) {
  std::vector<std::string> there;
  for (const Saved& saved : database_.save_all(entries)) {
    if (saved.outcome != Saved::Outcome::rejected) there.push_back(saved.id);  // a conflict: by an earlier try
  }
  audits_.written(there);
  return there.size();
}

Document Registry::update_after_act(MonoTime deadline, std::string_view id,
                                    const std::function<bool(Document&)>& change) {
  for (;;) {
    try {
      return update(id, change);
    } catch (const Unavailable&) {
      if (env_.mono_now() + between_tries >= deadline) throw;
    }
    pause(env_, between_tries);
  }
}

Document Registry::claim(const Document& doc) {
  std::vector<Document> docs{doc};
  if (claim_all(docs).front()) return std::move(docs.front());
  if (auto found = database_.get(doc_id(doc))) return std::move(*found);
  throw Unavailable("no quorum has the claim " + doc_id(doc));
}

std::vector<bool> Registry::claim_all(std::vector<Document>& docs) {
  for (const Document& doc : docs) withdraw_unsure(doc_id(doc));
  const std::vector<Saved> saved = joint_.save_all(docs);
  std::vector<bool> made;
  std::string unsure;
  for (std::size_t i = 0; i < docs.size(); ++i) {
    made.push_back(is_made(docs[i], saved[i]));
    if (!made.back() && saved[i].outcome != Saved::Outcome::conflict) unsure = doc_id(docs[i]);
  }
  if (!unsure.empty()) throw Unavailable("no quorum has the claim " + unsure);
  return made;
}

// Only what a quorum has counts; else it is taken back.
bool Registry::is_made(Document& doc, const Saved& saved) {
  if (saved.outcome == Saved::Outcome::accepted) {
    {
      const std::lock_guard lock(mutex_);
      unsure_[doc_id(doc)] = saved.rev;
    }
    withdraw_unsure(doc_id(doc));
  }
  if (saved.outcome != Saved::Outcome::saved) return false;
  doc["_rev"] = saved.rev;
  audits_.put(doc);
  return true;
}

// Left there, it would stand beside the claim of who won the race, and CouchDB might show it as the winner.
void Registry::withdraw_unsure(const std::string& id) {
  std::string rev;
  {
    const std::lock_guard lock(mutex_);
    const auto unsure = unsure_.find(id);
    if (unsure == unsure_.end()) return;
    rev = unsure->second;
  }
  database_.save({{"_id", id}, {"_rev", rev}, {"_deleted", true}});  // a conflict: it is gone already
  const std::lock_guard lock(mutex_);
  unsure_.erase(id);
}

void Registry::remove(std::string_view id) {
  if (auto doc = database_.get(id))
    database_.save({{"_id", id}, {"_rev", doc_rev(*doc)}, {"_deleted", true}});
}

std::string Registry::codes_key() {
  {
    const std::lock_guard lock(mutex_);
    if (!codes_key_.empty()) return codes_key_;
  }
  constexpr std::string_view id = "codes-key";
  auto doc = get(id);
  if (!doc) doc = claim({{"_id", id}, {"type", "codes-key"}, {"key", hex(env_.random_bytes(32))}});
  const std::string key = string_or(*doc, "key", "");
  if (!is_lower_hex(key, 64)) throw Refused(500, "the registry's codes-key holds no key");
  const std::lock_guard lock(mutex_);
  return codes_key_ = key;
}

std::string Registry::user_id_for(std::string_view address_digest) {
  return hmac_sha256_hex(codes_key(), "user\n" + std::string(address_digest)).substr(0, 32);
}

std::vector<std::string> Registry::devices_of(std::string_view user_id, std::string_view state) {
  std::vector<std::string> ids;
  for (const json::object& row :
       database_.view("devices_by_user", {{"key", json::array{user_id, state}}})) {
    ids.push_back(string_or(row, "id", "").substr(std::string_view("device-").size()));
  }
  return ids;
}

std::vector<Registry::Pending> Registry::pending_devices(std::string_view address_digest) {
  std::vector<Pending> found;
  json::object query{{"startkey", json::array{address_digest}},
                     {"endkey", json::array{address_digest, json::object()}},
                     {"limit", registry_rows_a_page}};
  while (true) {
    const auto rows = database_.view("pending_by_address", query);
    for (const json::object& row : rows) {
      const json::array* key = get_array(row, "key");
      if (key == nullptr || key->size() < 2 || !key->at(1).is_string()) continue;
      found.push_back({string_or(row, "id", "").substr(std::string_view("device-").size()),
                       json::value_to<std::string>(key->at(1))});
    }
    if (rows.size() < registry_rows_a_page) return found;
    // The next page begins with this one's last row, left out by skip.
    query["startkey"] = rows.back().at("key");
    query["startkey_docid"] = rows.back().at("id");
    query["skip"] = 1;
  }
}

}  // namespace channels
