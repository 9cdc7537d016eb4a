// CouchDB's replication as a device does it: everything that one database has and the other lacks, revision by
// revision, with new_edits=false. Design documents stay where they are.
#pragma once

#include <string>
#include <vector>

#include "couch/database.h"

namespace channels::simulation {

struct Replicated {
  std::string last_seq;  // where the next one starts
  int written = 0;
  // What the target's validation refused; a replicator never offers it again.
  std::vector<std::string> refused;
};

// From `since` on; only these ids unless empty. Throws as requests do: then it is to be done again.
Replicated replicate(Database& source, Database& target, const std::string& since,
                     const std::vector<std::string>& ids = {});

}  // namespace channels::simulation
