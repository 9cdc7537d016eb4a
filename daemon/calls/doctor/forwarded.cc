// Does CouchDB see clients' own addresses behind the proxy? Tried with a show function, which tells
// what CouchDB makes of a request: in a database of its own, open and empty, that is deleted at
// once.
#include "app/daemon.h"
#include "base/digest.h"
#include "base/errors.h"
#include "base/log.h"
#include "calls/doctor/visit.h"
#include "couch/database.h"
#include "provision/databases.h"

namespace channels {

namespace {

// Nobody's (RFC 5737).
constexpr const char* forged_address = "192.0.2.77";

constexpr const char* show_function = R"(function (doc, req) {
  var forwarded = null;
  for (var name in req.headers) {
    if (name.toLowerCase() === 'x-forwarded-for') forwarded = req.headers[name];
  }
  return { json: { peer: req.peer, forwarded: forwarded } };
})";

const Todo append_header{"nginx:  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
                         "Apache does so by itself; HAProxy:  option forwardfor"};

class TemporaryDatabase {
 public:
  TemporaryDatabase(Server& server, std::string name) : database_(server, std::move(name)) {
    database_.create(1);
    try {
      ensure_security(database_, {});
      database_.save({{"_id", "_design/doctor"},
                      {"language", "javascript"},
                      {"shows", {{"request", show_function}}}});
    } catch (...) {
      remove();
      throw;
    }
  }
  ~TemporaryDatabase() { remove(); }
  TemporaryDatabase(const TemporaryDatabase&) = delete;
  TemporaryDatabase& operator=(const TemporaryDatabase&) = delete;

  std::string show() const { return database_.path("_design/doctor/_show/request"); }

 private:
  void remove() noexcept {
    try {
      database_.server().request("DELETE", database_.path(), nullptr, {404});
    } catch (const std::exception&) {  // Unavailable or Refused: nothing is in it
    }
  }

  Database database_;
};

std::string last_address(const std::string& list) {
  const auto comma = list.rfind(',');
  std::string last = comma == list.npos ? list : list.substr(comma + 1);
  std::erase(last, ' ');
  return last;
}

// "scheme://host:port/" -> what follows the host
std::string scheme_and_port(const std::string& url) {
  const auto host = url.find("//");
  const auto port = url.rfind(':');
  return url.substr(0, host) + (port > host ? url.substr(port) : "");
}

void judge(Visit& visit, const json::object& seen) {
  const std::string forwarded = string_or(seen, "forwarded", "");
  const std::string peer = string_or(seen, "peer", "");
  const std::string last = last_address(forwarded);
  if (forwarded.empty()) {
    visit.report.fault("x-forwarded-for",
                       "the proxy does not tell clients' addresses: five wrong passwords from "
                       "anywhere lock any device's name",
                       append_header);
  } else if (last == forged_address &&
             scheme_and_port(visit.settings.url) == scheme_and_port(visit.settings.public_url)) {
    visit.report.note("x-forwarded-for", "no proxy seems to be in between");
  } else if (last == forged_address) {
    visit.report.fault("x-forwarded-for",
                       "the header arrives as the client sent it: anybody can come from any "
                       "address, and lock devices out in its name",
                       append_header);
  } else if (peer != last) {
    visit.report.fault(
        "x-forwarded-for",
        "the proxy tells clients' addresses, but CouchDB takes them from 127.0.0.1 and private "
        "IPv4 addresses only; here it sees " +
            escaped(peer),
        {"let the proxy reach CouchDB by such an address (not by localhost, which may be ::1)"});
  } else {
    visit.report.ok("x-forwarded-for",
                    "the proxy appends clients' addresses, and CouchDB takes them");
  }
}

}  // namespace

void check_forwarded(Visit& visit) {
  const Settings& settings = visit.settings;
  if (settings.public_url == settings.url) return;
  const std::string name = "channels-doctor-" + hex(visit.env.random_bytes(8));
  if (kind_of_database(settings)(name))
    return visit.report.note("x-forwarded-for",
                             "not tried: a database " + name + " would be followed");
  const TemporaryDatabase database(*visit.server, name);
  const Look direct = look_at(visit, "GET", settings.url + database.show());
  if (direct.status != 200)
    return visit.report.note("x-forwarded-for",
                             "not tried: this CouchDB runs no show function: " + direct.what());
  const Look look = look_at(visit, "GET", settings.public_url + database.show(), {},
                            {{"X-Forwarded-For", forged_address}});
  if (look.status != 200)
    return visit.report.note("x-forwarded-for", "not tried: /" + name + " does not come through " +
                                                    settings.public_url + ": " + look.what());
  judge(visit, look.object());
}

}  // namespace channels
