// Plain CouchDB replication between two databases, as any device or PouchDB does it: what the source has and the target
// lacks, with all leaves and their history. Devices of the simulation call it; the tests hold it to a live server too.
#pragma once

#include <string>
#include <vector>

#include "couch/database.h"

namespace channels::simulation {

struct ReplicationResult {
  int written = 0;  // revisions
  int refused = 0;  // by the target's validation; a replicator never offers them again
};

// `ids`: only these documents, null for all. From the beginning each time, no checkpoint; throws as Server does.
ReplicationResult replicate(Database& source, Database& target, const std::vector<std::string>* ids = nullptr);

}  // namespace channels::simulation
