#include "host/daemon_credentials.h"

namespace channels {

namespace {

std::string value_of(const Sections& sections, std::string_view section, std::string_view key) {
  const auto found = sections.find(section);
  if (found == sections.end()) return {};
  const auto value = found->second.find(key);
  return value == found->second.end() ? std::string() : value->second;
}

// CouchDB's names for hashes are Erlang's; the first of the list is what it mints with. Without the
// key sha1 it is: the only one before 3.3, and one of the defaults since.
std::string cookie_hash(const Sections& sections) {
  const std::string list = value_of(sections, "chttpd_auth", "hash_algorithms");
  std::string first = list.substr(0, list.find(','));
  std::erase(first, ' ');
  if (first.empty() || first == "sha") return "sha1";
  return first;
}

struct Admin {
  std::string name;
  std::string salt;
};

Parsed<Admin> find_admin(const Sections& sections) {
  const auto admins = sections.find("admins");
  if (admins == sections.end() || admins->second.empty())
    return Invalid::because("[admins] is empty: CouchDB needs an admin, add \"NAME = PASSWORD\" to local.ini");
  std::string reason;
  for (const auto& [name, entry] : admins->second) {
    auto salt = parse_admin_salt(entry);
    if (salt) return Admin{name, std::move(*salt)};
    reason = salt.error().reason;
  }
  return Invalid::because("[admins] has no entry to log in with: " + reason);
}

}  // namespace

Parsed<std::shared_ptr<Credentials>> daemon_credentials(Env& env, const Settings& settings,
                                                        const Sections& configuration) {
  if (!settings.username.empty())
    return std::shared_ptr<Credentials>(
        std::make_shared<BasicCredentials>(settings.username, settings.password));
  std::string secret = value_of(configuration, "chttpd_auth", "secret");
  if (secret.empty()) secret = value_of(configuration, "couch_httpd_auth", "secret");
  if (secret.empty())
    return Invalid::because(
        "[chttpd_auth] secret is not set: put \"secret = \" and 64 random hex digits (openssl rand -hex 32) under "
        "[chttpd_auth] in local.ini, the same on every node of a cluster; or set username and password of an admin in "
        "[channels]");
  auto admin = find_admin(configuration);
  if (!admin) return Invalid::because(admin.error().reason);
  return std::shared_ptr<Credentials>(std::make_shared<MintedCookie>(
      env, CookieKey{admin->name, admin->salt, secret, cookie_hash(configuration)}));
}

}  // namespace channels
