// How the daemon logs in to CouchDB. Server asks for headers before each request. MintedCookie is the
// normal case: the daemon reads an admin's name, the admin's salt and the cookie secret from its
// host's configuration and makes the AuthSession cookie that CouchDB itself would have made at a
// log-in (couch_httpd_auth:cookie_auth_cookie), so no password is stored for it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/env.h"
#include "base/parsed.h"

namespace channels {

// One way to log in. Safe to use from any thread.
class Credentials {
 public:
  virtual ~Credentials() = default;
  // Names and values to send with the next request; asked for anew before each.
  virtual std::vector<std::pair<std::string, std::string>> headers() = 0;
  // "AuthSession=..." for the user with that salt in his _users document; empty where this way of logging in can make none.
  virtual std::string cookie_of(const std::string& username, const std::string& salt) {
    (void)username, (void)salt;
    return {};
  }
};

// For a server that asks for none, and tests as a stranger.
class NoCredentials : public Credentials {
 public:
  std::vector<std::pair<std::string, std::string>> headers() override { return {}; }
};

// Name and password: `[channels] username` and `password`.
class BasicCredentials : public Credentials {
 public:
  // The name must have no colon, as HTTP has it.
  BasicCredentials(const std::string& username, const std::string& password);
  std::vector<std::pair<std::string, std::string>> headers() override;

 private:
  std::string authorization_;
};

// What a cookie is made of.
struct CookieKey {
  std::string username;  // an admin of [admins]
  std::string salt;      // the admin's, from "-pbkdf2-HASH,SALT,ITERATIONS"
  std::string secret;    // [chttpd_auth] secret
  std::string hash;      // the first of hash_algorithms: "sha256" or "sha"
};

// Reads one entry of [admins]: `-pbkdf2-HASH,SALT,ITERATIONS`, `-pbkdf2:sha256-HASH,SALT,ITERATIONS`
// or `-hashed-HASH,SALT`; gives the salt. A password in clear is Invalid: CouchDB hashes it as it
// starts, so it is seen only in a file that no server has read yet.
Parsed<std::string> parse_admin_salt(std::string_view entry);

// The cookie's value: base64url(name ":" TIME in upper-case hex ":" HMAC(secret + salt, name ":" TIME)).
std::string mint_cookie(const CookieKey& key, WallTime now);

// How long a cookie is used where CouchDB takes one for `timeout`: a third of it, and at most a minute, since a cookie that is read
// from a wire is soon worthless then. A request and its retries may take the rest.
milliseconds cookie_life(seconds timeout);

// Makes a new cookie after `life`, by either clock: the monotonic one stands still while a machine sleeps, CouchDB judges by the
// wall's, and that one may be set to any time.
class MintedCookie : public Credentials {
 public:
  // `env` is asked for the time and outlives it.
  MintedCookie(Env& env, CookieKey key, milliseconds life = seconds(60));
  std::vector<std::pair<std::string, std::string>> headers() override;
  std::string cookie_of(const std::string& username, const std::string& salt) override;

 private:
  bool is_over() const;  // under mutex_

  Env& env_;
  const CookieKey key_;
  const milliseconds life_;
  std::mutex mutex_;
  std::string header_;     // guarded by mutex_
  MonoTime made_at_;       // guarded by mutex_
  WallTime made_at_wall_;  // guarded by mutex_
};

}  // namespace channels
