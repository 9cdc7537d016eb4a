#include "provision/databases.h"

namespace channels {

namespace {

json::object names_and_roles(const std::vector<std::string>& roles) {
  return {{"names", json::array()}, {"roles", json::value_from(roles)}};
}

}  // namespace

json::object security_with(json::object current, const Access& access) {
  std::vector<std::string> admin_roles{"_admin"};
  admin_roles.insert(admin_roles.end(), access.admin_roles.begin(), access.admin_roles.end());
  current["admins"] = names_and_roles(admin_roles);
  // Empty members mean everyone to CouchDB 1.x and 2.x, and to 3.x where written so.
  current["members"] =
      access.admins_only ? names_and_roles({"_admin"}) : names_and_roles(access.member_roles);
  if (!access.owner_roles.empty()) {
    json::object channels{{"owners", json::value_from(access.owner_roles)},
                          {"readers", json::value_from(access.reader_roles)}};
    if (access.archived) channels["archived"] = true;
    current["channels"] = std::move(channels);
  }
  return current;
}

void ensure_security(Database& database, const Access& access) {
  const json::object current = database.security();
  const json::object wanted = security_with(current, access);
  if (wanted != current) database.put_security(wanted);
}

void ensure_database(Database& database, int shards) {
  if (!database.exists()) database.create(shards);
}

}  // namespace channels
