// member documents about a group: which channels it has.
#pragma once

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

// {"type": "member", "state": "change" | "remove", "channel": "<channel id>", "group": "<group id>", "access": "writer" | "reader"}
// -> {..., "state": "done"}, or `error` with one of no_member, no_owner, bad_access, bad_wish, too_many. `change` gives the channel to the group, and is
// for who owns both: else anybody could put channels on the devices of people whose group he knows. `remove` takes it away, by an
// owner of either. `channel`, `group`: the records of these ids, of whatever type. Safe: the same revision does so once.
Outcome change_group_access(Services& services, Run& run, const Document& doc, const Document& channel, const Document& group);

}  // namespace channels
