// Log-in: Basic with an admin's password or a verifier in _users, AuthSession cookies (couch_httpd_auth).
#include <openssl/evp.h>

#include <algorithm>

#include "base/check.h"
#include "base/digest.h"
#include "couch/credentials.h"
#include "simulation/couch/model_request.h"

namespace channels::simulation {

namespace {

constexpr seconds cookie_lifetime{600};

const Problem wrong_password{401, "unauthorized", "Name or password is incorrect."};

std::optional<std::string> decode_base64(std::string text) {
  while (text.size() % 4 != 0) text += '=';
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  std::string bytes(text.size() / 4 * 3, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  const auto padding = static_cast<std::size_t>(std::count(text.begin(), text.end(), '='));
  bytes.resize(bytes.size() - std::min(padding, bytes.size()));
  return bytes;
}

std::string pbkdf2_hex(const std::string& password, const std::string& salt, int iterations, const std::string& prf) {
  std::string key(prf == "sha256" ? 32 : 20, '\0');
  const int done = PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                                     reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                                     iterations, prf == "sha256" ? EVP_sha256() : EVP_sha1(),
                                     static_cast<int>(key.size()), reinterpret_cast<unsigned char*>(key.data()));
  check(done == 1, "OpenSSL failed to compute a PBKDF2");
  return hex(key);
}

std::optional<Document> user_doc_of(const ModelDatabase& users, const std::string& name) {
  return users.read("org.couchdb.user:" + name);
}

User user_of(const Document& doc) {
  User user{string_or(doc, "name", ""), {}, false};
  if (const json::array* roles = get_array(doc, "roles")) user.roles = json::value_to<std::vector<std::string>>(json::value(*roles));
  return user;
}

User by_password(const std::string& name, const std::string& password, const ModelOptions& options,
                 const ModelDatabase& users) {
  const auto admin = options.admins.find(name);
  if (admin != options.admins.end()) {
    if (admin->second != password) throw wrong_password;
    return {name, {}, true};
  }
  const auto doc = user_doc_of(users, name);
  if (!doc || string_or(*doc, "password_scheme", "") != "pbkdf2") throw wrong_password;
  const std::string derived = pbkdf2_hex(password, string_or(*doc, "salt", ""), static_cast<int>(int_or(*doc, "iterations", 1)),
                                         string_or(*doc, "pbkdf2_prf", "sha"));
  if (!equal_in_constant_time(derived, string_or(*doc, "derived_key", ""))) throw wrong_password;
  return user_of(*doc);
}

// A cookie that is wrong or old is as none.
User by_cookie(const std::string& cookie, const ModelOptions& options, const ModelDatabase& users, WallTime now) {
  const std::string session = decode_base64(cookie).value_or("");
  const std::size_t first = session.find(':');
  const std::size_t second = first == std::string::npos ? first : session.find(':', first + 1);
  if (second == std::string::npos || options.secret.empty()) return {};
  const std::string name = session.substr(0, first);
  const WallTime made = std::chrono::system_clock::from_time_t(
      static_cast<std::time_t>(std::strtoll(session.c_str() + first + 1, nullptr, 16)));
  if (now >= made + cookie_lifetime) return {};
  const bool is_admin = options.admins.contains(name);
  const auto doc = is_admin ? std::nullopt : user_doc_of(users, name);
  if (!is_admin && !doc) return {};
  const CookieKey key{name, is_admin ? options.admin_salt : string_or(*doc, "salt", ""), options.secret, "sha256"};
  if (!equal_in_constant_time(mint_cookie(key, made), cookie)) return {};
  return is_admin ? User{name, {}, true} : user_of(*doc);
}

}  // namespace

User log_in(const HttpRequest& request, const ModelOptions& options, const ModelDatabase& users, WallTime now) {
  for (const auto& [name, value] : request.headers) {
    if (name == "Authorization" && value.starts_with("Basic ")) {
      const std::string given = decode_base64(value.substr(6)).value_or("");
      const std::size_t colon = given.find(':');
      if (colon == std::string::npos) throw wrong_password;
      return by_password(given.substr(0, colon), given.substr(colon + 1), options, users);
    }
    if (name == "Cookie" && value.starts_with("AuthSession="))
      return by_cookie(value.substr(12, value.find(';') - 12), options, users, now);
  }
  return {};
}

}  // namespace channels::simulation
