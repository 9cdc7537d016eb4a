// What the parts of role = device work with: this machine's own CouchDB, and the way to the cloud.
// app makes one (and so does the call `pair`); it outlives the engine.
#pragma once

#include <string>

#include "base/env.h"
#include "base/log.h"
#include "couch/database.h"
#include "http/transport.h"

namespace channels {

// Until the cloud is asked again.
constexpr seconds while_offline{15};

// From the configuration. Local databases are named by these prefixes, whatever the cloud's are
// called.
struct DeviceOptions {
  std::string handshake_db;
  std::string registry_db;
  std::string control_prefix;
  std::string channel_prefix;
  int shards = 1;
  seconds confirm_ttl{86400};
};

struct DeviceServices {
  Env& env;
  Log& log;
  Transport& transport;
  Server& server;  // this machine's
  const DeviceOptions options;

  Database registry() const { return {server, options.registry_db}; }
  Database handshake() const { return {server, options.handshake_db}; }
  Database replicator() const { return {server, "_replicator"}; }
  std::string control_database(std::string_view user) const {
    return options.control_prefix + std::string(user);
  }
  std::string channel_database(std::string_view channel) const {
    return options.channel_prefix + std::string(channel);
  }
};

}  // namespace channels
