#include "provision/install.h"

#include "provision/databases.h"
#include "provision/design_docs.h"

namespace channels {

void install(Server& server, const Installation& installation) {
  // A single node that nobody set up has none of them (3.x makes them in its set-up only).
  for (const char* name : {"_users", "_replicator", "_global_changes"}) {
    Database system(server, name);
    if (!system.exists()) system.create(1);
  }
  Database registry(server, installation.registry_db);
  ensure_database(registry, installation.shards);
  ensure_security(registry, {{}, true, {}, {}});
  ensure_design_doc(registry, "registry");

  Database handshake(server, installation.handshake_db);
  ensure_database(handshake, installation.shards);
  ensure_design_doc(handshake, "handshake");
  ensure_security(handshake, {});

  if (!installation.directory) return;
  Database directory(server, installation.directory->database);
  ensure_database(directory, installation.shards);
  ensure_design_doc(directory, "directory");
  ensure_security(directory, {{installation.directory->role}, false, {}, {}});
}

}  // namespace channels
