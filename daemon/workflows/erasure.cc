#include "workflows/erasure.h"

#include <set>

#include "base/digest.h"
#include "base/errors.h"
#include "couch/purger.h"
#include "engine/records.h"
#include "provision/users.h"
#include "workflows/audit.h"
#include "workflows/device_documents.h"
#include "workflows/device_mirror.h"

namespace channels {

namespace {

constexpr int erased_a_page = 100;
// What daemons had under way while his records went may have written one of them again.
constexpr int most_passes = 5;

// --- his log-ins ---

std::vector<std::string> devices_by(Registry& registry, const std::string& person) {
  std::vector<std::string> ids;
  for (const json::object& row : registry.database().view("by_person", {{"key", json::array{person, "device"}}}))
    ids.push_back(string_or(row, "id", "").substr(std::string_view("device-").size()));
  return ids;
}

// The id stays known for a while, so that a carrier who brings the registration once more is answered, and the device told.
void forget_device(Services& services, const std::string& id) {
  delete_user(services.server, id);
  std::string code;
  const Document record = services.registry.update(device_record_id(id), [&](Document& current) {
    if (doc_rev(current).empty() || doc_type(current) == "forgotten") return false;
    code = string_or(current, "device_code", "");
    const std::string user = string_or(current, "user", "");
    if (!user.empty() && doc_state(current) != "revoked")
      note_audit(current, {"device revoked", std::string(by_operator), {{"user", user}, {"device", id}}}, services.env.wall_now());
    current = bare_digest(current, user.empty() ? "rejected" : "revoked", services.env.wall_now());
    return true;
  });
  // A rotation or an activation may have put the log-in back before it could see the record.
  delete_user(services.server, id);
  if (!code.empty()) services.registry.remove("code-" + code);
  if (!doc_rev(record).empty()) push_device_copy(services, record);
}

void take_log_ins(Erasure& erasure) {
  Registry& registry = erasure.services.registry;
  erasure.notes.add_devices(devices_by(registry, erasure.user));
  erasure.notes.add_devices(devices_by(registry, erasure.digest));
  for (const std::string& id : erasure.notes.devices()) {
    erasure.notes.plan("_users", "org.couchdb.user:" + username_of(id), "deleted: the log-in of a device");
    erasure.notes.plan(registry.database().name(), device_record_id(id), "reduced to a bare digest");
    erasure.notes.plan(erasure.services.handshake.name(), id, "says that the device is out");
  }
  erasure.notes.save();
  for (const std::string& id : erasure.notes.devices()) forget_device(erasure.services, id);
}

// --- his records ---

std::vector<std::string> records_by(Registry& registry, const std::string& person, std::string_view type) {
  std::vector<std::string> ids;
  for (const json::object& row :
       registry.database().view("by_person", {{"key", json::array{person, type}}, {"limit", erased_a_page}}))
    ids.push_back(string_or(row, "id", ""));
  return ids;
}

// False if there was none.
bool purge_records(Erasure& erasure, const std::vector<std::string>& ids) {
  Database& registry = erasure.services.registry.database();
  Purger purger(registry);
  bool any = false;
  for (const std::string& id : ids) {
    for (const Document& leaf : registry.leaves(id)) {
      erasure.services.registry.write_audits(noted_audits(leaf));
      erasure.notes.plan(registry.name(), id, "purged");
      purger.add(id, doc_rev(leaf));
      any = true;
    }
  }
  erasure.notes.save();
  purger.send();
  return any;
}

// False if there was nothing of him.
bool clear_records(Erasure& erasure) {
  Registry& registry = erasure.services.registry;
  bool any = purge_records(erasure, {"user-" + erasure.user, address_record_id(erasure.digest), "addresskey-" + erasure.notes.key()});
  for (const std::string& person : {erasure.user, erasure.digest}) {
    for (const char* type : {"invitation", "link", "follower", "channelname"}) {
      while (purge_records(erasure, records_by(registry, person, type))) any = true;
    }
  }
  search_registry(erasure);
  return any;
}

void remove_control_database(Erasure& erasure) {
  Services& services = erasure.services;
  Database control(services.server, services.control_database(erasure.user));
  if (!control.exists()) return;
  erasure.notes.plan(control.name(), "", "deleted");
  erasure.notes.save();
  control.remove();
  remove_checkpoint(services.registry.database(), control.name());
}

// Control databases that were still being compacted.
std::vector<std::string> search_all(Erasure& erasure) {
  std::vector<std::string> compacting;
  for (int pass = 0; pass < most_passes; ++pass) {
    const bool had_records = clear_records(erasure);
    remove_control_database(erasure);
    search_handshake(erasure);
    if (pass == 0) compacting = search_control_databases(erasure);
    else if (!had_records) break;
  }
  return compacting;
}

// --- compaction ---

// Of the databases in the notes, those that were still at it. A daemon may have shown him in one of them once more, by what it had read
// of him before his records went.
std::vector<std::string> compact_all(Erasure& erasure) {
  Services& services = erasure.services;
  Compactions compactions(services);
  for (const std::string& name : erasure.notes.databases()) {
    if (name == services.options.registry_db) continue;
    if (name.starts_with(services.options.control_prefix)) search_control_database(erasure, name);
    erasure.tell("compacting " + name);
    compactions.begin_without_purged_ids(name);  // an app's id there may have been his address
  }
  return compactions.finish();
}

// The notes go last.
bool clear_registry(Erasure& erasure) {
  Database& registry = erasure.services.registry.database();
  erasure.tell("compacting " + registry.name());
  Purger purger(registry);
  for (const Document& leaf : registry.leaves(erasure.notes.id())) purger.add(erasure.notes.id(), doc_rev(leaf));
  purger.send();
  ShortPurgeList short_list(registry);
  short_list.push_out();
  registry.view("by_person", {{"key", json::array{erasure.user, "device"}}});  // the index has heard of the purges then
  registry.compact_views();
  return compact_whole(erasure.services.env, registry);
}

}  // namespace

std::vector<std::string> not_reached_by_erasure() {
  return {"Backups and snapshots: restore none without erasing again.",
          std::string("Devices: what was synced to his own stays there; other people's drop what named him when they sync next, ") +
              "and keep it on their disks until they compact.",
          "Logs of CouchDB, of this program and of a proxy, which may have his network addresses and the names of his databases and devices.",
          "The mail server's queue and logs.",
          "What he, or others about him, wrote into channels that other people still have, and into databases of apps: that is theirs.",
          "His user id, as part of what others' documents and the registry say of the past: nothing leads from it to his address any more."};
}

Erased erase_person(Services& services, const Address& address, const std::function<void(const std::string&)>& tell) {
  const std::string digest = sha256_hex(address.folded);
  const std::string user = services.registry.user_id_for(digest);
  Erasure erasure{services, user, digest, {address.folded, {digest}}, ErasureNotes(services, user, address.folded), tell};
  const auto record = services.registry.get(address_record_id(digest));
  erasure.notes.set_key(record ? string_or(*record, "key", "") : "");
  if (!erasure.notes.key().empty()) erasure.who.words.insert(erasure.notes.key());
  take_log_ins(erasure);
  leave_all_channels(erasure);
  std::set<std::string> compacting;
  for (const std::string& name : search_all(erasure)) compacting.insert(name);
  for (const std::string& name : compact_all(erasure)) compacting.insert(name);
  Erased erased{user, erasure.notes.touched(), erasure.notes.left_out(), {compacting.begin(), compacting.end()}};
  if (!erased.touched.empty())
    services.registry.write_audits({audit_entry({"user erased", std::string(by_operator), {{"user", user}}}, services.env.wall_now())});
  if (!clear_registry(erasure)) erased.compacting.push_back(services.options.registry_db);
  return erased;
}

}  // namespace channels
