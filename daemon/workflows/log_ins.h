// Log-ins after CouchDB's _users alone was put back from a backup: it knows devices that were revoked meanwhile, and roles of groups
// that their users are out of. Called hourly (clean_up.h), where it costs two small reads and writes.
//
// A counter is kept in _users and in the registry; where the two differ, one of the databases is an older copy:
//
//   _users    {"_id": "_local/<registry's name>", "counter": 17}
//   registry  {"_id": "log-ins", "type": "log-ins", "counter": 17}
#pragma once

#include "workflows/services.h"

namespace channels {

// Where they differ: locks out again who was revoked, and gives the others the roles that they have. Nobody can bring back a
// log-in that the copy doesn't know. A copy that is younger than the last hour is not told from the database that it was made of.
void mend_log_ins(Services& services);

}  // namespace channels
