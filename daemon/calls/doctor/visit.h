// One run of `doctor`: what it was given, what it learns on its way, and the checks in the order in
// which doctor.cc calls them. Each looks at one concern and reports on it; what it throws
// (Unavailable, Refused) is reported as that concern's fault.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "app/configuration.h"
#include "calls/calls.h"
#include "calls/doctor/report.h"
#include "couch/server.h"
#include "host/ini_host.h"

namespace channels {

// A node of the cluster, as it runs.
struct Node {
  std::string name;
  Sections running;  // its configuration, with secrets
};

struct Visit {
  Env& env;
  Transport& transport;
  Report& report;
  const IniFiles& files;
  std::string origin;  // of an app in a browser; empty: none was named

  Settings settings{};
  std::vector<ProgramSettings> programs{};
  std::shared_ptr<Credentials> credentials{};  // null: there are none
  std::optional<Server> server{};              // as an admin
  std::pair<int, int> version{};               // of CouchDB; {0, 0}: not told
  std::set<std::string> uuids{};               // of the server's nodes
  std::vector<Node> nodes{};                   // those whose configuration could be read
  std::set<std::string> away{};                // nodes of the cluster that are not connected

  bool is_at_least(int major, int minor) const { return version >= std::pair(major, minor); }
  // " (node NAME)" where there are several.
  std::string at(const Node& node) const {
    return nodes.size() > 1 ? " (node " + node.name + ")" : "";
  }
};

// An answer, or why there was none.
struct Look {
  int status = 0;  // 0: no answer
  std::string body;
  std::map<std::string, std::string> headers;
  std::string trouble;

  // "answered 404" or the trouble.
  std::string what() const;
  // The body, where it is an object.
  json::object object() const;
};

// As nobody, with those headers.
Look look_at(const Visit& visit, const std::string& method, const std::string& url,
             const std::string& body = {},
             std::vector<std::pair<std::string, std::string>> headers = {});

std::string value_in(const Sections& sections, std::string_view section, std::string_view key);
// Of [chttpd_auth], or of [couch_httpd_auth] as it was called before 3.2.
std::string auth_value_in(const Sections& sections, std::string_view key);
// Does [os_daemons] start couchdb-channels?
bool starts_channels(const Sections& sections);
// Was the manager seen in that node, or is it CouchDB's own?
bool has_manager(Visit& visit, const Node& node);

// --- From the ini files alone.
// False if there are no settings to go on with.
bool check_configuration(Visit& visit);
void check_admins(Visit& visit);
void check_secret(Visit& visit);
void check_mail(Visit& visit);

// --- As anybody who reaches the server. False if nobody does.
bool check_server(Visit& visit);
void check_public_url(Visit& visit);
void check_page(Visit& visit);
void check_handshake(Visit& visit);
void check_closed(Visit& visit);

// --- As an admin. False without a session.
bool check_log_in(Visit& visit);
void check_nodes(Visit& visit);
// Of a cluster: has each database all its copies, and does a quorum of the registry's answer?
void check_quorum(Visit& visit);
void check_manager(Visit& visit);
void check_worker(Visit& visit);
void check_settings(Visit& visit);
void check_feeds(Visit& visit);
void check_template(Visit& visit);
void check_system_databases(Visit& visit);
void check_design_documents(Visit& visit);
void check_cors(Visit& visit);
void check_forwarded(Visit& visit);
void check_disk(Visit& visit);
void check_orphans(Visit& visit);

}  // namespace channels
