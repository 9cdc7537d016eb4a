// Plain CouchDB replication between two databases, as any device or PouchDB does it: what the source has and the target
// lacks, with all leaves and their history. Devices of the simulation call it; the tests hold it to a live server too.
#pragma once

#include <string>
#include <vector>

#include "couch/database.h"

namespace channels::simulation {

// What to take over.
struct Replicate {
  std::string since = "0";                      // the source's last_seq of the time before; a replicator's checkpoint
  const std::vector<std::string>* ids = nullptr;  // only these documents; null for all
  bool design_docs = true;
};

struct ReplicationResult {
  int written = 0;                   // revisions
  std::vector<std::string> refused;  // ids, by the target's validation; a replicator never offers them again
  std::string last_seq;              // where the next one starts
};

// Throws as Server does: then it is to be done again from the same seq.
ReplicationResult replicate(Database& source, Database& target, const Replicate& what = {});

}  // namespace channels::simulation
