// The handshake forgets: run hourly by app. docs/security.md states what is gone when.
#pragma once

#include "workflows/services.h"

namespace channels {

// Writes entries of the audit that were left in records, purges finished confirms and rotates, ended registrations and strangers'
// branches from the handshake, reduces ended registrations in the registry to bare digests, drops old leases, invitations and links, removes
// deleted channels whose time is over, looks after members and log-ins, compacts. Bounded in work; what is left waits for the next call. Safe to repeat, also by several workers. Throws as requests do.
void clean_up(Services& services);

}  // namespace channels
