// Which replications the documents ask for, as `_replicator` documents. Pure; device_sync.h carries
// it out, `status` shows it.
//
//   {"_id": "channels-<32 hex digits>-push" | "-pull", "continuous": true,
//    "source": {"url", "auth": {"basic": {"username", "password"}}}, "target": {...},
//    "channels": {"database": <local>, "direction", "channel": <id, "" for the control database>[, "joined": <local>]}}
//
// The digits are a digest of device and local database, so that every run of the program names them
// alike, and nothing of an earlier pairing is taken for this one's.
#pragma once

#include <string>
#include <vector>

#include "device_role/device_services.h"

namespace channels {

// What is to be kept in sync with the cloud, or is not for a reason.
struct SyncPair {
  std::string channel;    // its id; "" for the control database
  std::string database;   // local
  std::string syncpoint;  // the cloud's
  std::string state;      // of the subscription: active, paused, stopped, ...
  std::string refused{};  // why it is not replicated although active; one sentence
  // A channel that was made here offline under a name which the user had already: what is in its database goes into this one, the
  // first channel's, and back; nothing of it goes to the cloud by itself. "" for all others.
  std::string joined{};

  bool is_wanted() const { return state == "active" && refused.empty(); }
};

constexpr std::string_view local_account = "channels-replicator";

// The control database first, then the subscriptions and the duplicates that are to be joined. `documents`: all of types subscription and
// channel in the control database; what is no subscription of this user is left out.
std::vector<SyncPair> sync_pairs(const DeviceOptions& options, const Document& pairing,
                                 const std::vector<Document>& documents);

enum class Direction { push, pull };
std::string replication_id(const Document& pairing, const SyncPair& pair, Direction direction);
bool is_replication_id(std::string_view id);
// `local_url` ends in "/".
Document replication(const Document& pairing, const SyncPair& pair, Direction direction,
                     std::string_view local_url);

struct ReplicationChanges {
  std::vector<Document> save;  // new ones, changed ones with their _rev, and deletions
  int made = 0;
  int ended = 0;
};
// From what `_replicator` holds of ours to what is wanted. What CouchDB itself adds to a document
// is no difference.
ReplicationChanges changes_to(const std::vector<Document>& wanted,
                              const std::vector<Document>& existing);

}  // namespace channels
