// This machine's `_replicator` database and scheduler, and the local databases that replications
// fill. Called by device_sync.h and by `status`. Each may throw as a request does.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "device_role/replications.h"

namespace channels {

// How CouchDB's scheduler says that a replication stands.
struct ReplicationState {
  std::string state;   // running, pending, crashing, failed, ...
  std::string reason;  // of what does not run
  std::int64_t written = 0;
  std::int64_t refused = 0;   // documents that the target's validation did not take
  std::int64_t pending = -1;  // changes that wait; -1: unknown
  std::string reached{};      // the source's seq of its checkpoint; "": unknown
  std::string job{};          // CouchDB's id of it, which its checkpoints have
  std::string since{};        // when it last began, or failed, in CouchDB's words

  // CouchDB gave it up, or tries it again later and later (up to hours).
  bool is_down() const {
    return state == "crashing" || state == "failed" || state == "error" || state == "completed";
  }
};

// By the _id of the replication's document.
std::map<std::string, ReplicationState> replication_states(Server& server);
// Whether CouchDB runs a job of ours, also one whose document is gone already.
bool replications_run(Server& server);
// Every document in that range of ids, page by page.
void each_document(Database database, const std::string& first, const std::string& last,
                   const std::function<void(Document&)>& take);
// Ours, by their ids.
std::vector<Document> replication_documents(const DeviceServices& services);
// The documents of types subscription and channel in the local control database; none where there is
// no such database.
std::vector<Document> channel_documents_in(Server& server, const std::string& control);
// Of those documents the ids of all channels of which this machine may have a database, whatever
// their state.
std::vector<std::string> channels_in(Server& server, const std::string& control);

// The log-in by which replications write to this machine's databases: a document in the local
// `_users`, written over whatever is there (the name is public).
void ensure_local_account(const DeviceServices& services, const Document& pairing);
// A local database, open to that account, and to local log-ins with the role user:<user id>.
void ensure_local_database(const DeviceServices& services, const std::string& name,
                           const std::string& user);
// Which of these databases are not there.
std::vector<std::string> missing_databases(Server& server, const std::vector<std::string>& names);

}  // namespace channels
