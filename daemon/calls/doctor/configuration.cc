// What the ini files say, before any server is asked.
#include <fstream>

#include "calls/doctor/visit.h"

namespace channels {

namespace {

void hide_secrets(Visit& visit, const Sections& sections) {
  for (const auto& [section, key] : {std::pair("chttpd_auth", "secret"),
                                     {"couch_httpd_auth", "secret"},
                                     {"channels", "password"},
                                     {"channels_mail", "password"}})
    visit.report.hide(value_in(sections, section, key));
  if (const auto admins = sections.find("admins"); admins != sections.end()) {
    for (const auto& [name, entry] : admins->second) visit.report.hide(entry);
  }
}

}  // namespace

bool check_configuration(Visit& visit) {
  hide_secrets(visit, visit.files.sections);
  IniHost host(visit.files.sections, Level::error, !visit.files.are_couchdbs);
  std::vector<std::string> warnings;
  auto read = read_settings(host, warnings);
  for (const std::string& warning : warnings) visit.report.note("configuration", warning);
  if (!read) {
    visit.report.fault(
        "configuration", read.error().reason,
        {"correct that line; every key is explained in /opt/couchdb/etc/default.d/50-channels.ini",
         "nothing else can be checked before"});
    return false;
  }
  visit.settings = std::move(read->settings);
  visit.programs = std::move(read->programs);
  visit.report.ok("configuration",
                  visit.settings.role == Role::device ? "role = device" : "role = cloud");
  return true;
}

void check_admins(Visit& visit) {
  const auto admins = visit.files.sections.find("admins");
  if (admins != visit.files.sections.end() && !admins->second.empty()) {
    visit.report.ok("admins", std::to_string(admins->second.size()) + " under [admins]");
  } else if (!visit.settings.username.empty()) {
    visit.report.ok("admins", "[channels] username names one");
  } else {
    visit.report.fault("admins",
                       "[admins] is empty: CouchDB 3 does not start so, and an older one lets "
                       "everybody do everything",
                       in_local_ini("admins", {"admin = A LONG PASSWORD"}));
  }
}

void check_secret(Visit& visit) {
  auto credentials = daemon_credentials(visit.env, visit.settings, visit.files.sections);
  const bool has_secret = !auth_value_in(visit.files.sections, "secret").empty();
  if (credentials) visit.credentials = std::move(*credentials);
  if (has_secret) {
    visit.report.ok("secret", "the cookie secret is set");
  } else if (visit.credentials != nullptr) {
    visit.report.ok("secret", "not needed: [channels] username and password are set");
  } else {
    Todo todo =
        in_local_ini("chttpd_auth", {"secret = 64 RANDOM HEX DIGITS, of: openssl rand -hex 32"});
    todo.emplace_back(
        "the same on every node of a cluster; before CouchDB 3.2 the section is "
        "[couch_httpd_auth]");
    visit.report.fault(
        "secret", "[chttpd_auth] secret is not set: the daemon can make no session with it", todo);
  }
  if (has_secret && !credentials) {
    visit.report.fault(
        "admins", credentials.error().reason,
        {"a password in clear is hashed by CouchDB at its start: systemctl restart couchdb"});
  }
}

}  // namespace channels
