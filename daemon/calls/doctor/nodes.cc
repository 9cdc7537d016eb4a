// The nodes behind the server: their running configurations, the manager in each, and the daemons
// that work.
#include <unistd.h>

#include "base/errors.h"
#include "base/log.h"
#include "calls/doctor/visit.h"
#include "couch/answer.h"
#include "couch/database.h"
#include "engine/workers.h"

namespace channels {

namespace {

constexpr const char* program_name = "couchdb-channels";

std::string path_of(const Node& node, std::string_view rest) {
  return "_node/" + url_encode(node.name) + "/" + std::string(rest);
}

Sections sections_in(const json::value& body) {
  Sections sections;
  const json::object* all = body.if_object();
  if (all == nullptr) return sections;
  for (const auto& [name, pairs] : *all) {
    if (!pairs.is_object()) continue;
    for (const auto& [key, value] : pairs.as_object()) {
      if (value.is_string())
        sections[std::string(name)][std::string(key)] = value.as_string().c_str();
    }
  }
  return sections;
}

std::vector<std::string> names_in(const json::object& membership, std::string_view key) {
  std::vector<std::string> names;
  if (const json::array* list = get_array(membership, key)) {
    for (const json::value& name : *list) {
      if (name.is_string()) names.emplace_back(name.as_string());
    }
  }
  return names;
}

// All that belong to the cluster; "_local" where it has no such list (before 2.0).
std::vector<std::string> cluster_nodes(Visit& visit) {
  const Reply reply = visit.server->request("GET", "_membership", nullptr, {400, 401, 403, 404});
  const json::object none;
  const json::object& membership = reply.body.is_object() ? reply.body.as_object() : none;
  const auto connected = names_in(membership, "all_nodes");
  std::vector<std::string> there;
  for (const std::string& name : names_in(membership, "cluster_nodes")) {
    if (std::find(connected.begin(), connected.end(), name) != connected.end()) {
      there.push_back(name);
    } else {
      visit.away.insert(name);
      visit.report.fault("nodes", escaped(name) + " is not connected, and so neither checked nor at work",
                         {"start CouchDB there, or see to the network between the nodes",
                          "is it gone for good, take it out of the cluster, as CouchDB's documentation has it"});
    }
  }
  if (there.empty()) there.emplace_back("_local");
  return there;
}

std::string program_of(const std::string& command) {
  const auto first = command.substr(0, command.find_first_of(" \t"));
  return first.find_first_of("'\"\\") == first.npos ? first : std::string();
}

std::string line_of(const Sections& sections) {
  const auto daemons = sections.find("os_daemons");
  if (daemons == sections.end()) return {};
  for (const auto& [name, command] : daemons->second) {
    const std::string program = program_of(command);
    if (name == "channels" || program.substr(program.rfind('/') + 1) == program_name)
      return command;
  }
  return {};
}

// Settings of files that the running node has not read.
void check_that_files_are_read(Visit& visit, const Node& node) {
  for (const char* name : {"channels", "channels_mail"}) {
    const auto written = visit.files.sections.find(name);
    const auto running = node.running.find(name);
    const Section none;
    const Section& in_files = written == visit.files.sections.end() ? none : written->second;
    const Section& in_node = running == node.running.end() ? none : running->second;
    if (in_files != in_node)
      visit.report.note("configuration",
                        "[" + std::string(name) + "] of the files is not what CouchDB runs with" +
                            visit.at(node) + ": changed since it read them?",
                        {"systemctl restart couchdb"});
  }
}

void check_one_manager(Visit& visit, const Node& node) {
  if (!starts_channels(node.running)) {
    visit.report.note("manager", "no line starts couchdb-channels" + visit.at(node),
                      in_local_ini("os_daemons", {"channels = /usr/bin/couchdb-channels"}));
  } else if (!has_manager(visit, node)) {
    visit.report.fault(
        "manager", "the manager of [os_daemons] is not loaded into CouchDB" + visit.at(node),
        {"where systemd starts it: systemctl daemon-reload && systemctl restart couchdb",
         "an ERL_FLAGS of your own has to hold what "
         "/usr/lib/systemd/system/couchdb.service.d/50-channels.conf says",
         "then see: journalctl -u couchdb | grep os_daemons"});
  } else {
    visit.report.ok("manager", (visit.is_at_least(2, 3)
                                    ? "loaded, and has the line that starts couchdb-channels"
                                    : "CouchDB's own, with the line that starts couchdb-channels") +
                                   visit.at(node));
  }
}

// Without any secret at all check_secret() has said so.
void check_one_secret(Visit& visit) {
  const auto secret_of = [](const Node& node) { return auth_value_in(node.running, "secret"); };
  const auto first = std::find_if(visit.nodes.begin(), visit.nodes.end(),
                                  [&](const Node& node) { return !secret_of(node).empty(); });
  if (first == visit.nodes.end()) return;
  std::string others;
  for (const Node& node : visit.nodes) {
    if (secret_of(node) == secret_of(*first)) continue;
    others += (others.empty() ? ": " : ", ") + escaped(node.name) +
              (secret_of(node).empty() ? " has none" : " has another than " + escaped(first->name));
  }
  if (!others.empty())
    visit.report.fault("secret", "the cookie secret is not the same on all nodes" + others,
                       in_local_ini("chttpd_auth", {"secret = THE SAME ON EVERY NODE"}));
}

}  // namespace

bool starts_channels(const Sections& sections) {
  return !line_of(sections).empty();
}

bool has_manager(Visit& visit, const Node& node) {
  if (!starts_channels(node.running)) return false;
  if (!visit.is_at_least(2, 3)) return true;
  const Reply reply = visit.server->request("GET", path_of(node, "_system"));
  const json::object* system = reply.body.if_object();
  // Every registered process of the node is in there.
  const json::object* queues = system == nullptr ? nullptr : get_object(*system, "message_queues");
  return queues != nullptr && queues->contains("channels_os_daemons_sup");
}

void check_nodes(Visit& visit) {
  std::string trouble;
  for (const std::string& name : cluster_nodes(visit)) {
    Node node{name, {}};
    const std::string path = visit.is_at_least(2, 0) ? path_of(node, "_config") : "_config";
    try {
      node.running = sections_in(visit.server->request("GET", path).body);
    } catch (const std::exception& failure) {  // Unavailable or Refused
      trouble = failure.what();
      continue;
    }
    for (const char* section : {"chttpd_auth", "couch_httpd_auth"})
      visit.report.hide(value_in(node.running, section, "secret"));
    if (const std::string uuid = value_in(node.running, "couchdb", "uuid"); !uuid.empty())
      visit.uuids.insert(uuid);
    visit.nodes.push_back(std::move(node));
  }
  if (!trouble.empty())
    visit.report.note(
        "nodes", "a configuration cannot be read, so settings are not checked there: " + trouble);
  if (visit.nodes.size() < 2) return;
  check_one_secret(visit);
  visit.report.ok("nodes", std::to_string(visit.nodes.size()) + " are checked");
}

void check_manager(Visit& visit) {
  if (visit.nodes.empty()) return;
  const bool runs_with_line =
      std::any_of(visit.nodes.begin(), visit.nodes.end(),
                  [](const Node& node) { return starts_channels(node.running); });
  if (runs_with_line) {
    for (const Node& node : visit.nodes) {
      check_one_manager(visit, node);
      check_that_files_are_read(visit, node);
    }
    const std::string program = program_of(line_of(visit.files.sections));
    if (visit.files.are_couchdbs && program.starts_with('/') && access(program.c_str(), X_OK) != 0)
      visit.report.fault("manager", program + " cannot be run",
                         in_local_ini("os_daemons", {"channels = /usr/bin/couchdb-channels"}));
  } else if (starts_channels(visit.files.sections)) {
    visit.report.fault("manager", "CouchDB has not read the line under [os_daemons] yet",
                       {"systemctl restart couchdb"});
  } else if (visit.files.are_couchdbs) {
    visit.report.fault("manager", "no line starts couchdb-channels",
                       in_local_ini("os_daemons", {"channels = /usr/bin/couchdb-channels"}));
  } else {
    visit.report.note("manager",
                      "no line under [os_daemons]: the daemon is to be run by itself, with --ini");
  }
}

void check_worker(Visit& visit) {
  Database registry(*visit.server, visit.settings.registry_db);
  std::string places;
  int alive = 0;
  if (registry.exists()) {
    for (const json::value& worker : workers_now(visit.env, registry)) {
      if (!worker.is_object() || !is_true(worker.as_object(), "alive")) continue;
      places += (alive++ == 0 ? ": " : ", ") + string_or(worker.as_object(), "place", "?");
    }
  }
  if (alive > 0)
    return visit.report.ok("daemon", std::to_string(alive) + " at work" + escaped(places));
  visit.report.fault(
      "daemon",
      registry.exists() ? "none is at work" : "none has been at work yet: there is no registry",
      {"started by CouchDB: journalctl -u couchdb | grep channels says why",
       "by itself: systemctl status couchdb-channels"});
}

}  // namespace channels
