// The databases that must be there, how they are closed or open, and whether their design documents
// are this program's.
#include <sys/statvfs.h>

#include <algorithm>

#include "base/digest.h"
#include "calls/doctor/visit.h"
#include "couch/database.h"
#include "provision/design_docs.h"

namespace channels {

namespace {

constexpr std::size_t databases_looked_at = 50;  // of each prefix
constexpr double little_room = 0.05;

const Todo daemon_mends{"a running daemon mends it within a minute: see the line of the daemon"};

std::string database_url(const std::string& server, const std::string& name) {
  return server + url_encode(name);
}

void check_design(Visit& visit, const std::string& name, std::string_view folder) {
  Database database(*visit.server, name);
  if (!database.exists())
    return visit.report.fault("design-documents", name + " is not there", daemon_mends);
  const auto current = database.get("_design/channels");
  const auto mine = design_doc_version(folder);
  const auto theirs = current ? int_or(*current, "version", 0) : 0;
  if (theirs > mine) {
    visit.report.note("design-documents",
                      name + " has version " + std::to_string(theirs) +
                          ", of a newer program; this one has " + std::to_string(mine),
                      {"upgrade couchdb-channels on this node, too"});
  } else if (mended_design_doc(folder, current)) {
    visit.report.fault("design-documents",
                       name +
                           (current ? " has version " + std::to_string(theirs) +
                                          ", old or changed; this program's is "
                                    : " has none; this program's is ") +
                           std::to_string(mine),
                       daemon_mends);
  }
}

// Of the users' databases some, as a sample: a sleeping one is brought up when it wakes.
void check_some(Visit& visit, const std::string& prefix, std::string_view folder) {
  int old = 0;
  // The name before the first one with that prefix.
  const auto names = visit.server->database_names(prefix, databases_looked_at);
  for (const std::string& name : names) {
    if (!name.starts_with(prefix)) break;
    const auto current = Database(*visit.server, name).get("_design/channels");
    if (!current || int_or(*current, "version", 0) < design_doc_version(folder)) ++old;
  }
  if (old > 0)
    visit.report.note(
        "design-documents",
        std::to_string(old) + " of the first " + std::to_string(databases_looked_at) + " " +
            prefix + "* have an older version; each is brought up when something changes in it");
}

}  // namespace

void check_handshake(Visit& visit) {
  const Settings& settings = visit.settings;
  const Look direct = look_at(visit, "GET", database_url(settings.url, settings.handshake_db));
  if (direct.status == 404)
    return visit.report.fault("handshake", settings.handshake_db + " is not there", daemon_mends);
  if (direct.status != 200)
    return visit.report.fault(
        "handshake", settings.handshake_db + " is closed: a stranger's GET is " + direct.what(),
        {"require_valid_user has to be off, and its _security without members:",
         "curl -u ADMIN -X PUT " + database_url(settings.url, settings.handshake_db) +
             R"(/_security -d '{"members": {"names": [], "roles": []}, "admins": {"names": [], "roles": ["_admin"]}}')",
         "the running daemon does the latter within a minute"});
  // What validation is sure to refuse shows that a write gets as far as that.
  const std::string id = "doctor-" + hex(visit.env.random_bytes(8));
  const std::string url = database_url(settings.public_url, settings.handshake_db) + "/" + id;
  const Look written = look_at(visit, "PUT", url, R"({"type": "doctor"})");
  if (written.status == 201 || written.status == 202) {
    const std::string own = database_url(settings.url, settings.handshake_db) + "/" + id;
    using Headers = std::vector<std::pair<std::string, std::string>>;
    look_at(visit, "DELETE", own + "?rev=" + string_or(written.object(), "rev", ""), {},
            visit.credentials == nullptr ? Headers() : visit.credentials->headers());
    visit.report.fault(
        "handshake",
        settings.handshake_db +
            " takes any document: its validation is not in place, or everybody is an admin",
        daemon_mends);
  } else if (written.status == 403 && string_or(written.object(), "error", "") == "forbidden") {
    visit.report.ok("handshake", settings.handshake_db + " is open, and its validation holds");
  } else {
    visit.report.fault(
        "handshake", "a PUT to " + url + " does not reach it: " + written.what(),
        {"let the proxy pass GET, PUT and POST below /" + settings.handshake_db + " to CouchDB"});
  }
}

void check_closed(Visit& visit) {
  for (const std::string& name : {visit.settings.registry_db, std::string("_users")}) {
    const Look look =
        look_at(visit, "GET", database_url(visit.settings.url, name) + "/_all_docs?limit=0");
    if (look.status == 200)
      visit.report.fault(
          "closed", "anybody can read " + name,
          {"curl -u ADMIN -X PUT " + database_url(visit.settings.url, name) +
           R"(/_security -d '{"members": {"names": [], "roles": ["_admin"]}, "admins": {"names": [], "roles": ["_admin"]}}')"});
  }
}

void check_template(Visit& visit) {
  const std::string& name = visit.settings.template_db;
  if (name.empty()) return;
  Database database(*visit.server, name);
  const std::string url = database_url(visit.settings.url, name);
  if (!database.exists())
    return visit.report.fault("template", name + " is not there: new channels begin without it", {"curl -u ADMIN -X PUT " + url});
  const json::object security = database.security();
  const json::object* members = get_object(security, "members");
  const auto has = [&](const char* key, const char* but) {
    const json::array* list = members == nullptr ? nullptr : get_array(*members, key);
    return list != nullptr && std::any_of(list->begin(), list->end(), [&](const json::value& entry) { return entry != json::value(but); });
  };
  const Todo close{"curl -u ADMIN -X PUT " + url +
                   R"(/_security -d '{"members": {"names": [], "roles": ["_admin"]}, "admins": {"names": [], "roles": ["_admin"]}}')"};
  if (look_at(visit, "GET", url).status == 200)
    return visit.report.fault("template", "anybody can write to " + name + ", and so into every channel: it is not rolled out", close);
  if (has("names", "") || has("roles", "_admin"))
    return visit.report.note("template", "others than admins write to " + name + ", and so into every channel", close);
  visit.report.ok("template", name + " is there, and admins alone write to it");
}

void check_system_databases(Visit& visit) {
  bool all = true;
  for (const char* name : {"_users", "_replicator", "_global_changes"}) {
    if (Database(*visit.server, name).exists()) continue;
    all = false;
    const bool is_feed = std::string_view(name) == "_global_changes";
    // CouchDB 1.x knows _db_updates without it.
    if (is_feed && !visit.is_at_least(2, 0)) continue;
    visit.report.fault(
        name,
        is_feed ? "is not there: changes in sleeping databases are found by the sweep alone"
                : "is not there",
        {"curl -u ADMIN -X PUT " + visit.settings.url + name,
         "the running daemon makes it within a minute"});
  }
  if (all) visit.report.ok("system-databases", "_users, _replicator and _global_changes are there");
}

void check_design_documents(Visit& visit) {
  const int before = visit.report.faults();
  check_design(visit, visit.settings.handshake_db, "handshake");
  check_design(visit, visit.settings.registry_db, "registry");
  if (visit.settings.role == Role::cloud) {
    check_some(visit, visit.settings.control_prefix, "control");
    check_some(visit, visit.settings.channel_prefix, "channel");
  }
  if (visit.report.faults() == before)
    visit.report.ok("design-documents", "those of handshake and registry are this program's");
}

void check_disk(Visit& visit) {
  for (const Node& node : visit.nodes) {
    const std::string folder = value_in(node.running, "couchdb", "database_dir");
    struct statvfs disk {};
    // Of this machine only, if the folder is this machine's at all.
    if (!visit.files.are_couchdbs || visit.nodes.size() > 1 || !folder.starts_with('/')) return;
    if (statvfs(folder.c_str(), &disk) != 0 || disk.f_blocks == 0) return;
    const double room = static_cast<double>(disk.f_bavail) / static_cast<double>(disk.f_blocks);
    const std::string found = std::to_string(static_cast<int>(room * 100)) + " % free in " + folder;
    if (room < little_room) {
      visit.report.note("disk", found,
                        {"compact databases, or make room: CouchDB stops writing when it is full"});
    } else {
      visit.report.ok("disk", found);
    }
  }
}

}  // namespace channels
