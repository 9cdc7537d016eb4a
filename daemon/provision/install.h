// Brings a CouchDB to what the daemon needs, at every start and hourly: system databases, registry
// and handshake with their design documents and security objects. Safe to repeat.
#pragma once

#include <string>

#include "couch/server.h"

namespace channels {

struct Installation {
  std::string handshake_db;
  std::string registry_db;
  int shards = 1;
};

// In this order: the handshake is opened to everyone only after its validation is in place.
void install(Server& server, const Installation& installation);

}  // namespace channels
