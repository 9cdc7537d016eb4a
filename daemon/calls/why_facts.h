// What CouchDB knows of one device: read by the call `why`, which judges it (why_reasons.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "calls/operator.h"
#include "couch/database.h"

namespace channels {

// One database that the device should follow: the control database, or a channel's.
struct FollowedFacts {
  std::string channel;  // its id; "" for the control database
  std::string name;     // as a person calls it
  std::string database;
  std::string made;  // state of the channel's document: new, ready, error; "" if there is none
  std::string made_reason;    // of an error
  bool is_duplicate = false;  // a second channel of a name: the device brings it to the first one
  std::string subscription;   // active, paused, stopped, error; "" if there is none
  bool is_there = false;      // the database
  bool is_open = false;       // its _security names a role of the device's log-in
  std::int64_t behind = -1;   // changes after the seq that the device says it has; -1: unknown
  json::object mark;          // what the device says about it (device_mark.h); empty if nothing
};

struct DeviceFacts {
  std::string id;
  std::string
      state;  // of the registry's record; of the handshake's document where there is no record yet
  std::string user;
  std::string name;
  Document record;

  // same: _users has the verifier that the daemon set. rehashed: CouchDB hashed it anew, at a
  // log-in that it took. changed: somebody wrote over it. unknown: set by a version that did not
  // note which.
  enum class LogIn { same, rehashed, changed, missing, unknown };
  LogIn log_in = LogIn::missing;
  json::array roles{};        // of that log-in
  std::int64_t rotation = 0;  // number of the secret
  std::string rotated;        // when it was set; "" if nobody knows any longer
  std::string rotating;  // state of a change that was asked for after that: new, error; else ""

  std::optional<Document> mark;           // the device's word of itself
  std::vector<FollowedFacts> followed{};  // the control database first; only of an active device
};

// `channel`: an id or a name, "" for all of the user's channels. nullopt: no such device. May throw
// as requests do.
std::optional<DeviceFacts> facts_of(Operator& by, const std::string& device,
                                    const std::string& channel);

}  // namespace channels
