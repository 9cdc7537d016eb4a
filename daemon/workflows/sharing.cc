#include "workflows/sharing.h"

#include "base/errors.h"
#include "provision/databases.h"
#include "provision/users.h"
#include "workflows/channel_claims.h"
#include "workflows/members.h"
#include "workflows/subscription.h"

namespace channels {

namespace {

constexpr int most_tries_at_once = 10;
// A document in a control database is at most 64 kB large.
constexpr std::size_t most_shown = 200;

std::vector<std::string> roles_with(const Document& record, std::string_view access) {
  std::vector<std::string> roles;
  for (const std::string& user : members_with(record, access)) roles.push_back(role_of(user));
  return roles;
}

Access access_for(const Document& record) {
  Access access;
  for (const std::string& user : members_of(record)) access.member_roles.push_back(role_of(user));
  access.owner_roles = roles_with(record, access_owner);
  access.reader_roles = roles_with(record, access_reader);
  return access;
}

bool is_channel(const std::optional<Document>& doc) {
  return doc && doc_type(*doc) == "channel";
}

// His own document under that id stays: whatever it is, it is no copy of ours.
bool may_write(const std::optional<Document>& doc) {
  return !doc || doc_type(*doc) == "channel";
}

void show_to(Services& services, const Document& record, const std::string& user) {
  Database control(services.server, services.control_database(user));
  const std::string id = channel_id_of(record);
  for (int tries = 0; tries < most_tries_at_once; ++tries) {
    const auto found = control.get(id);
    if (!may_write(found)) return;
    if (!found && !is_member(record, user)) return;  // he has nothing that could show it
    const Document copy = channel_copy(services, record, user, found.value_or(Document{{"_id", id}}));
    if ((found && same_content(copy, *found)) || control.save(copy).ok()) {
      if (is_member(record, user)) subscribe(services, control, id);
      else end_subscription(services, control, id);
      return;
    }
  }
  throw Unavailable("a channel's document in a control database changes all the time");
}

// Somebody whose control database is gone has nobody to be shown anything.
void show_if_there(Services& services, const Document& record, const std::string& user) {
  try {
    show_to(services, record, user);
  } catch (const Refused& refused) {
    if (refused.status != 404) throw;
  }
}

}  // namespace

Document open_to_members(Services& services, Document record) {
  Database channel(services.server, services.channel_database(channel_id_of(record)));
  for (int tries = 0; tries < most_tries_at_once; ++tries) {
    // CouchDB takes an empty list for everybody.
    if (members_of(record).empty()) throw Refused(404, "the registry has no members of " + doc_id(record));
    ensure_security(channel, access_for(record));
    const Document newest = services.registry.get(doc_id(record)).value_or(Document{});
    if (doc_rev(newest) == doc_rev(record)) return newest;
    record = newest;
  }
  throw Unavailable("the members of a channel change all the time");
}

void share_out(Services& services, const Document& channel_record) {
  const Document record = open_to_members(services, channel_record);
  for (const std::string& user : members_of(record)) show_if_there(services, record, user);
  for (const std::string& user : former_members_of(record)) show_if_there(services, record, user);
}

Document channel_copy(const Services& services, const Document& channel_record, const std::string& user,
                      Document existing) {
  const std::string id = channel_id_of(channel_record);
  Document copy = std::move(existing);
  copy["type"] = "channel";
  const std::string access = access_of(channel_record, user);
  // Who is out learns no new name.
  if (is_access(access) && (doc_state(copy) != "ready" || !copy.contains("name")))
    copy["name"] = string_or(channel_record, "name", "");
  for (const char* key : {"channel", "access", "members", "named_by", "left", "wipe", "syncpoint"}) copy.erase(key);
  if (doc_state(copy) != "ready") copy.erase("error");
  copy["database"] = services.channel_database(id);
  if (!is_access(access)) {
    copy["state"] = "removed";
    const json::object* members = get_object(channel_record, "members");
    const json::object* entry = members == nullptr ? nullptr : get_object(*members, user);
    copy["left"] = entry != nullptr && is_true(*entry, "left");
    copy["wipe"] = entry != nullptr && is_true(*entry, "wipe");
    return copy;
  }
  copy["state"] = "ready";
  copy["syncpoint"] = services.syncpoint(services.channel_database(id));
  copy["access"] = access;
  copy["named_by"] = namer_of(channel_record);
  copy["members"] = shown_members(channel_record, most_shown);
  return copy;
}

void rename_copies(Services& services, const Document& channel_record, const std::string& old_name) {
  for (const std::string& user : members_of(channel_record)) {
    // Who named it has the name by himself: what stands there may be a newer wish.
    if (user == namer_of(channel_record)) continue;
    Database control(services.server, services.control_database(user));
    for (int tries = 0; tries < most_tries_at_once; ++tries) {
      auto found = control.get(channel_id_of(channel_record));
      if (!is_channel(found) || string_or(*found, "name", "") != old_name) break;
      (*found)["name"] = string_or(channel_record, "name", "");
      (*found)["named_by"] = namer_of(channel_record);  // with the name: devices look for their own by both
      if (control.save(*found).ok()) break;
    }
  }
}

}  // namespace channels
