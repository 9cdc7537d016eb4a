// The two exceptions of the program: the world is down, or it refuses. Thrown by http, couch and
// mail; caught by the engine (which tries again later) and by app, nowhere else. Outcomes that a
// caller decides on (404, 409, 412) are return values, wrong input is a Parsed<T>.
#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

namespace channels {

// No connection, a time-out, 429 or 5xx: the same request may succeed later. `retry_after` is the
// server's own wish (RFC 9110, section 10.2.3), where it gave one.
class Unavailable : public std::runtime_error {
 public:
  // `what` is one sentence for the log, here and below: who does not answer, or what the answer was.
  explicit Unavailable(const std::string& what,
                       std::optional<std::chrono::seconds> retry_after = std::nullopt)
      : std::runtime_error(what), retry_after(retry_after) {}

  std::optional<std::chrono::seconds> retry_after;  // empty where the server named no time
};

// The answer came, but is too large or nested too deep for a program to read: asking for less may help. (One that is no
// JSON at all is not CouchDB's, and just Unavailable.)
class Unreadable : public Unavailable {
 public:
  // Never with a time: waiting does not make the answer smaller.
  explicit Unreadable(const std::string& what) : Unavailable(what) {}
};

// 401, 403 or another answer that repeating will not mend by itself: an operator has to look.
class Refused : public std::runtime_error {
 public:
  // `status` is HTTP's, or the mail server's.
  Refused(int status, const std::string& what) : std::runtime_error(what), status(status) {}

  int status;  // for who decides by it: 401 and 403 are the log-in's fault
};

}  // namespace channels
