// Groups of people that have many channels together, as the registry has them. A group's record is like a channel's, with the
// same members (members.h), but it has no database:
//
//   {"_id": "channel-<group id>", "type": "group", "state": "ready", "user", "name", "members", ...[, "introduce"]}
//
// ("introduce": its new name is still to be shown, group_sharing.h), so that people come into a group by the invitations, links and changes of members by which they come into a channel. A channel's
// record names the groups that have it:
//
//   "groups": {"<group id>": {"access": "writer" | "reader" | "none", "since"[, "wipe"]}}
//
// A group's members log in with its role, and its readers with another one: who joins it comes into all its channels by his devices'
// _users documents, and no _security is touched. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "couch/document.h"

namespace channels {

bool is_group(const Document& record);

// "group:<id>" and "group-reader:<id>".
std::string group_role(std::string_view group_id);
std::string group_reader_role(std::string_view group_id);
// What a user's devices log in with for a group in which he has that access; nothing for "none".
std::vector<std::string> roles_in_group(std::string_view group_id, std::string_view access);

// Those that have the channel, or had it.
std::vector<std::string> groups_of(const Document& channel_record);
// "writer", "reader", "none", or "" where it never had it.
std::string group_access(const Document& channel_record, std::string_view group_id);
// `wipe`, of "none": who took it away wishes that the devices of the group's members drop their copies.
void change_group(Document& channel_record, std::string_view group_id, std::string_view access, bool wipe,
                  const std::string& cause, WallTime now);

// What somebody with `in_group` may do in a channel that the group has as `of_group`.
std::string access_through(std::string_view of_group, std::string_view in_group);
// owner before writer, reader, none and nothing.
std::string higher_access(std::string_view left, std::string_view right);

// [{"group", "access"}] of those that have the channel.
json::array shown_groups(const Document& channel_record);

}  // namespace channels
