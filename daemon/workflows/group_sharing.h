// What follows from a group's record (groups.h): the roles that its members' devices log in with, and what those devices see of the
// group and of its channels. Called by sharing.h and by the workflow of groups; all of it may be repeated.
#pragma once

#include <string>
#include <vector>

#include "workflows/services.h"

namespace channels {

// For those whose membership `cause` changed, or with none for everybody: first the roles, so that who is out is out at once, then the
// channels, some hundred by a request. The group's own document is shown to all members.
void share_group(Services& services, const Document& group_record, const std::string& cause);

// The same for one user alone.
void share_group_with(Services& services, const Document& group_record, const std::string& user);

// The group's document in all its members' databases.
void show_group(Services& services, const Document& group_record);

// These channels and groups show something that their own records don't say, and that is another now (a name): some at once, the others by the
// hourly look.
void show_anew(Services& services, const std::vector<Document>& known);

// What a new name of the group is still to change, if anything: "introduce" is in its record until then. A run that was cut off leaves it to the
// next one, or to the hourly look.
void finish_naming_group(Services& services, const Document& group_record);

// A member's copy of the group's document: {"_id": "<group id>", "type": "group", "state": "ready" | "removed", "name", "access",
// "members", "member_count", "named"[, "shows"][, "left", "wipe"]}; `members` as introductions.h gives them; `named` is the name as the daemon last wrote
// it, by which a person's new one is told from an old copy. Pure.
Document group_copy(const Document& group_record, const json::array& members, const std::string& user, Document existing);

// What each device of a user logs in with, whatever his groups are.
json::array own_roles(const Services& services, const std::string& user);
// The roles of a user's devices: own_roles, and one for each of his groups. Of `group_id` the registry is asked in any case.
json::array roles_of_user(Services& services, const std::string& user, const std::string& group_id = "");

// One device's, as the user's groups are when it returns.
void put_current_roles(Services& services, const std::string& device_id, const std::string& user);

// The _users document of a device that gets its log-in now. Groups that the user comes into or leaves meanwhile count.
void put_device_user(Services& services, const std::string& device_id, const std::string& user,
                     const json::object& credential);

}  // namespace channels
