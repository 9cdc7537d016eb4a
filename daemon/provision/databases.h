// Databases and their security objects, made so that repeating is harmless. Called by install for
// the handshake and the registry, and by the workflows for control and channel databases.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "couch/database.h"

namespace channels {

// Who may do what, as _security holds it. Other members of an existing object are kept.
struct Access {
  std::vector<std::string> member_roles;  // empty: for everyone
  bool admins_only = false;               // members are the server's admins alone
  // For channel databases, read by their validation function; empty otherwise.
  std::vector<std::string> owner_roles;
  std::vector<std::string> reader_roles;
  // Besides the server's admins.
  std::vector<std::string> admin_roles{};
  // Of a channel: nobody writes to it, its owners neither.
  bool archived = false;
};

// The security object that `current` becomes. Pure.
json::object security_with(json::object current, const Access& access);
// Reads, and writes only if something is to change.
void ensure_security(Database& database, const Access& access);

void ensure_database(Database& database, int shards);

}  // namespace channels
