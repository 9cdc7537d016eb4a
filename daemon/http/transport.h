// The seam to HTTP. couch::Server is its only caller; CurlTransport is the real one, the simulation
// has its own. A transport knows nothing of CouchDB: it sends one request and returns what came
// back, whatever the status.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace channels {

// What is sent, and how long it may take.
struct HttpRequest {
  std::string method;  // "GET", "PUT", "POST", "DELETE", "HEAD"
  std::string url;     // whole, already encoded
  // Names and values, the log-in's included.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  // empty: none is sent
  // The whole request, answer included.
  milliseconds timeout = seconds(60);
  // A larger answer is given up as Unreadable. The default is beyond the largest document that CouchDB takes by
  // default, 8 MB.
  std::size_t largest_answer = std::size_t{24} << 20;
  // Gives HttpResponse::headers, too.
  bool wants_headers = false;
  // Ends a request that waits (long-poll, continuous feed) early, with Unavailable.
  std::stop_token stop;
};

// What came back.
struct HttpResponse {
  int status = 0;                                // whatever it was
  std::string body{};                            // as sent
  std::string set_cookie{};                      // the first Set-Cookie, as sent
  std::string content_type{};                    // as sent
  std::string etag{};                            // as sent, with its quotes
  std::optional<seconds> retry_after{};          // delay form only
  std::map<std::string, std::string> headers{};  // by name in lower case; only where wanted
};

// How requests reach a server.
class Transport {
 public:
  virtual ~Transport() = default;

  // Throws Unavailable if no whole answer came within the time limit; then the server may or may
  // not have acted. Safe to call from any thread.
  virtual HttpResponse send(const HttpRequest& request) = 0;

  // Hands the body to `receive` as it comes in; `receive` returns false to end the stream. Ends
  // with Unavailable when nothing at all (no heartbeat either) came for `silence`. The returned
  // response has an empty body, unless the status isn't 2xx.
  virtual HttpResponse stream(const HttpRequest& request, milliseconds silence,
                              const std::function<bool(std::string_view)>& receive) = 0;
};

// Percent-encodes all but unreserved characters (RFC 3986, section 2.3), "/" as well.
std::string url_encode(std::string_view text);

}  // namespace channels
