#include "provision/users.h"

#include "base/errors.h"
#include "couch/database.h"

namespace channels {

namespace {

constexpr std::string_view id_prefix = "org.couchdb.user:";

// Saves over whatever revision is there; every branch of it has lost by then.
void overwrite(Database& users, Document doc) {
  for (int tries = 0; tries < 5; ++tries) {
    const auto current = users.get(doc_id(doc));
    if (!current && is_deleted(doc)) return;
    doc.erase("_rev");
    if (current) doc["_rev"] = doc_rev(*current);
    const Saved saved = users.save(doc);
    if (saved.ok()) return;
    if (saved.outcome == Saved::Outcome::rejected)
      throw Refused(403, "_users refuses a device's document: " + saved.reason);
  }
  throw Unavailable("a device's document in _users changes all the time");
}

}  // namespace

std::string username_of(std::string_view device_id) {
  return "device-" + std::string(device_id);
}

std::string role_of(std::string_view user_id) {
  return "user:" + std::string(user_id);
}

Document user_doc(std::string_view device_id, const json::array& roles, const json::object& credential) {
  const std::string name = username_of(device_id);
  return {{"_id", std::string(id_prefix) + name},
          {"type", "user"},
          {"name", name},
          {"roles", roles},
          {"password_scheme", "pbkdf2"},
          {"iterations", 1},
          {"salt", string_or(credential, "salt", "")},
          {"derived_key", string_or(credential, "derived_key", "")}};
}

void put_user(Server& server, const Document& user) {
  Database users(server, "_users");
  overwrite(users, user);
}

void put_roles(Server& server, std::string_view device_id, const json::array& roles) {
  Database users(server, "_users");
  const std::string id = std::string(id_prefix) + username_of(device_id);
  for (int tries = 0; tries < 5; ++tries) {
    auto user = users.get(id);
    const json::array* before = user ? get_array(*user, "roles") : nullptr;
    if (!user || (before != nullptr && *before == roles)) return;
    (*user)["roles"] = roles;
    if (users.save(*user).ok()) return;
  }
  throw Unavailable("a device's document in _users changes all the time");
}

void delete_user(Server& server, std::string_view device_id) {
  Database users(server, "_users");
  overwrite(users, {{"_id", std::string(id_prefix) + username_of(device_id)}, {"_deleted", true}});
}

}  // namespace channels
