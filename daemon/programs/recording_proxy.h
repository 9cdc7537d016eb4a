// A CouchDB at a loopback port that nothing can be written to: reads go to the real server, everything else is recorded and answered as
// CouchDB would answer a success (or the conflict that it would be). `couchdb-channels replay` gives it to new handler code as COUCHDB_URL.
//
// A document that was "written" is found again by its own GET, so that code which looks whether it made something already goes its usual
// way; views, _find and _all_docs show the real server alone. Only who brings the cookie is logged in; others are what they are at the
// real server.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/env.h"
#include "couch/database.h"
#include "programs/couch_requests.h"

namespace channels {

struct RecordedWrite {
  // Of a document: both empty else.
  std::string database;
  std::string id;
  std::optional<Document> before;  // empty: it was not there
  std::optional<Document> after;   // empty: it is deleted
  // Of all else, as it came.
  std::string method;
  std::string path;
  std::string body;
};

class RecordingProxy {
 public:
  // `url` ends in "/"; requests with `cookie` go there with what `credentials` has, and reads only. Throws std::runtime_error if there is no port.
  RecordingProxy(Env& env, Transport& transport, Credentials& credentials, std::string url, std::string cookie);
  // Ends its connections.
  ~RecordingProxy();

  std::string url() const;  // ends in "/"
  // In their order, so far.
  std::vector<RecordedWrite> writes();

 private:
  struct Listener;  // the HTTP server, Boost.Beast's
  struct Request {
    std::string method;
    std::string target;
    std::string body;
    std::string cookie;
    std::string authorization;
    std::string content_type;
    std::string accept;
    std::string if_match;
  };
  using Key = std::pair<std::string, std::string>;  // database, id
  struct Overlaid {
    std::optional<Document> doc;  // empty: deleted
    std::string rev;
  };

  HttpResponse answer(const Request& request);
  HttpResponse forward(const Request& request);
  HttpRequest upstream(const Request& request, const std::string& method, const std::string& target) const;
  HttpResponse record(const Request& request, const RequestTarget& target);
  HttpResponse record_database(const Request& request, const std::string& name);
  HttpResponse record_bulk(const Request& request, const std::string& database);
  HttpResponse record_other(const Request& request, const RequestTarget& target);
  // One document's write; gives {"ok", "id", "rev"} or {"id", "error", "reason"}.
  json::object write(const Request& request, const std::string& database, const std::string& id, Document doc);
  // As it is now, for who asks: what was written here before the server's.
  std::optional<Document> current(const Request& request, const std::string& database, const std::string& id);
  std::optional<Overlaid> overlaid(const RequestTarget& target);

  Env& env_;
  Transport& transport_;
  Credentials& credentials_;
  const std::string url_;
  const std::string cookie_;
  std::mutex mutex_;
  std::vector<RecordedWrite> writes_;  // guarded by mutex_
  std::map<Key, Overlaid> overlay_;    // guarded by mutex_
  std::set<std::string> made_;         // databases; guarded by mutex_
  std::unique_ptr<Listener> listener_;  // last: its threads use all of the above
};

}  // namespace channels
