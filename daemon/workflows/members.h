// Who is in a channel, and with what access, as the channel's record in the registry has it. The record is the truth; the
// channel's _security and the documents in the members' control databases are copies of it (sharing.h). Pure: who changes it
// does so within Registry::update. Used by the workflows of channels, subscriptions, invitations and members.
//
//   "members": {"<user id>": {"access": "owner" | "writer" | "reader" | "none", "since": TIME, "by": CAUSE[, "left"][, "wipe"]}}
//   "members_changed": TIME    of the last change; until clean_up.cc has looked once more that all copies follow it
//   "named_by": USER           who gave the channel its name: in his namespace it is claimed (channel_claims.h); its maker at first
//   "handled": [CAUSE, ...]   the last causes: a run that was cut off and comes again must not undo what was done since
//
// A record without members (made before there were any) has one: its `user`, an owner. "none": was a member, and his
// devices are told so.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "couch/document.h"

namespace channels {

constexpr std::string_view access_owner = "owner";
constexpr std::string_view access_writer = "writer";
constexpr std::string_view access_reader = "reader";
constexpr std::string_view access_none = "none";

// owner, writer or reader.
bool is_access(std::string_view access);

// "" if he never was a member; "none" if he is none any longer.
std::string access_of(const Document& channel_record, std::string_view user);
// {"access", "since", ...}; null where there is none.
const json::object* member_entry(const Document& channel_record, std::string_view user);
bool is_member(const Document& channel_record, std::string_view user);

// The ids of the users who have the channel.
std::vector<std::string> members_of(const Document& channel_record);
std::vector<std::string> members_with(const Document& channel_record, std::string_view access);
// Who was one, and is no more.
std::vector<std::string> former_members_of(const Document& channel_record);

// One person's new access.
struct MemberChange {
  std::string user;
  std::string access;
  std::string cause;  // the same for every run that wants this change
  bool left = false;  // of "none": he went himself
  bool wipe = false;  // of "none": who removed him wishes that his devices drop their copies
  std::string by = {};    // who wants it, for the audit: a user, or as audit.h has it; nobody named is the daemon
  std::string what = {};  // for the audit, where the access doesn't say it: "member handed over"
  std::string link = {};  // for the audit: the id of the link's record by which he came
};

// Puts all of them into the record at once, and notes each for the audit, but for those that change nothing; false if the last of them was put in before, nothing
// is changed then.
bool change_members(Document& channel_record, const std::vector<MemberChange>& changes, WallTime now);

// A change of that cause is in the record already, or was, and what came after it counts.
bool was_handled(const Document& channel_record, const std::string& cause);
// The same for a change that there was no need of.
void note_handled(Document& channel_record, const std::string& cause);
// He was put out, or left, after that time.
bool was_out_after(const Document& channel_record, std::string_view user, const std::string& time);
std::string namer_of(const Document& channel_record);

// Who has the channel when this user is gone: the owner who is in it longest, else the writer, else the reader. "" if nobody else is in it.
std::string heir_of(const Document& channel_record, std::string_view user);
// Takes the user out of the record as if he had never been in it, by the operator's word. The heir becomes an owner where there is no other, and takes the place of who
// made the channel and who named it.
void forget_member(Document& channel_record, std::string_view user, const std::string& heir, WallTime now);

// [{"user", "access"}], owners first, at most so many: what members are shown of each other.
json::array shown_members(const Document& channel_record, std::size_t most);

}  // namespace channels
