// `couchdb-channels doctor`: every check in its order. What one finds broken, the next ones do
// without.
#include <iostream>
#include <memory>

#include "calls/all.h"
#include "calls/calls.h"
#include "calls/doctor/visit.h"
#include "http/curl_transport.h"

namespace channels {

namespace {

struct DoctorAsked {
  bool as_json = false;
  std::string origin;
};

void examine(Visit& visit, const char* name, void (*check)(Visit&)) {
  try {
    check(visit);
  } catch (const std::exception& trouble) {  // Unavailable or Refused
    visit.report.fault(name, std::string("cannot be checked: ") + trouble.what(),
                       {"see to the lines above, then run doctor again"});
  }
}

void look_from_outside(Visit& visit) {
  examine(visit, "public_url", check_public_url);
  examine(visit, "page", check_page);
}

void look_inside(Visit& visit) {
  examine(visit, "nodes", check_nodes);
  examine(visit, "quorum", check_quorum);
  examine(visit, "manager", check_manager);
  examine(visit, "settings", check_settings);
  examine(visit, "changes_duration", check_feeds);
  examine(visit, "system-databases", check_system_databases);
  examine(visit, "design-documents", check_design_documents);
  examine(visit, "disk", check_disk);
}

void examine_all(Visit& visit) {
  if (!check_configuration(visit)) return;
  const bool is_cloud = visit.settings.role == Role::cloud;
  check_admins(visit);
  check_secret(visit);
  if (is_cloud) check_mail(visit);
  if (!check_server(visit)) return;
  bool is_in = false;
  try {
    is_in = check_log_in(visit);
  } catch (const std::exception& trouble) {  // Unavailable
    visit.report.fault("log-in", trouble.what(), {"CouchDB's log says why"});
  }
  if (is_in) look_inside(visit);
  examine(visit, "handshake", check_handshake);
  examine(visit, "closed", check_closed);
  if (is_cloud) {
    look_from_outside(visit);
    examine(visit, "cors", check_cors);
    if (is_in) examine(visit, "template", check_template);
    if (is_in) examine(visit, "x-forwarded-for", check_forwarded);
  }
  if (is_in) examine(visit, "daemon", check_worker);
  // Last: with many users it takes its time.
  if (is_in && is_cloud) examine(visit, "orphans", check_orphans);
}

int run_doctor(const IniFiles& files, const DoctorAsked& asked) {
  Report report(asked.as_json ? nullptr : &std::cout);
  RealEnv env;
  CurlTransport transport;
  Visit visit{env, transport, report, files, asked.origin};
  examine_all(visit);
  if (asked.as_json) {
    std::cout << json::serialize(report.as_json()) << "\n";
  } else {
    const int faults = report.faults();
    std::cout << (faults == 0   ? "no fault"
                  : faults == 1 ? "1 fault"
                                : std::to_string(faults) + " faults")
              << "\n";
  }
  return report.faults() == 0 ? 0 : exit_failed;
}

// What a browser sends as Origin.
std::string origin_fault(const std::string& text) {
  const auto host = text.find("://");
  const bool is_origin = host != text.npos && host > 0 && host + 3 < text.size() &&
                         text.find_first_of("/ ,", host + 3) == text.npos;
  return is_origin ? "" : "must be scheme://host[:port], without a path: " + text;
}

}  // namespace

void add_doctor(Calls& calls) {
  auto asked = std::make_shared<DoctorAsked>();
  CLI::App& command =
      calls.add_bare("doctor", "check the installation, also a broken one, and say what to do",
                     [asked](const IniFiles& files) { return run_doctor(files, *asked); });
  command.add_flag("--json", asked->as_json, "one JSON object");
  command
      .add_option("--origin", asked->origin,
                  "an app's own, as browsers send it: CORS has to let it in")
      ->type_name("URL")
      ->check(CLI::Validator(origin_fault, ""));
}

}  // namespace channels
