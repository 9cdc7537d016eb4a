// member documents in a control database: what a person wants changed about who is in a channel.
#pragma once

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

// {"type": "member", "state": "change" | "remove" | "hand over" | "leave", "channel": "<channel or group id>", "user": "<user id>"}
// -> {..., "state": "done"}, or `error` with one of no_member, no_owner, bad_access, last_owner. By state:
//
//   change     an owner gives `user` the "access" "owner", "writer" or "reader"
//   remove     an owner puts `user` out; "wipe": true asks his devices to drop their copies
//   hand over  an owner makes `user`, a member, an owner, and becomes one of "access" himself ("writer" if it is not given)
//   leave      the user of this database goes; `user` is not needed
//
// With "group" in place of "user" it is about a group in a channel (group_access.h); `publish` and `unpublish` are about everybody
// (publication.h), `show` is about what the members see of each other (introductions.h). One owner stays always. Safe: the same revision changes the members once, whatever is done after it.
Outcome change_membership(Services& services, Run& run, const Document& doc);

}  // namespace channels
