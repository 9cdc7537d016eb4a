#include "workflows/group.h"

#include <optional>

#include "mail/text.h"
#include "provision/channel_id.h"
#include "workflows/audit.h"
#include "workflows/channel_claims.h"
#include "workflows/fault.h"
#include "workflows/group_sharing.h"
#include "workflows/groups.h"
#include "workflows/introductions.h"
#include "workflows/members.h"

namespace channels {

namespace {

constexpr std::size_t longest_group_name = 200;

bool is_group_name(std::string_view name) {
  return !single_line(name).empty() && code_points(name).size() <= longest_group_name;
}

std::optional<Fault> fault_of_group(const Document& doc) {
  if (!is_channel_id(doc_id(doc))) return Fault{"bad_id", "A group's id has 16 to 64 characters of a-z, 0-9 and \"-\"."};
  if (!is_group_name(string_or(doc, "name", ""))) return Fault{"no_name", "A group needs a name of 1 to 200 characters."};
  return std::nullopt;
}

// The group's record, if the user is or was one of it.
std::optional<Document> group_of(Services& services, const std::string& id, const std::string& user) {
  auto record = services.registry.get(channel_record_id(id));
  if (!record || !is_group(*record) || access_of(*record, user).empty()) return std::nullopt;
  return record;
}

// An owner's new name; what is only an old copy's, or another member's, is put right.
Document take_group_name(Services& services, const Document& record, const Document& doc, const std::string& user) {
  const std::string name = string_or(doc, "name", "");
  const bool is_new = name != string_or(record, "name", "") && string_or(doc, "named", "") == string_or(record, "name", "");
  if (!is_new || access_of(record, user) != access_owner || !is_group_name(name)) {
    finish_naming_group(services, record);
    return record;
  }
  const Document named = services.registry.update(record, [&](Document& current) {
    if (string_or(current, "name", "") != string_or(record, "name", "")) return false;
    current["name"] = name;
    note_audit(current, {"group renamed", user, {{"channel", channel_id_of(current)}}}, services.env.wall_now());
    current["introduce"] = true;
    current["members_changed"] = format_time(services.env.wall_now());  // the hourly look finishes it
    return true;
  });
  finish_naming_group(services, named);
  return named;
}

}  // namespace

Outcome make_group(Services& services, Run& run, const Document& doc) {
  const std::string user = services.user_of(run.database);
  if (const auto record = group_of(services, doc_id(doc), user)) {
    // The run that made it may have been cut off. Once others came in, all is done.
    if (!record->contains("members")) share_group_with(services, *record, user);
    return mend_group(services, run, doc);
  }
  if (const auto fault = fault_of_group(doc)) return Save{in_error(doc, fault->error, fault->reason)};
  Document wish{{"_id", channel_record_id(doc_id(doc))},
                {"type", "group"},
                {"state", "ready"},
                {"user", user},
                {"name", string_or(doc, "name", "")},
                {"created", format_time(services.env.wall_now())}};
  note_audit(wish, {"group made", user, {{"channel", doc_id(doc)}}}, services.env.wall_now());
  const Document record = services.registry.claim(wish);
  if (!is_group(record) || access_of(record, user) != access_owner)
    return Save{in_error(doc, "id_taken", "This id is taken. Make the group under another id.")};
  share_group_with(services, record, user);
  return mend_group(services, run, doc);
}

Outcome mend_group(Services& services, Run& run, const Document& doc) {
  const std::string user = services.user_of(run.database);
  const auto record = group_of(services, doc_id(doc), user);
  if (!record) {
    if (doc_state(doc) == "error") return Keep{};
    return Save{in_error(doc, "unknown_group", "There is no such group for this user: one begins with the state \"new\".")};
  }
  const Document named = take_group_name(services, *record, doc, user);
  Document copy = group_copy(named, Introductions(services).members(named), user, doc);
  if (same_content(copy, doc)) return Keep{};
  return Save{std::move(copy)};
}

}  // namespace channels
