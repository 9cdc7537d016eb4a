// The session cookies that handler programs get with each document, made anew before CouchDB would let them
// end. Used by the programs' threads.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "base/env.h"
#include "couch/server.h"
#include "http/transport.h"

namespace channels {

class Cookies {
 public:
  // `username` and `password`: what the daemon logs in with, if it makes no cookie of its own. `url` ends in "/".
  Cookies(Env& env, Transport& transport, Credentials& credentials, std::string url, std::string username,
          std::string password);

  // "AuthSession=...", of that user, or of the admin that the daemon is, for "". One or two short requests at most once
  // a minute. Throws Unavailable or Refused, with what to do.
  std::string cookie_of(const std::string& user);

 private:
  struct Made {
    std::string cookie;
    MonoTime at;
  };

  std::string make(const std::string& user);
  std::string log_in();
  std::string salt_of(const std::string& user);

  Env& env_;
  Transport& transport_;
  Credentials& credentials_;
  const std::string url_;
  const std::string username_;
  const std::string password_;
  Server server_;
  std::mutex mutex_;
  std::map<std::string, Made> made_;  // guarded by mutex_
};

}  // namespace channels
