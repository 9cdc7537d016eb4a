// The `_users` document of a device: what its log-in and its replication stand on. Called by the
// activation, rotation and revocation of devices.
#pragma once

#include <string>
#include <string_view>

#include "couch/server.h"
#include "couch/document.h"

namespace channels {

// "device-<id>", the name that a device logs in with.
std::string username_of(std::string_view device_id);
// "user:<user id>", the role that a user's databases are opened to.
std::string role_of(std::string_view user_id);

// {"_id": "org.couchdb.user:device-<id>", "type": "user", "name", "roles": ["user:<user id>", "group:<group id>", ...],
//  "password_scheme": "pbkdf2", "iterations": 1, "salt", "derived_key"}. `credential` is the
// device's own verifier. Pure.
Document user_doc(std::string_view device_id, const json::array& roles, const json::object& credential);

// Overwrites whatever is there whole: the name is public, so an earlier document may be a
// stranger's who signed up under it.
void put_user(Server& server, const Document& user);
// Other roles for a device that can log in; nothing happens to one that can't.
void put_roles(Server& server, std::string_view device_id, const json::array& roles);
// A device without it is locked out. Nothing happens if there is none.
void delete_user(Server& server, std::string_view device_id);

}  // namespace channels
