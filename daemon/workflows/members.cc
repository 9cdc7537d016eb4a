#include "workflows/members.h"

#include <algorithm>

#include "workflows/audit.h"
#include "workflows/channel_claims.h"
#include "workflows/invitation_documents.h"

namespace channels {

namespace {

constexpr std::size_t most_handled = 50;

json::object members_in(const Document& record) {
  if (const json::object* members = get_object(record, "members")) return *members;
  const std::string owner = string_or(record, "user", "");
  if (owner.empty()) return {};
  return {{owner, {{"access", access_owner}, {"since", string_or(record, "created", "")}, {"by", "made"}}}};
}

std::string access_in(const json::value& member) {
  const json::object* entry = member.if_object();
  return entry == nullptr ? "" : string_or(*entry, "access", "");
}

std::string what_it_is(const MemberChange& change, const std::string& access_before) {
  if (!change.what.empty()) return change.what;
  if (change.access == access_none) return change.left ? "member left" : "member removed";
  return is_access(access_before) ? "member access" : "member added";
}

Deed deed_of(const Document& channel_record, const MemberChange& change) {
  Deed deed{what_it_is(change, access_of(channel_record, change.user)),
            change.by.empty() ? std::string(by_daemon) : change.by,
            {{"channel", channel_id_of(channel_record)}, {"user", change.user}}};
  if (is_access(change.access)) deed.about["access"] = change.access;
  if (change.wipe) deed.about["wipe"] = true;
  deed.about["link"] = change.link;
  if (is_invitation_id(change.cause)) deed.about["invitation"] = change.cause;
  return deed;
}

// Who is given the access that he has, has it since he got it, and nothing happened to him.
bool has_it_already(const Document& channel_record, const MemberChange& change) {
  return is_access(change.access) && access_of(channel_record, change.user) == change.access;
}

json::object entry_of(const MemberChange& change, WallTime now) {
  json::object entry{{"access", change.access}, {"since", format_time(now)}, {"by", change.cause}};
  if (change.access != access_none) return entry;
  entry["left"] = change.left;
  entry["wipe"] = change.wipe;
  return entry;
}

}  // namespace

bool is_access(std::string_view access) {
  return access == access_owner || access == access_writer || access == access_reader;
}

std::string access_of(const Document& channel_record, std::string_view user) {
  const json::object* members = get_object(channel_record, "members");
  if (members == nullptr) {
    const std::string owner = string_or(channel_record, "user", "");
    return !owner.empty() && owner == user ? std::string(access_owner) : "";
  }
  const json::value* member = members->if_contains(user);
  return member == nullptr ? "" : access_in(*member);
}

const json::object* member_entry(const Document& channel_record, std::string_view user) {
  const json::object* members = get_object(channel_record, "members");
  return members == nullptr ? nullptr : get_object(*members, user);
}

bool is_member(const Document& channel_record, std::string_view user) {
  return is_access(access_of(channel_record, user));
}

std::vector<std::string> members_with(const Document& channel_record, std::string_view access) {
  std::vector<std::string> users;
  for (const auto& [user, member] : members_in(channel_record)) {
    if (access_in(member) == access) users.emplace_back(user);
  }
  return users;
}

std::vector<std::string> members_of(const Document& channel_record) {
  std::vector<std::string> users;
  for (const std::string_view access : {access_owner, access_writer, access_reader}) {
    const auto more = members_with(channel_record, access);
    users.insert(users.end(), more.begin(), more.end());
  }
  return users;
}

std::vector<std::string> former_members_of(const Document& channel_record) {
  return members_with(channel_record, access_none);
}

bool change_members(Document& channel_record, const std::vector<MemberChange>& changes, WallTime now) {
  if (changes.empty() || was_handled(channel_record, changes.back().cause)) return false;
  json::object members = members_in(channel_record);
  for (const MemberChange& change : changes) {
    if (has_it_already(channel_record, change)) continue;
    note_audit(channel_record, deed_of(channel_record, change), now);
    members[change.user] = entry_of(change, now);
  }
  channel_record["members"] = std::move(members);
  channel_record["members_changed"] = format_time(now);
  note_handled(channel_record, changes.back().cause);
  return true;
}

bool was_handled(const Document& record, const std::string& cause) {
  const json::array* handled = get_array(record, "handled");
  return handled != nullptr && std::find(handled->begin(), handled->end(), json::value(cause)) != handled->end();
}

void note_handled(Document& record, const std::string& cause) {
  json::array handled;
  if (const json::array* before = get_array(record, "handled")) handled = *before;
  handled.emplace_back(cause);
  while (handled.size() > most_handled) handled.erase(handled.begin());
  record["handled"] = std::move(handled);
}

bool was_out_after(const Document& channel_record, std::string_view user, const std::string& time) {
  const json::object members = members_in(channel_record);
  const json::object* entry = get_object(members, user);
  return entry != nullptr && string_or(*entry, "access", "") == access_none && string_or(*entry, "since", "") > time;
}

std::string namer_of(const Document& channel_record) {
  return string_or(channel_record, "named_by", string_or(channel_record, "user", ""));
}

std::string heir_of(const Document& channel_record, std::string_view user) {
  const json::object members = members_in(channel_record);
  const auto joined = [&](const std::string& member) { return string_or(members.at(member).as_object(), "since", ""); };
  for (const std::string_view access : {access_owner, access_writer, access_reader}) {
    std::vector<std::string> users = members_with(channel_record, access);
    std::erase(users, user);
    if (users.empty()) continue;
    return *std::min_element(users.begin(), users.end(), [&](const std::string& left, const std::string& right) {
      return std::pair(joined(left), left) < std::pair(joined(right), right);
    });
  }
  return "";
}

void forget_member(Document& channel_record, std::string_view user, const std::string& heir, WallTime now) {
  json::object members = members_in(channel_record);
  const auto note = [&](std::string_view what, std::string_view whom, std::string_view access) {
    Deed deed{std::string(what), std::string(by_operator), {{"channel", channel_id_of(channel_record)}, {"user", whom}}};
    if (!access.empty()) deed.about["access"] = access;
    note_audit(channel_record, deed, now);
  };
  if (is_member(channel_record, user)) note("member removed", user, "");
  members.erase(user);
  channel_record["members"] = std::move(members);
  if (members_with(channel_record, access_owner).empty()) {
    json::object& entry = channel_record["members"].as_object()[heir].as_object();
    entry["access"] = access_owner;
    entry["since"] = format_time(now);
    note("member handed over", heir, access_owner);
  }
  for (const char* key : {"user", "named_by", "renaming_of"}) {
    if (string_or(channel_record, key, "") == user) channel_record[key] = heir;
  }
  channel_record["members_changed"] = format_time(now);
}

json::array shown_members(const Document& channel_record, std::size_t most) {
  json::array shown;
  for (const std::string& user : members_of(channel_record)) {
    if (shown.size() == most) break;
    shown.push_back(json::object{{"user", user}, {"access", access_of(channel_record, user)}});
  }
  return shown;
}

}  // namespace channels
