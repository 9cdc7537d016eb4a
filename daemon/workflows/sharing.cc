#include "workflows/sharing.h"

#include <algorithm>
#include <span>

#include "base/errors.h"
#include "base/mutation.h"
#include "mail/text.h"
#include "provision/databases.h"
#include "provision/design_docs.h"
#include "provision/users.h"
#include "workflows/channel_claims.h"
#include "workflows/channel_ends.h"
#include "workflows/group_sharing.h"
#include "workflows/groups.h"
#include "workflows/members.h"
#include "workflows/publication.h"
#include "workflows/subscription.h"

namespace channels {

namespace {

constexpr int most_tries_at_once = 10;
// Channels whose documents are read and saved at once.
constexpr std::size_t most_in_bulk = 500;

std::vector<std::string> roles_with(const Document& record, std::string_view access) {
  std::vector<std::string> roles;
  for (const std::string& user : members_with(record, access)) roles.push_back(role_of(user));
  return roles;
}

// A group's readers read only, and of a group that reads only everybody does.
void add_groups(const Document& record, Access& access) {
  for (const std::string& id : groups_of(record)) {
    const std::string its = group_access(record, id);
    if (!is_access(its)) continue;
    for (const std::string& role : {group_role(id), group_reader_role(id)}) access.member_roles.push_back(role);
    access.reader_roles.push_back(group_reader_role(id));
    if (its == access_reader) access.reader_roles.push_back(group_role(id));
  }
}

Access access_for(const Document& record) {
  Access access;
  access.archived = is_archived(record);
  access.admins_only = is_ended(record);
  if (access.admins_only) return access;
  for (const std::string& user : members_of(record)) access.member_roles.push_back(role_of(user));
  access.owner_roles = roles_with(record, access_owner);
  access.reader_roles = roles_with(record, access_reader);
  add_groups(record, access);
  if (is_public(record)) {
    access.member_roles.push_back(everybody_role());
    access.reader_roles.push_back(everybody_role());
  }
  return access;
}

bool is_channel(const std::optional<Document>& doc) {
  return doc && doc_type(*doc) == "channel";
}

// His own document under that id stays: whatever it is, it is no copy of ours.
bool may_write(const std::optional<Document>& doc) {
  return !doc || doc_type(*doc) == "channel";
}

// Reads groups and people once, for all whom a channel is shown to.
struct Audience {
  explicit Audience(Services& services) : reach(services), introductions(services) {}
  Reach reach;
  Introductions introductions;
};

// What is to become of what he has of it; nullopt where nothing is. A member's wish is still to be carried out: who does that puts
// the rest right.
std::optional<Document> copy_to_save(Services& services, Introductions& introductions, const Document& record,
                                     const Standing& standing, const std::optional<Document>& found) {
  if (!may_write(found)) return std::nullopt;
  if (!found && !is_access(standing.access)) return std::nullopt;  // he has nothing that could show it
  if (found && is_access(standing.access) && is_end_wish(doc_state(*found))) return std::nullopt;
  const std::string id = channel_id_of(record);
  Document copy = channel_copy(services, introductions, record, standing, found.value_or(Document{{"_id", id}}));
  if (found && same_content(copy, *found)) return std::nullopt;
  return copy;
}

std::optional<Document> subscription_to_save(Services& services, const Document& record, const std::string& user,
                                             const std::string& access, const std::optional<Document>& found) {
  if (!is_access(access)) return unsubscribed(found);
  if (is_ended(record)) return suspended(found);
  return subscribed(services, found, channel_id_of(record), user);
}

void follow_subscription(Services& services, Database& control, const Document& record, const std::string& access) {
  const std::string id = channel_id_of(record);
  if (!is_access(access)) end_subscription(services, control, id);
  else if (is_ended(record)) suspend_subscription(services, control, id);
  else subscribe(services, control, id);
}

void show_to(Services& services, Introductions& introductions, const Document& record, const std::string& user,
             const Standing& standing) {
  Database control(services.server, services.control_database(user));
  const std::string id = channel_id_of(record);
  for (int tries = 0; tries < most_tries_at_once; ++tries) {
    const auto found = control.get(id);
    if (!may_write(found) || (!found && !is_access(standing.access))) return;
    const auto copy = copy_to_save(services, introductions, record, standing, found);
    if (copy && !control.save(*copy).ok()) continue;
    return follow_subscription(services, control, record, standing.access);
  }
  throw Unavailable("a channel's document in a control database changes all the time");
}

// In any other state the name is the record's, not a wish of the user's.
bool may_rename(std::string_view state) {
  return state == "ready" || state == "archived" || (is_end_wish(state) && state != "undelete");
}

// A name that a person gave to a channel that was deleted meanwhile: it is not dropped without a word. An older name is none.
std::string name_not_taken(const Document& record, const Document& copy) {
  const std::string name = string_or(copy, "name", "");
  const bool is_wish = is_ended(record) && (may_rename(doc_state(copy)) || doc_state(copy) == "deleted");
  return is_wish && name != string_or(record, "name", "") && name != string_or(record, "renaming", "") ? single_line(name) : "";
}

// Somebody whose control database is gone has nobody to be shown anything.
void show_if_there(Services& services, Introductions& introductions, const Document& record, const std::string& user,
                   const Standing& standing, const std::string& but) {
  try {
    Database control(services.server, services.control_database(user));
    if (user == but) follow_subscription(services, control, record, standing.access);
    else show_to(services, introductions, record, user, standing);
  } catch (const Refused& refused) {
    if (refused.status != 404) throw;
  }
}

// Some of a user's channels, as they are to be in his database.
void show_part(Services& services, Audience& audience, const std::string& user, std::span<const Document> records) {
  Database control(services.server, services.control_database(user));
  std::vector<std::string> ids;
  for (const Document& record : records) {
    ids.push_back(channel_id_of(record));
    ids.push_back(subscription_id(ids.back(), user));
  }
  const auto found = control.get_many(ids);
  std::vector<Document> wanted;
  std::vector<std::size_t> of;  // the record that each is about
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Standing standing = audience.reach.standing(records[i], user);
    const std::optional<Document>& before = found[2 * i + 1];
    const auto add = [&](std::optional<Document> doc) {
      if (doc) wanted.push_back(std::move(*doc)), of.push_back(i);
    };
    add(copy_to_save(services, audience.introductions, records[i], standing, found[2 * i]));
    add(subscription_to_save(services, records[i], user, standing.access, before));
  }
  const auto saved = control.save_all(wanted);
  for (std::size_t i = 0; i < saved.size(); ++i) {
    if (!saved[i].ok()) show_to(services, audience.introductions, records[of[i]], user, audience.reach.standing(records[of[i]], user));
  }
}

}  // namespace

