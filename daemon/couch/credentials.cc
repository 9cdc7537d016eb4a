#include "couch/credentials.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/digest.h"

namespace channels {

BasicCredentials::BasicCredentials(const std::string& username, const std::string& password)
    : authorization_("Basic " + base64(username + ":" + password)) {}

std::vector<std::pair<std::string, std::string>> BasicCredentials::headers() {
  return {{"Authorization", authorization_}};
}

Parsed<std::string> parse_admin_salt(std::string_view entry) {
  const bool hashed = entry.starts_with("-pbkdf2-") || entry.starts_with("-pbkdf2:") ||
                      entry.starts_with("-hashed-");
  const std::size_t first = entry.find(',');
  if (!hashed || first == std::string_view::npos)
    return Invalid::because("the entry is not a hash; start CouchDB once, which replaces the password");
  const std::size_t second = entry.find(',', first + 1);
  const std::string_view salt = entry.substr(
      first + 1, second == std::string_view::npos ? std::string_view::npos : second - first - 1);
  if (salt.empty()) return Invalid::because("the hash has no salt");
  return std::string(salt);
}

std::string mint_cookie(const CookieKey& key, WallTime now) {
  std::array<char, 32> time{};
  std::snprintf(time.data(), time.size(), "%llX",
                static_cast<unsigned long long>(std::chrono::system_clock::to_time_t(now)));
  const std::string session = key.username + ":" + time.data();
  return base64url(session + ":" + hmac(key.hash, key.secret + key.salt, session));
}

milliseconds cookie_life(seconds timeout) {
  return std::min<milliseconds>(seconds(60), milliseconds(timeout) / 3);
}

MintedCookie::MintedCookie(Env& env, CookieKey key, milliseconds life)
    : env_(env), key_(std::move(key)), life_(life) {}

bool MintedCookie::is_over() const {
  const auto by_wall = std::chrono::abs(env_.wall_now() - made_at_wall_);
  return header_.empty() || by_wall > life_ || env_.mono_now() - made_at_ > life_;
}

std::string MintedCookie::cookie_of(const std::string& username, const std::string& salt) {
  return "AuthSession=" + mint_cookie({username, salt, key_.secret, key_.hash}, env_.wall_now());
}

std::vector<std::pair<std::string, std::string>> MintedCookie::headers() {
  const std::lock_guard lock(mutex_);
  if (is_over()) {
    made_at_ = env_.mono_now();
    made_at_wall_ = env_.wall_now();
    header_ = "AuthSession=" + mint_cookie(key_, made_at_wall_);
  }
  return {{"Cookie", header_}};
}

}  // namespace channels
