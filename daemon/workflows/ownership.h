// Which databases are ours: those that the registry knows, whatever others are named. The engine asks before it
// follows one that became active.
#pragma once

#include "engine/rules.h"
#include "workflows/services.h"

namespace channels {

// False: the database only has a name like ours. True: it is ours, and has its design document in this
// program's version (one that slept through an upgrade gets it now).
bool prepare_database(Services& services, Kind kind, Database& database);

}  // namespace channels
