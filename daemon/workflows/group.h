// group documents in control databases: a group of people that have many channels together (groups.h).
#pragma once

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

// {"_id": "<group id>", "type": "group", "state": "new", "name"} -> {..., "state": "ready", "access": "owner",
// "members": [{"user", "access"}], "member_count"}, or `error` with one of bad_id, no_name, id_taken. Safe.
Outcome make_group(Services& services, Run& run, const Document& doc);

// All other states: the document says what the record does. An owner's other "name" is taken into the record, and shown to all. Safe.
Outcome mend_group(Services& services, Run& run, const Document& doc);

}  // namespace channels
