// Scenario "daemons", channels with several people: at the end each channel's _security and all that its members see say what
// the registry says, and nobody else is in.
#include <map>
#include <set>

#include "simulation/devices/daemons_world.h"
#include "simulation/devices/names.h"
#include "workflows/channel_claims.h"
#include "workflows/channel_ends.h"
#include "workflows/groups.h"
#include "workflows/introductions.h"
#include "workflows/invitation_documents.h"
#include "workflows/members.h"
#include "workflows/registry.h"
#include "workflows/sharing.h"

namespace channels::simulation {

namespace {


using Roles = std::set<std::string>;

Roles roles_in(const json::object& security, std::string_view part, std::string_view key) {
  Roles roles;
  const json::object* section = get_object(security, part);
  const json::array* listed = section == nullptr ? nullptr : get_array(*section, key);
  if (listed == nullptr) return roles;
  for (const json::value& role : *listed) {
    if (const json::string* text = role.if_string()) roles.emplace(*text);
  }
  return roles;
}

Roles roles_of(const std::vector<std::string>& users) {
  Roles roles;
  for (const std::string& user : users) roles.insert("user:" + user);
  return roles;
}

// Of all members, or with `reading` of those who only read.
Roles with_groups(Roles roles, const Document& channel, bool reading) {
  for (const std::string& id : groups_of(channel)) {
    const std::string its = group_access(channel, id);
    if (!is_access(its)) continue;
    roles.insert(group_reader_role(id));
    if (!reading || its == access_reader) roles.insert(group_role(id));
  }
  return roles;
}

// Why this member's copy is not what the record says; "" if it is.
std::string wrong_in_copy(const std::optional<Document>& copy, const Document& record, const json::array& members,
                          const json::array& groups, const std::string& user, const std::string& access) {
  const std::string state = copy && doc_type(*copy) == "channel" ? doc_state(*copy) : "absent";
  if (!is_access(access)) return state == "ready" ? "shows a channel of which " + user + " is no member" : "";
  const std::string right = shown_channel_state(record, access);
  if (state != right) return "is " + state + " and not " + right;
  if (string_or(*copy, "shows", "") != shown_of_members(record)) return "says that it shows something else";
  if (string_or(*copy, "access", "") != access) return "says another access";
  const json::array* shown = get_array(*copy, "members");
  if (shown == nullptr || *shown != members) return "says other members";
  if (int_or(*copy, "member_count", -1) != static_cast<std::int64_t>(members.size())) return "says another number of members";
  const json::array* shown_of_groups = get_array(*copy, "groups");
  return (shown_of_groups == nullptr ? json::array() : *shown_of_groups) == groups ? "" : "says other groups";
}

}  // namespace

// A late writer of an older _security is found by the hourly look only.
std::string DaemonsWorld::unsettled_sharing() {
  for (const auto& [id, doc] : cloud_.find(registry)->docs()) {
    const auto each = record(id);
    if (!each || (doc_state(*each) != "ready" && doc_state(*each) != "deleted")) continue;
    if (doc_type(*each) == "group") {
      if (auto left = unsettled_group(*each); !left.empty()) return left;
    }
    if (doc_type(*each) != "channel") continue;
    if (auto left = unsettled_channel(*each); !left.empty()) return left;
  }
  return unsettled_roles();
}

// By himself or through groups.
std::string DaemonsWorld::access_in(const Document& channel, const std::string& user) {
  std::string best = access_of(channel, user);
  for (const std::string& id : groups_of(channel)) {
    const auto group = record(channel_record_id(id));
    if (group) best = higher_access(best, access_through(group_access(channel, id), access_of(*group, user)));
  }
  return best;
}

// By ids, and as far as an owner said so by the names and addresses that the registry has.
json::array DaemonsWorld::members_as_shown(const Document& shared) {
  json::array members = shown_members(shared, 200);
  const std::string shows = shown_of_members(shared);
  if (shows.empty()) return members;
  for (json::value& each : members) {
    json::object& member = each.as_object();
    const auto user = record("user-" + string_or(member, "user", ""));
    if (!user) continue;
    if (const std::string name = string_or(*user, "name", ""); !name.empty()) member["name"] = name;
    const auto address = record(address_record_id(string_or(*user, "address", "")));
    if (shows == "addresses" && address) member["address"] = string_or(*address, "address", "");
  }
  return members;
}

json::array DaemonsWorld::groups_as_shown(const Document& channel) {
  json::array groups = shown_groups(channel);
  for (json::value& each : groups) {
    json::object& entry = each.as_object();
    const auto group = record(channel_record_id(string_or(entry, "group", "")));
    if (group && !shown_of_members(channel).empty()) entry["name"] = string_or(*group, "name", "");
  }
  return groups;
}

std::string DaemonsWorld::unsettled_group(const Document& group) {
  const std::string id = channel_id_of(group);
  const json::array wanted = members_as_shown(group);
  for (const std::string& user : members_of(group)) {
    const auto copy = cloud_.find("control-" + user)->read(id);
    const json::array* members = copy ? get_array(*copy, "members") : nullptr;
    if (members == nullptr || *members != wanted) return "the copy of group " + id + " of " + user;
  }
  for (const std::string& user : former_members_of(group)) {
    const auto copy = cloud_.find("control-" + user)->read(id);
    if (copy && doc_state(*copy) != "removed") return "the copy of group " + id + " of " + user + ", who is out";
  }
  return "";
}

// What active devices log in with.
std::string DaemonsWorld::unsettled_roles() {
  std::map<std::string, Roles> wanted;  // by user
  for (const auto& [id, doc] : cloud_.find(registry)->docs()) {
    const auto group = record(id);
    if (!group || !is_group(*group)) continue;
    for (const std::string& user : members_of(*group)) {
      for (const std::string& role : roles_in_group(channel_id_of(*group), access_of(*group, user))) wanted[user].insert(role);
    }
  }
  for (const auto& device : devices_) {
    const auto user = cloud_.find("_users")->read("org.couchdb.user:device-" + device->id());
    if (!user || device->control().empty()) continue;
    const std::string user_id = device->control().substr(std::string_view("control-").size());
    Roles all = wanted[user_id];
    all.insert("user:" + user_id);
    if (roles_in({{"log-in", *user}}, "log-in", "roles") != all) return "the roles of " + device->name();
  }
  return "";
}

std::string DaemonsWorld::unsettled_channel(const Document& channel) {
  const std::string id = channel_id_of(channel);
  const ModelDatabase* database = cloud_.find("channel-" + id);
  if (database == nullptr) return "the database of channel " + id;
  const json::object& security = database->security();
  if (is_ended(channel)) {
    if (roles_in(security, "members", "roles") != Roles{"_admin"}) return "_security of channel " + id + ", which is deleted";
    return unsettled_copies(channel);
  }
  if (roles_in(security, "members", "roles") != with_groups(roles_of(members_of(channel)), channel, false))
    return "_security of channel " + id + ": its members";
  if (roles_in(security, "channels", "owners") != roles_of(members_with(channel, access_owner)))
    return "_security of channel " + id + ": its owners";
  if (roles_in(security, "channels", "readers") != with_groups(roles_of(members_with(channel, access_reader)), channel, true))
    return "_security of channel " + id + ": its readers";
  const json::object* channels = get_object(security, "channels");
  if ((channels != nullptr && is_true(*channels, "archived")) != is_archived(channel))
    return "_security of channel " + id + ": whether it is archived";
  return unsettled_copies(channel);
}

std::string DaemonsWorld::unsettled_copies(const Document& channel) {
  const std::string id = channel_id_of(channel);
  const json::array members = members_as_shown(channel);
  const json::array groups = groups_as_shown(channel);
  for (const auto& [name, control] : cloud_.databases()) {
    if (!name.starts_with("control-")) continue;
    const std::string user = name.substr(std::string_view("control-").size());
    if (const auto wrong = wrong_in_copy(control->read(id), channel, members, groups, user, access_in(channel, user)); !wrong.empty())
      return "channel " + id + " in " + name + ", which " + wrong;
  }
  return "";
}

// The inviter and the invitee are told the same end.
void DaemonsWorld::check_invitations() {
  for (const auto& [id, doc] : cloud_.find(registry)->docs()) {
    const auto invitation = record(id);
    if (!invitation || doc_type(*invitation) != "invitation") continue;
    const ModelDatabase* inviters = cloud_.find("control-" + string_or(*invitation, "user", ""));
    const auto his = inviters == nullptr ? std::nullopt : inviters->read(string_or(*invitation, "document", ""));
    const std::string state = shown_state(*invitation);
    if (his && doc_state(*his) != state) scheduler_.fail("the inviter's " + doc_id(*his) + " is not " + state);
    for (const auto& [name, control] : cloud_.databases()) {
      const auto copy = name.starts_with("control-") ? control->read(id) : std::nullopt;
      if (copy && doc_state(*copy) != (state == "sent" ? "received" : state))
        scheduler_.fail("the invitee's " + id + " is " + doc_state(*copy) + " and not " + state);
    }
  }
}

// One owner always; and no link let in more than it may.
void DaemonsWorld::check_memberships() {
  for (const auto& [id, doc] : cloud_.find(registry)->docs()) {
    const auto each = record(id);
    if (!each) continue;
    if ((doc_type(*each) == "channel" || is_group(*each)) && doc_state(*each) == "ready" && members_with(*each, access_owner).empty())
      scheduler_.fail(id + " has no owner");
    if (doc_type(*each) != "link") continue;
    const json::array* taken = get_array(*each, "taken");
    if (taken != nullptr && static_cast<std::int64_t>(taken->size()) > int_or(*each, "uses", 0))
      scheduler_.fail(id + " let in more than it may");
  }
}

}  // namespace channels::simulation
