// Scenario "daemons", the good end: what is still left to be done, and what must hold when nothing is.
#include <algorithm>

#include "base/digest.h"
#include "base/errors.h"
#include "simulation/devices/daemons_world.h"
#include "simulation/devices/names.h"
#include "workflows/device_documents.h"

namespace channels::simulation {

namespace {


std::size_t live_leaves(const RevisionTree& tree) {
  std::size_t live = 0;
  for (const RevId& leaf : tree.leaves()) live += tree.at(leaf).deleted ? 0 : 1;
  return live;
}

}  // namespace

// --- what is left ------------------------------------------------------------------------------

std::string DaemonsWorld::unsettled() {
  for (const auto& device : devices_) {
    const std::string wait = device->waits_for();
    if (!wait.empty()) return device->name() + " waits for " + wait;
  }
  if (cloud_.find(handshake) == nullptr || cloud_.find(registry) == nullptr) return "the installation";
  if (auto left = unsettled_in_handshake(); !left.empty()) return left;
  for (const auto& [name, database] : cloud_.databases()) {
    if (!name.starts_with("control-")) continue;
    if (auto left = unsettled_in(name); !left.empty()) return left;
  }
  if (auto left = unsettled_records(); !left.empty()) return left;
  return unsettled_sharing();
}

std::string DaemonsWorld::unsettled_in_handshake() {
  for (const auto& [id, doc] : cloud_.find(handshake)->docs()) {
    const auto winner = cloud_.find(handshake)->read(id);
    const std::string due = winner ? due_in(Kind::handshake, *winner) : "";
    if (!due.empty()) return due + " " + id + " in the handshake";
  }
  return "";
}

std::string DaemonsWorld::unsettled_in(const std::string& control) {
  const ModelDatabase& database = *cloud_.find(control);
  for (const auto& [id, doc] : database.docs()) {
    const auto winner = database.read(id);
    const std::string due = winner ? due_in(Kind::control, *winner) : "";
    if (!due.empty()) return due + " " + id + " in " + control;
    if (live_leaves(doc.tree) > 1) return "a conflict of " + id + " in " + control;
  }
  return "";
}

// The registry's word must have reached the copies, and the mailbox.
std::string DaemonsWorld::unsettled_records() {
  for (const auto& [id, doc] : cloud_.find(registry)->docs()) {
    const auto each = cloud_.find(registry)->read(id);
    if (!each || doc_type(*each) != "device") continue;
    if (each->contains("tell")) return "a mail that tells of " + id;
    const auto copy = cloud_.find(handshake)->read(id.substr(7));
    if (copy && doc_state(*copy) != doc_state(*each))
      return "the handshake's copy of " + id + ", which is \"" + doc_state(*copy) + "\" and not \"" + doc_state(*each) + "\"";
    const std::string user = string_or(*each, "user", "");
    if (user.empty()) continue;
    const ModelDatabase* control = cloud_.find("control-" + user);
    const auto shown = control == nullptr ? std::nullopt : control->read(id.substr(7));
    if (!shown || doc_state(*shown) != doc_state(*each)) return "the control database's copy of " + id;
  }
  return "";
}

// --- what must hold ----------------------------------------------------------------------------

std::optional<Document> DaemonsWorld::record(const std::string& id) {
  return cloud_.find(registry)->read(id);
}

int DaemonsWorld::status_of(Server& server, const std::string& path) {
  return server.request("GET", path, nullptr, {401, 403, 404}).status;
}

void DaemonsWorld::check_end() {
  check_mails();
  check_devices();
  check_channels();
  check_edits();
  check_invitations();
  check_memberships();
  check_audit();
  for (const auto& [id, doc] : cloud_.find(registry)->docs()) {
    if (id.starts_with("failure-") && !doc.tree.is_deleted() && is_parked(*record(id)))
      scheduler_.fail("parked to the end: " + json::serialize(*record(id)));
  }
}

// As `status` counts (calls/parked.h): a document that has another revision since is parked no longer, whoever went on with it.
bool DaemonsWorld::is_parked(const Document& failure) {
  const ModelDatabase* database = cloud_.find(string_or(failure, "database", ""));
  const auto doc = database == nullptr ? std::nullopt : database->read(string_or(failure, "id", ""));
  const json::object* attempts = get_object(failure, "attempts");
  return doc && attempts != nullptr && doc_rev(*doc) == string_or(*attempts, "rev", "");
}

// One mail, one Message-ID, one code, however often it went out; and no more often than faults explain.
void DaemonsWorld::check_mails() {
  std::map<std::string, std::string> codes;        // by Message-ID
  std::map<std::string, std::string> message_ids;  // of own links, by device
  int repeats = 0;
  for (const DeliveredMail& each : post_.all()) {
    const auto [code, is_new] = codes.emplace(each.mail.message_id, each.link.subject + each.link.code);
    if (!is_new) ++repeats;
    if (code->second != each.link.subject + each.link.code)
      scheduler_.fail("a mail was repeated with another code: " + each.mail.message_id);
    if (!is_lower_hex(each.link.subject, 64)) continue;
    const auto known = message_ids.emplace(each.link.subject, each.mail.message_id).first;
    if (known->second != each.mail.message_id) scheduler_.fail("two mails with one code: " + each.link.subject);
  }
  const bool explained = !settings_.faults.quiet && !settings_.only_kills_and_pauses;
  if (!explained && repeats > disturbances_)
    scheduler_.fail(std::to_string(repeats) + " mails went out twice, by " + std::to_string(disturbances_) + " kills and pauses");
}

void DaemonsWorld::check_devices() {
  for (const auto& device : devices_) {
    if (device->id().empty()) continue;
    const auto found = record("device-" + device->id());
    const std::string state = found ? doc_state(*found) : "forgotten";
    if (device->wish() == Wish::not_me && state == "active") scheduler_.fail("a device is active that was not wanted");
    if (device->wish() == Wish::ignore && state == "active") scheduler_.fail("a device is active that nobody confirmed");
    if (around_.revoked.contains(device->id()) && state != "revoked") scheduler_.fail("a revoked device is " + state);
    check_access(*device);
  }
}

void DaemonsWorld::check_access(SimDevice& device) {
  const auto found = record("device-" + device.id());
  const bool active = found && doc_state(*found) == "active";
  const int expected = active ? 200 : 401;
  if (device.control().empty()) return;
  if (const int status = status_of(device.cloud(), device.control()); status != expected)
    scheduler_.fail(device.name() + " is " + (active ? "active" : "not active") + " and its control database answers " + std::to_string(status));
  if (!active) return;
  const auto user = cloud_.find("_users")->read("org.couchdb.user:device-" + device.id());
  const json::array* roles = user ? get_array(*user, "roles") : nullptr;
  for (const auto& [name, database] : cloud_.databases()) {
    if (name == handshake) continue;
    const json::object* members = get_object(database->security(), "members");
    const std::string opened_to = members == nullptr ? "" : json::serialize(*members);
    const bool own = roles != nullptr && std::any_of(roles->begin(), roles->end(), [&](const json::value& role) {
                       return opened_to.find(json::serialize(role)) != std::string::npos;
                     });
    const int status = status_of(device.cloud(), name);
    if (own != (status == 200)) scheduler_.fail(device.name() + " gets " + std::to_string(status) + " from " + name);
    if (own && name != device.control() && !name.starts_with("channel-")) scheduler_.fail("a device can read " + name);
  }
}

void DaemonsWorld::check_channels() {
  std::set<std::string> owned;
  for (const auto& [control, database] : cloud_.databases()) {
    if (!control.starts_with("control-")) continue;
    const std::string user = control.substr(std::string("control-").size());
    std::set<std::string> names;
    for (const auto& [id, tree] : database->docs()) {
      const auto doc = database->read(id);
      if (!doc || doc_type(*doc) != "channel") continue;
      if (doc_state(*doc) == "error") {
        if (get_object(*doc, "error") == nullptr) scheduler_.fail("channel " + id + " is an error without a reason");
        continue;
      }
      const std::string name = string_or(*doc, "name", "");
      if (doc_state(*doc) == "removed") continue;
      owned.insert("channel-" + id);
      if (doc_state(*doc) == "deleted") continue;  // its name is free
      const bool is_his = string_or(*doc, "named_by", "") == user;  // others may call theirs as he calls his
      if (is_his && !names.insert(name).second) scheduler_.fail("a user has two channels \"" + name + "\"");
      const ModelDatabase* channel = cloud_.find("channel-" + id);
      const auto description = channel == nullptr ? std::nullopt : channel->read("description");
      if (!description || string_or(*description, "name", "") != name)
        scheduler_.fail("channel " + id + " does not describe itself as \"" + name + "\"");
      if (!database->read(id + "-sub-" + user)) scheduler_.fail("a member of " + id + " is not subscribed");
    }
  }
  for (const auto& [name, database] : cloud_.databases()) {
    if (name.starts_with("channel-") && !owned.contains(name) && name.size() > 30) scheduler_.fail(name + " is nobody's");
  }
}

// Of a channel with several owners the last one's counts, whoever he is.
bool DaemonsWorld::is_name_of_several(const Edit& edit) {
  const auto channel = record("channel-" + edit.id);
  const json::object* members = channel ? get_object(*channel, "members") : nullptr;
  return members != nullptr && members->size() > 1 && edit.value.starts_with("name-");
}

// Invariant 8: what a person changed is there, as the value or as an overruled one; and all devices see the same.
void DaemonsWorld::check_edits() {
  for (const Edit& edit : around_.edits) {
    const ModelDatabase* database = cloud_.find(edit.database);
    const auto found = database->docs().find(edit.id);
    if (edit.superseded || is_name_of_several(edit) || found == database->docs().end() || !found->second.tree.has(*RevId::parse(edit.rev))) continue;
    const auto doc = database->read(edit.id);
    if (!doc || json::serialize(*doc).find(edit.value) == std::string::npos)
      scheduler_.fail("invariant 8: " + edit.value + " of " + edit.id + " is lost: " + (doc ? json::serialize(*doc) : "deleted"));
  }
  for (auto& device : devices_) {
    if (!device->is_active() || status_of(device->cloud(), device->control()) != 200) continue;
    Database mine = device->local();
    for (const auto& [id, tree] : cloud_.find(device->control())->docs()) {
      if (id.starts_with("_design/")) continue;
      const auto here = mine.get(id);
      const auto there = cloud_.find(device->control())->read(id);
      if (here.has_value() != there.has_value() || (here && doc_rev(*here) != doc_rev(*there)))
        scheduler_.fail("invariant 8: " + device->name() + " sees " + id + " otherwise than the server");
    }
  }
}

}  // namespace channels::simulation
