#include "calls/why_facts.h"

#include <algorithm>
#include <map>

#include "base/errors.h"
#include "device_role/device_mark.h"
#include "device_role/replicator.h"
#include "provision/channel_id.h"
#include "provision/users.h"
#include "workflows/device_documents.h"
#include "workflows/registry.h"

namespace channels {

namespace {

std::string reason_of(const Document& doc) {
  const json::object* error = get_object(doc, "error");
  return error == nullptr ? "" : string_or(*error, "reason", "");
}

DeviceFacts::LogIn log_in_of(const DeviceFacts& device, const std::optional<Document>& user) {
  if (!user) return DeviceFacts::LogIn::missing;
  // What CouchDB makes at a log-in has its own salt and many rounds; the daemon sets one round.
  if (int_or(*user, "iterations", 0) > 1) return DeviceFacts::LogIn::rehashed;
  const std::string set = string_or(device.record, "log_in_salt", "");
  if (set.empty()) return DeviceFacts::LogIn::unknown;
  return string_or(*user, "salt", "") == set ? DeviceFacts::LogIn::same
                                             : DeviceFacts::LogIn::changed;
}

void read_rotations(Operator& by, DeviceFacts& device) {
  Database handshake(by.server, by.settings.handshake_db);
  const std::string prefix = "rotate-" + device.id + "-";
  device.rotation = int_or(device.record, "rotation", 0);
  const auto docs = handshake.get_many(
      {prefix + std::to_string(device.rotation), prefix + std::to_string(device.rotation + 1)});
  if (docs[0]) device.rotated = string_or(*docs[0], "finished", "");
  if (docs[1] && doc_state(*docs[1]) != "done") device.rotating = doc_state(*docs[1]);
}

// A seq is opaque: only CouchDB can say how many changes come after it. This one is the device's
// word, and may be anything.
std::int64_t changes_after(Database& database, const std::string& seq) {
  try {
    const Changes rest = database.changes(
        {.since = seq, .limit = 1, .include_docs = false, .design_only = false, .stop = {}});
    return static_cast<std::int64_t>(rest.rows.size()) + rest.pending;
  } catch (const Refused&) {
    return -1;
  }
}

// By his own role, a group's, or everybody's.
bool opens_to(const json::object& security, const json::array& roles_of_device) {
  const json::object* members = get_object(security, "members");
  const json::array* roles = members == nullptr ? nullptr : get_array(*members, "roles");
  return roles != nullptr &&
         std::find_first_of(roles->begin(), roles->end(), roles_of_device.begin(), roles_of_device.end()) != roles->end();
}

void look_at(Operator& by, const DeviceFacts& device, FollowedFacts& followed) {
  if (device.mark) {
    const json::object* marks = get_object(*device.mark, "channels");
    const json::object* mark = marks == nullptr ? nullptr : get_object(*marks, followed.channel);
    if (mark != nullptr) followed.mark = *mark;
  }
  Database database(by.server, followed.database);
  followed.is_there = database.exists();
  if (!followed.is_there) return;
  followed.is_open = opens_to(database.security(), device.roles);
  const std::string pulled = string_or(followed.mark, "pulled", "");
  if (!pulled.empty()) followed.behind = changes_after(database, pulled);
}

// By their ids: the channels of which the user's control database has a document or a subscription.
std::map<std::string, FollowedFacts> channels_of(Operator& by, const std::string& user,
                                                 Database& control) {
  std::map<std::string, FollowedFacts> channels;
  each_document(control, "", "\xef\xbf\xb0", [&](Document& doc) {
    const bool is_channel = doc_type(doc) == "channel";
    const std::string id = is_channel ? doc_id(doc) : string_or(doc, "channel", "");
    const bool is_subscription =
        doc_type(doc) == "subscription" && doc_id(doc) == id + "-sub-" + user;
    if (!is_channel_id(id) || (!is_channel && !is_subscription)) return;
    FollowedFacts& facts = channels[id];
    facts.channel = id;
    facts.database = by.settings.channel_prefix + id;
    if (is_subscription) {
      facts.subscription = doc_state(doc);
      if (facts.subscription == "error") facts.made_reason = reason_of(doc);
      return;
    }
    facts.name = string_or(doc, "name", "");
    facts.made = doc_state(doc);
    if (facts.made != "error") return;
    facts.made_reason = reason_of(doc);
    const json::object* error = get_object(doc, "error");
    facts.is_duplicate = error != nullptr && string_or(*error, "error", "") == "duplicate";
  });
  return channels;
}

void follow(Operator& by, DeviceFacts& device, const std::string& channel) {
  Database control(by.server, by.settings.control_prefix + device.user);
  if (control.exists()) device.mark = control.get(device_mark_id(device.id));
  device.followed.push_back({.channel = "",
                             .name = "",
                             .database = control.name(),
                             .made = "ready",
                             .made_reason = "",
                             .subscription = "active",
                             .mark = {}});
  if (control.exists()) {
    for (auto& [id, facts] : channels_of(by, device.user, control)) {
      if (channel.empty() || channel == id || channel == facts.name)
        device.followed.push_back(std::move(facts));
    }
  }
  for (FollowedFacts& followed : device.followed) look_at(by, device, followed);
}

}  // namespace

std::optional<DeviceFacts> facts_of(Operator& by, const std::string& device,
                                    const std::string& channel) {
  if (!is_device_id(device)) return std::nullopt;
  DeviceFacts facts;
  facts.id = device;
  const auto record = Database(by.server, by.settings.registry_db).get(device_record_id(device));
  if (!record) {
    const auto sent = Database(by.server, by.settings.handshake_db).get(device);
    if (!sent) return std::nullopt;
    facts.state = "new";
    return facts;
  }
  facts.record = *record;
  facts.state = doc_state(*record);
  facts.user = string_or(*record, "user", "");
  facts.name = string_or(*record, "name", "");
  if (facts.state != "active") return facts;
  const auto user = Database(by.server, "_users").get("org.couchdb.user:" + username_of(facts.id));
  facts.log_in = log_in_of(facts, user);
  if (const json::array* roles = user ? get_array(*user, "roles") : nullptr) facts.roles = *roles;
  read_rotations(by, facts);
  follow(by, facts, channel);
  return facts;
}

}  // namespace channels
