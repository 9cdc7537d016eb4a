// The server itself: is it there, is it this one's time, who may do what, and can the daemon log
// in?
#include <cctype>
#include <charconv>

#include "base/errors.h"
#include "base/log.h"
#include "calls/doctor/visit.h"

namespace channels {

namespace {

using std::chrono::duration_cast;

// HTTP's dates are of whole seconds, and an answer takes a while.
constexpr seconds clock_is_off(5);
// Mails' and codes' times are then wrong to a person, and at ten minutes no session is taken any
// more.
constexpr seconds clock_is_wrong(60);

std::pair<int, int> parse_version(const std::string& text) {
  std::pair<int, int> version{0, 0};
  const char* end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, version.first);
  if (major.ptr != end && *major.ptr == '.') std::from_chars(major.ptr + 1, end, version.second);
  return version;
}

// What the server says of itself.
std::string learn(Visit& visit, const json::object& welcome) {
  const std::string version = string_or(welcome, "version", "?");
  visit.version = parse_version(version);
  if (const auto uuid = get_string(welcome, "uuid")) visit.uuids.emplace(*uuid);
  return escaped(version);
}

void check_clock(Visit& visit, const Look& look, WallTime asked) {
  const auto date = look.headers.find("date");
  const auto server_time =
      date == look.headers.end() ? std::nullopt : parse_http_date(date->second);
  if (!server_time) return visit.report.note("clock", "the server does not tell its time");
  const auto answered = visit.env.wall_now();
  const auto mine = duration_cast<seconds>((asked + (answered - asked) / 2).time_since_epoch());
  const auto ahead = duration_cast<seconds>(server_time->time_since_epoch()) - mine;
  const std::string found =
      ahead == seconds(0) ? "the server's is ours"
                          : "the server's is " + std::to_string(std::abs(ahead.count())) + " s " +
                                (ahead > seconds(0) ? "ahead of" : "behind") + " this machine's";
  const Todo todo{"on both machines: timedatectl set-ntp true"};
  if (std::chrono::abs(ahead) > clock_is_wrong) {
    visit.report.fault("clock", found + ": sessions and codes would be refused or live too long",
                       todo);
  } else if (std::chrono::abs(ahead) > clock_is_off) {
    visit.report.note("clock", found, todo);
  } else {
    visit.report.ok("clock", found);
  }
}

// May nobody in particular do everything?
void check_party(Visit& visit) {
  const Look look = look_at(visit, "GET", visit.settings.url + "_session");
  const json::object session = look.object();
  const json::object* context = get_object(session, "userCtx");
  const json::array* roles = context == nullptr ? nullptr : get_array(*context, "roles");
  if (roles == nullptr ||
      std::find(roles->begin(), roles->end(), json::value("_admin")) == roles->end())
    return;
  visit.report.fault("admin-party",
                     "everybody who reaches this CouchDB is its admin: it has none of its own",
                     in_local_ini("admins", {"admin = A LONG PASSWORD"}));
}

}  // namespace

bool check_server(Visit& visit) {
  const WallTime asked = visit.env.wall_now();
  const Look look = look_at(visit, "GET", visit.settings.url);
  const json::object welcome = look.object();
  const bool is_couchdb = welcome.contains("couchdb");
  if (look.status == 401) {
    visit.report.ok("server", visit.settings.url + " answers, to those who log in");
  } else if (!is_couchdb) {
    visit.report.fault(
        "server",
        visit.settings.url + (look.status == 0 ? " does not answer: " + look.what()
                                               : " is no CouchDB: it " + look.what()),
        {"systemctl status couchdb, journalctl -u couchdb",
         "or, where CouchDB is elsewhere: [channels] url = http://HOST:PORT/",
         "not checked without it: everything but the lines above"});
    return false;
  } else {
    visit.report.ok("server", "CouchDB " + learn(visit, welcome) + " at " + visit.settings.url +
                                  ", couchdb-channels " CHANNELS_VERSION);
  }
  check_clock(visit, look, asked);
  check_party(visit);
  return true;
}

bool check_log_in(Visit& visit) {
  if (visit.credentials == nullptr) {
    visit.report.note(
        "log-in",
        "none can be had (see above): settings, databases and the daemon itself are not checked");
    return false;
  }
  visit.server.emplace(visit.transport, *visit.credentials, visit.settings.url);
  std::string reason;
  try {
    const auto session = visit.server->session();
    if (session.is_admin) {
      visit.report.ok("log-in", "as the admin " + escaped(session.name));
      if (visit.version != std::pair(0, 0)) return true;
      const Reply welcome = visit.server->request("GET", "");
      if (const json::object* told = welcome.body.if_object()) learn(visit, *told);
      return true;
    }
    reason = session.name.empty() ? "the session counts as nobody's"
                                  : escaped(session.name) + " is no admin";
  } catch (const Refused& refused) {
    reason = refused.what();
  }
  visit.server.reset();
  visit.report.fault(
      "log-in", reason,
      {visit.settings.username.empty() ? "[chttpd_auth] secret and [admins] of these files have to "
                                         "be the running server's: restart CouchDB"
                                       : "[channels] username and password have to be an admin's",
       "not checked without it: settings, databases and the daemon itself"});
  return false;
}

}  // namespace channels
