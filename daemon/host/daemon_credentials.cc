#include "host/daemon_credentials.h"

#include <algorithm>
#include <charconv>

namespace channels {

namespace {

std::string value_of(const Sections& sections, std::string_view section, std::string_view key) {
  const auto found = sections.find(section);
  if (found == sections.end()) return {};
  const auto value = found->second.find(key);
  return value == found->second.end() ? std::string() : value->second;
}

// As CouchDB reads a key of [chttpd_auth]: before 3.2 it stood in [couch_httpd_auth], and there it counts still.
std::string auth_value(const Sections& sections, std::string_view key) {
  std::string value = value_of(sections, "chttpd_auth", key);
  return value.empty() ? value_of(sections, "couch_httpd_auth", key) : value;
}

// How long CouchDB takes a cookie; 600 s where nothing says so.
seconds cookie_timeout(const Sections& sections) {
  const std::string value = auth_value(sections, "timeout");
  std::int64_t timeout = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), timeout);
  const bool is_number = error == std::errc() && end == value.data() + value.size();
  return seconds(is_number && timeout > 0 ? std::min<std::int64_t>(timeout, 86400) : 600);
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
  const std::string secret = auth_value(configuration, "secret");
  if (secret.empty())
    return Invalid::because(
        "[chttpd_auth] secret is not set: put \"secret = \" and 64 random hex digits (openssl rand -hex 32) under "
        "[chttpd_auth] in local.ini, the same on every node of a cluster; or set username and password of an admin in "
        "[channels]");
  auto admin = find_admin(configuration);
  if (!admin) return Invalid::because(admin.error().reason);
  return std::shared_ptr<Credentials>(std::make_shared<MintedCookie>(
      env, CookieKey{admin->name, admin->salt, secret, cookie_hash(configuration)},
      cookie_life(cookie_timeout(configuration))));
}

}  // namespace channels
