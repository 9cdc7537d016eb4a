// One CouchDB server, as an HTTP client sees it. Database is made from it; nobody else builds URLs
// or reads statuses. Every call may throw Unavailable (no answer, 429, 5xx) or Refused (401, 403,
// any status that the caller did not expect).
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "couch/credentials.h"
#include "http/transport.h"

namespace channels {

// An answer that was no failure.
struct Reply {
  int status = 0;         // HTTP's: success, or one that the caller expected
  json::value body;       // null where it was empty
  std::size_t bytes = 0;  // of the answer's body
};

// One of the server's databases, as _dbs_info names it.
struct DatabaseInfo {
  std::string name;        // that was asked for
  std::string update_seq;  // opaque
  bool missing = false;    // the server has none of that name
};

// Safe to use from any thread; the transport and the credentials outlive it.
class Server {
 public:
  // What one request may take; as HttpRequest has it.
  struct Options {
    milliseconds timeout = seconds(60);                         // answer included
    std::stop_token stop;                                       // ends it early, with Unavailable
    std::size_t largest_answer = HttpRequest().largest_answer;  // above it: Unreadable
  };

  // `url` as in the configuration, with or without a final slash.
  Server(Transport& transport, Credentials& credentials, std::string_view url);

  // `path` is everything after the server's "/", already encoded. A status of 400 and above that
  // is not in `expected` throws. `body` null means none.
  Reply request(std::string_view method, std::string_view path, const json::value& body,
                std::initializer_list<int> expected, const Options& options);
  // The same within the usual limits.
  Reply request(std::string_view method, std::string_view path, const json::value& body = nullptr,
                std::initializer_list<int> expected = {});

  // Streams lines (without their end) of a continuous feed to `receive` until it returns false, the feed ends
  // or nothing came for `silence`. Empty lines are heartbeats and are passed on.
  void stream_lines(std::string_view path, milliseconds silence, std::stop_token stop,
                    const std::function<bool(std::string_view line)>& receive);

  // GET /_up: false in maintenance mode. Needs no credentials.
  bool is_up();
  // Whom the server takes us for.
  struct Session {
    std::string name;       // empty for a stranger
    bool is_admin = false;  // has the role _admin
  };
  // GET /_session. No session is no failure here, but a stranger's.
  Session session();

  // Names in their order, `limit` of them, from `start_after` (exclusive; empty: from the first).
  // Deleted or hidden databases do not appear.
  std::vector<std::string> database_names(std::string_view start_after, std::size_t limit);
  // At most 100 names, CouchDB's own limit for POST /_dbs_info.
  std::vector<DatabaseInfo> database_infos(const std::vector<std::string>& names);

  const std::string& url() const { return url_; }  // ends in "/"

 private:
  HttpRequest prepared(std::string_view method, std::string_view path, const json::value& body);

  Transport& transport_;
  Credentials& credentials_;
  const std::string url_;
};

// Throws Unavailable or Refused if status is no success.
void throw_unless_ok(std::string_view method, std::string_view path, const HttpResponse& response,
                     std::initializer_list<int> expected = {});

}  // namespace channels
