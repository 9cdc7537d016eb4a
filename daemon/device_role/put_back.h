// Databases that were put back from a backup, here or in the cloud. A continuous replication is one session for as long as CouchDB's job for it runs, and
// where the checkpoints of both sides name the same session, CouchDB goes on from what the source says. A copy of the target that was taken in
// that session and put back names it too, with less: what came in between would never come. So the two checkpoints of each job that begins
// are compared before the job writes its own over them (`[replicator] checkpoint_interval`, 30 s by default); where the target's is behind, the
// replication is ended, its checkpoint here removed, and it is made anew: it then compares everything, and sends only what is missing.
//
// The same is done for a database here that was deleted under its replication and is made anew.
//
// What is under way is in the local registry, so that it is ended after any crash:
//   {"_id": "put-back", "type": "put-back", "checkpoints": {"<_id of a replication>": {"database": <local>, "job": <CouchDB's id of it>}}}
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "device_role/replications.h"
#include "device_role/replicator.h"

namespace channels {

// Of one replication's checkpoints: the target has less than the source says that it sent. Pure.
bool is_put_back(const Document& source, const Document& target);

// Used by device_sync.h's thread.
class PutBack {
 public:
  explicit PutBack(DeviceServices& services) : services_(services) {}

  // Replications that must not be made before their checkpoint is gone. May throw as a request does.
  std::set<std::string> held();
  // These local databases are not there: whatever replication there is of them has to begin anew. Called before they are made. True: there is one.
  bool begin_anew(const Document& pairing, const std::vector<std::string>& databases, const std::map<std::string, ReplicationState>& states);
  // Compares the checkpoints of all jobs that began since the last look, and goes on with what is under way. True: what is wanted in
  // `_replicator` is different now. May throw as a request of this machine does; the cloud is asked again at the next look.
  bool look(const Document& pairing, const std::map<std::string, ReplicationState>& states);

 private:
  bool note_put_back(const Document& pairing, const std::map<std::string, ReplicationState>& states);
  bool end_what_waits(const std::map<std::string, ReplicationState>& states);

  DeviceServices& services_;
  std::map<std::string, std::string> compared_;  // by the _id of a replication: when the job began whose checkpoints were looked at
};

}  // namespace channels
