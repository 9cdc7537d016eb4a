// Public channels, where the operator has switched a directory on ([channels] directory_db): an owner publishes a channel, every device of
// the server may read it, and whoever follows it has it on all his devices. Followers are no members: they are in no list, and nothing
// that happens to the members is written into their databases.
//
//   channel's record   "public": true | false    once it was published
//   "follower-<digest>"  {"type": "follower", "state": "following" | "ended", "channel", "user"}   in the registry
//   in the directory     {"_id": "<channel id>", "type": "listing", "state": "public", "name", "database", "syncpoint"}
#pragma once

#include <string>

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

bool is_public(const Document& channel_record);
// It is, or was: there may be followers.
bool was_published(const Document& channel_record);

// What every device logs in with besides its user's role, where there is a directory.
std::string everybody_role();

// "following", "ended", or "" where he never followed it.
std::string follower_state(Services& services, const Document& channel_record, std::string_view user);

// {"type": "member", "state": "publish" | "unpublish", "channel"} -> {..., "state": "done"}, or `error` with one of no_directory,
// no_member, no_owner, bad_wish. `record`: what the registry has under the channel's id. Safe.
Outcome change_publication(Services& services, Run& run, const Document& doc, const Document& record);

// A public channel comes into a user's control database, or goes out of it.
void follow(Services& services, const Document& channel_record, const std::string& user);
void unfollow(Services& services, const Document& channel_record, const std::string& user);

// The directory and the followers' documents, as the record now is: after it was published, renamed, or ended.
void show_publicly(Services& services, const Document& channel_record);

// Devices that became active while there was no directory get the role for everybody, once. Called hourly.
void open_directory(Services& services);

}  // namespace channels
