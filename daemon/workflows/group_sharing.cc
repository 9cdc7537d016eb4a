#include "workflows/group_sharing.h"

#include <set>
#include <vector>

#include "base/errors.h"
#include "base/mutation.h"
#include "provision/users.h"
#include "workflows/channel_claims.h"
#include "workflows/groups.h"
#include "workflows/introductions.h"
#include "workflows/members.h"
#include "workflows/publication.h"
#include "workflows/sharing.h"

namespace channels {

namespace {

constexpr int most_tries_a_group = 10;
constexpr std::size_t records_a_page = 500;
// Shown at once; the hourly look (clean_up.cc) does the others: a person's other documents don't wait for it.
constexpr std::size_t most_shown_at_once = 50;

std::set<std::string> whom_it_changed(const Document& group, const std::string& cause) {
  std::set<std::string> users;
  const json::object* members = get_object(group, "members");
  if (members == nullptr) return {string_or(group, "user", "")};
  for (const auto& [user, member] : *members) {
    const json::object* entry = member.if_object();
    if (entry != nullptr && (cause.empty() || string_or(*entry, "by", "") == cause)) users.emplace(user);
  }
  return users;
}

std::vector<Document> channels_of_group(Services& services, const std::string& group_id) {
  std::vector<Document> records;
  for (std::size_t at = 0;;) {
    const auto rows = services.registry.database().view(
        "channels_by_group",
        {{"key", group_id}, {"include_docs", true}, {"limit", records_a_page}, {"skip", at}});
    at += rows.size();
    for (const json::object& row : rows) {
      const json::object* doc = get_object(row, "doc");
      if (doc != nullptr) records.push_back(*doc);
    }
    if (rows.size() < records_a_page) return records;
  }
}

// Whoever has written roles reads the groups and the devices again, and goes on until both are what he wrote from: the last writer
// always wrote the newest.
void set_roles(Services& services, const std::string& user, const std::string& group_id) {
  if (mutant("roles-forgotten")) return;
  json::array roles = roles_of_user(services, user, group_id);
  std::vector<std::string> devices = services.registry.devices_of(user, "active");
  for (int tries = 0; tries < most_tries_a_group; ++tries) {
    for (const std::string& device : devices) put_roles(services.server, device, roles);
    json::array roles_now = roles_of_user(services, user, group_id);
    std::vector<std::string> devices_now = services.registry.devices_of(user, "active");
    if (roles_now == roles && devices_now == devices) return;
    roles = std::move(roles_now);
    devices = std::move(devices_now);
  }
  throw Unavailable("the groups of a user change all the time");
}

// Where its name is seen by people who aren't in it.
std::vector<Document> channels_that_name(Services& services, const std::string& group_id) {
  std::vector<Document> records = channels_of_group(services, group_id);
  std::erase_if(records, [&](const Document& record) {
    return shown_of_members(record).empty() || !is_access(group_access(record, group_id));
  });
  return records;
}

void show_group_to(Services& services, const Document& group, const json::array& members, const std::string& user) {
  Database control(services.server, services.control_database(user));
  for (int tries = 0; tries < most_tries_a_group; ++tries) {
    const auto found = control.get(channel_id_of(group));
    if (found && doc_type(*found) != "group") return;  // his own document under that id stays
    if (!found && !is_member(group, user)) return;
    const Document copy = group_copy(group, members, user, found.value_or(Document{{"_id", channel_id_of(group)}}));
    if ((found && same_content(copy, *found)) || control.save(copy).ok()) return;
  }
  throw Unavailable("a group's document in a control database changes all the time");
}

// Somebody whose control database is gone has nobody to be shown anything.
template <typename Work>
void unless_gone(const Work& work) {
  try {
    work();
  } catch (const Refused& refused) {
    if (refused.status != 404) throw;
  }
}

}  // namespace

void show_anew(Services& services, const std::vector<Document>& known) {
  const std::string now = format_time(services.env.wall_now());
  std::size_t shown = 0;
  for (const Document& old : known) {
    const Document record = services.registry.update(old, [&](Document& current) {
      current["members_changed"] = now;
      return true;
    });
    if (++shown > most_shown_at_once) continue;
    unless_gone([&] { is_group(record) ? show_group(services, record) : share_out(services, record); });
  }
}

void finish_naming_group(Services& services, const Document& group_record) {
  if (!group_record.contains("introduce")) return;
  show_group(services, group_record);
  show_anew(services, channels_that_name(services, channel_id_of(group_record)));
  services.registry.update(group_record, [&](Document& current) {
    if (string_or(current, "name", "") != string_or(group_record, "name", "")) return false;  // a later name's run does so
    return current.erase("introduce") > 0;
  });
}

void share_group(Services& services, const Document& group_record, const std::string& cause) {
  const std::string id = channel_id_of(group_record);
  const std::set<std::string> changed = whom_it_changed(group_record, cause);
  for (const std::string& user : changed) set_roles(services, user, id);
  const auto channels = channels_of_group(services, id);
  for (const std::string& user : changed)
    unless_gone([&] { show_channels(services, user, channels); });
  show_group(services, group_record);
  finish_naming_group(services, group_record);
}

void share_group_with(Services& services, const Document& group_record, const std::string& user) {
  const std::string id = channel_id_of(group_record);
  set_roles(services, user, id);
  const json::array members = Introductions(services).members(group_record);
  unless_gone([&] {
    show_channels(services, user, channels_of_group(services, id));
    show_group_to(services, group_record, members, user);
  });
}

void show_group(Services& services, const Document& group_record) {
  const json::array members = Introductions(services).members(group_record);
  for (const std::string& user : members_of(group_record))
    unless_gone([&] { show_group_to(services, group_record, members, user); });
  for (const std::string& user : former_members_of(group_record))
    unless_gone([&] { show_group_to(services, group_record, members, user); });
}

Document group_copy(const Document& group_record, const json::array& members, const std::string& user, Document existing) {
  Document copy = std::move(existing);
  const std::string access = access_of(group_record, user);
  for (const char* key : {"access", "members", "member_count", "shows", "left", "wipe", "error"}) copy.erase(key);
  copy["type"] = "group";
  if (!is_access(access)) {
    const json::object* entry = member_entry(group_record, user);
    copy["state"] = "removed";  // who is out learns no later name
    copy["left"] = entry != nullptr && is_true(*entry, "left");
    copy["wipe"] = entry != nullptr && is_true(*entry, "wipe");
    return copy;
  }
  copy["state"] = "ready";
  copy["name"] = string_or(group_record, "name", "");
  copy["named"] = string_or(group_record, "name", "");
  copy["access"] = access;
  copy["members"] = members;
  copy["member_count"] = members_of(group_record).size();
  if (const std::string shows = shown_of_members(group_record); !shows.empty()) copy["shows"] = shows;
  return copy;
}

json::array own_roles(const Services& services, const std::string& user) {
  json::array roles{role_of(user)};
  if (!services.options.directory_db.empty()) roles.emplace_back(everybody_role());
  return roles;
}

json::array roles_of_user(Services& services, const std::string& user, const std::string& group_id) {
  std::set<std::string> groups;
  if (!group_id.empty()) groups.insert(channel_record_id(group_id));
  for (const json::object& row : services.registry.database().view("groups_by_user", {{"key", user}}))
    groups.insert(string_or(row, "id", ""));
  json::array roles = own_roles(services, user);
  // A view is answered by one copy of a cluster's three, which may be behind: it only says which groups to ask for.
  for (const std::string& id : groups) {
    const auto group = services.registry.get(id);
    if (!group || !is_group(*group)) continue;
    for (const std::string& role : roles_in_group(channel_id_of(*group), access_of(*group, user))) roles.emplace_back(role);
  }
  return roles;
}

void put_current_roles(Services& services, const std::string& device_id, const std::string& user) {
  json::array roles = roles_of_user(services, user);
  for (int tries = 0; tries < most_tries_a_group; ++tries) {
    put_roles(services.server, device_id, roles);
    json::array now = roles_of_user(services, user);
    if (now == roles) return;
    roles = std::move(now);
  }
  throw Unavailable("the groups of a user change all the time");
}

void put_device_user(Services& services, const std::string& device_id, const std::string& user,
                     const json::object& credential) {
  put_user(services.server, user_doc(device_id, roles_of_user(services, user), credential));
  put_current_roles(services, device_id, user);
}

}  // namespace channels