Document open_to_members(Services& services, Document record) {
  Database channel(services.server, services.channel_database(channel_id_of(record)));
  for (int tries = 0; tries < most_tries_at_once; ++tries) {
    // CouchDB takes an empty list for everybody.
    if (members_of(record).empty()) throw Refused(404, "the registry has no members of " + doc_id(record));
    if (is_archived(record)) ensure_design_doc(channel, "channel");  // an older one knows nothing of archives
    ensure_security(channel, access_for(record));
    const Document newest = services.registry.get(doc_id(record)).value_or(Document{});
    if (doc_rev(newest) == doc_rev(record) || mutant("security-unread")) return newest;
    record = newest;
  }
  throw Unavailable("the members of a channel change all the time");
}

void open_new_database(Database& channel, const Document& record) {
  channel.put_security(security_with({}, access_for(record)));
}

void share_out(Services& services, const Document& record, const std::string& cause, const std::string& but) {
  if (is_group(record)) return share_group(services, record, cause);
  const Document newest = open_to_members(services, record);
  if (mutant("copies-forgotten")) return;
  Audience audience(services);
  const auto show = [&](const std::string& user) {
    show_if_there(services, audience.introductions, newest, user, audience.reach.standing(newest, user), but);
  };
  for (const std::string& user : audience.reach.everybody(newest)) show(user);
  for (const std::string& user : audience.reach.former(newest)) show(user);
  show_publicly(services, newest);
}

void show_channels(Services& services, const std::string& user, const std::vector<Document>& channel_records) {
  Audience audience(services);
  const std::span<const Document> all(channel_records);
  for (std::size_t at = 0; at < all.size(); at += most_in_bulk)
    show_part(services, audience, user, all.subspan(at, std::min(most_in_bulk, all.size() - at)));
}

void show_gone(Services& services, const Document& gone, const Document& before, const std::string& but) {
  Introductions nobodys(services);
  for (const std::string& user : Reach(services).everybody(before))
    show_if_there(services, nobodys, gone, user, Standing{std::string(access_none)}, but);
}

std::string shown_channel_state(const Document& channel_record, std::string_view access) {
  if (!is_access(access)) return "removed";
  if (is_ended(channel_record)) return "deleted";
  return is_archived(channel_record) ? "archived" : "ready";
}

Document channel_copy(const Services& services, Introductions& introductions, const Document& channel_record,
                      const Standing& standing, Document existing) {
  const std::string& access = standing.access;
  const std::string id = channel_id_of(channel_record);
  Document copy = std::move(existing);
  copy["type"] = "channel";
  const std::string state = shown_channel_state(channel_record, access);
  // Who is out learns no new name.
  const bool may_be_new = may_rename(doc_state(copy)) && !is_ended(channel_record) && standing.sees_members;
  const std::string not_taken = is_access(access) ? name_not_taken(channel_record, copy) : "";
  if (is_access(access) && (!may_be_new || !copy.contains("name"))) copy["name"] = string_or(channel_record, "name", "");
  for (const char* key : {"channel", "access", "members", "shows", "groups", "public", "named_by", "left", "wipe", "syncpoint", "until"})
    copy.erase(key);
  if (doc_state(copy) != state) copy.erase("error");
  if (!not_taken.empty())
    copy["error"] = {{"error", "deleted"}, {"reason", "This channel is deleted. The name \"" + not_taken + "\" was not taken."}};
  copy["database"] = services.channel_database(id);
  copy["state"] = state;
  if (!is_access(access)) {
    copy.erase("error");
    copy["left"] = standing.left;
    copy["wipe"] = standing.wipe;
    return copy;
  }
  if (state == "deleted") copy["until"] = string_or(channel_record, "until", "");
  else copy["syncpoint"] = services.syncpoint(services.channel_database(id));
  copy["access"] = access;
  copy["named_by"] = namer_of(channel_record);
  if (is_public(channel_record)) copy["public"] = true;
  if (!standing.sees_members) return copy;
  copy["members"] = introductions.members(channel_record);
  if (const std::string shows = shown_of_members(channel_record); !shows.empty()) copy["shows"] = shows;
  if (json::array groups = shown_groups(channel_record); !groups.empty()) copy["groups"] = std::move(groups);
  return copy;
}

Document channel_copy_of(Services& services, const Document& channel_record, const std::string& user, Document existing) {
  Audience audience(services);
  return channel_copy(services, audience.introductions, channel_record, audience.reach.standing(channel_record, user), std::move(existing));
}

void rename_copies(Services& services, const Document& channel_record, const std::string& old_name) {
  for (const std::string& user : Reach(services).everybody(channel_record)) {
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
