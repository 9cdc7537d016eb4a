// What a device says of itself, for whoever is asked "why isn't my phone in sync?": CouchDB notes
// neither who logged in, nor whose a replication's checkpoint is, nor what a validation refused. A
// _local document of the control database in the cloud, which replicates nowhere and which only the
// user's own devices and admins can read; each of these may write it, so it is a claim:
//
//   {"_id": "_local/channels-device-<id>", "device", "time", "channels": {"<channel id>, "" for the
//   control database":
//    {["time",] "pulled": <seq of the cloud's database>[, "trouble"][, "waiting"][, "denied":
//    {"count"[, "id", "reason", "time"]}]}}
//    [, "rotation": <number of the secret it uses>]}
//
// Written by device_sync.h and by clients/pouchdb, read by the call `why`. Times are by the
// device's clock.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "device_role/replications.h"
#include "device_role/replicator.h"

namespace channels {

std::string device_mark_id(std::string_view device);

// The mark's "channels", from how this machine's replications stand. Pure.
json::object marked_channels(const Document& pairing, const std::vector<SyncPair>& pairs,
                             const std::map<std::string, ReplicationState>& states);
Document device_mark(const Document& pairing, const json::object& channels, WallTime now);

}  // namespace channels
