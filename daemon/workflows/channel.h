// channel documents in a control database: `new` -> a database that its members replicate with -> `ready`, and its ends.
#pragma once

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

// {"_id": "<16 to 64 of a-z, 0-9, ->", "type": "channel", "state": "new", "name", "owner"} -> {..., "state":
// "ready", "database", "syncpoint", "access", "named_by", "members", "member_count"}, or `error` with one of bad_id, no_name, wrong_owner, id_taken, duplicate
// (with `channel`: the first one's id), database_exists. Safe: a run that was cut off anywhere is
// finished by the next.
Outcome make_channel(Services& services, Run& run, const Document& doc);

// `ready`, `archived`, `deleted`, `removed`: what the daemon owns is put right, as sharing.h has it; an owner's new name is carried over. One that the registry
// doesn't know (the cloud was restored from a backup) is made again. Safe.
Outcome mend_channel(Services& services, Run& run, const Document& doc);

// `archive`, `reopen`, `delete`, `undelete`: what an owner wishes is carried out (channel_ends.h), and the document becomes `ready`, `archived` or
// `deleted`, with `error` where it could not be. Safe.
Outcome end_channel(Services& services, Run& run, const Document& doc);

// `error`: stays, unless the registry has this channel as the user's. Then a device wrote that, or a worker of an older version:
// clients would take it for a failure, or join it to another channel. Safe.
Outcome mend_failed_channel(Services& services, Run& run, const Document& doc);

}  // namespace channels
