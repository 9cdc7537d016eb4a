// Brings a CouchDB to what the daemon needs, at every start and hourly: system databases, registry
// and handshake with their design documents and security objects. Safe to repeat.
#pragma once

#include <optional>
#include <string>

#include "couch/server.h"

namespace channels {

// Of public channels.
struct Directory {
  std::string database;
  std::string role;  // who may read it
};

struct Installation {
  std::string handshake_db;
  std::string registry_db;
  int shards = 1;
  std::optional<Directory> directory{};
};

// In this order: the handshake is opened to everyone only after its validation is in place.
void install(Server& server, const Installation& installation);

}  // namespace channels
