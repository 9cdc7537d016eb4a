// A person's profile: what he calls himself, one document for all his devices. Members of his channels are shown the name where an owner
// allowed that (introductions.h). Nobody checks it: two people may have one name, and only a user id or an address is somebody's own.
#pragma once

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

// {"_id": "profile", "type": "profile", "state": "new" | "ready", "name": "Alice"[, "named"]}
// -> {..., "state": "ready", "named": the name as the daemon wrote it last}, or `error` with bad_id or bad_name. A name has at most 100
// characters; without one the person has none; more than ten an hour wait. What isn't new but an old copy's is put right. Safe.
Outcome take_profile(Services& services, Run& run, const Document& doc);

}  // namespace channels
