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

Document user_doc(std::string_view device_id, std::string_view user_id,
                  const json::object& credential) {
  const std::string name = username_of(device_id);
  return {{"_id", std::string(id_prefix) + name},
          {"type", "user"},
          {"name", name},
          {"roles", json::array{role_of(user_id)}},
          {"password_scheme", "pbkdf2"},
          {"iterations", 1},
          {"salt", string_or(credential, "salt", "")},
          {"derived_key", string_or(credential, "derived_key", "")}};
}

void put_user(Server& server, const Document& user) {
  Database users(server, "_users");
  overwrite(users, user);
}

void delete_user(Server& server, std::string_view device_id) {
  Database users(server, "_users");
  overwrite(users, {{"_id", std::string(id_prefix) + username_of(device_id)}, {"_deleted", true}});
}

}  // namespace channels
