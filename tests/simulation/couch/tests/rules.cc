#include "rules.h"

#include <openssl/evp.h>

namespace channels::simulation {

BasicCredentials Rules::user(const std::string& name, const std::string& password, const std::vector<std::string>& roles) {
  const std::string salt = hex(env_.random_bytes(16));
  std::string key(20, '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), reinterpret_cast<const unsigned char*>(salt.data()),
                    static_cast<int>(salt.size()), 1, EVP_sha1(), static_cast<int>(key.size()),
                    reinterpret_cast<unsigned char*>(key.data()));
  const std::string full = tag_ + "-" + name;
  Database users(*server_, "_users");
  if (!users.exists()) users.create(1);
  saved(users, {{"_id", "org.couchdb.user:" + full}, {"type", "user"}, {"name", full}, {"roles", json::value_from(roles)},
                {"password_scheme", "pbkdf2"}, {"iterations", 1}, {"salt", salt}, {"derived_key", hex(key)}});
  users_.push_back(full);
  return {full, password};
}

}  // namespace channels::simulation
