// What the running CouchDB has set that devices depend on.
#include <charconv>

#include "calls/doctor/visit.h"

namespace channels {

namespace {

// A locked-out device would read on for an hour.
constexpr long long a_long_feed_ms = 3600000;

// -1: it is no number ("infinity"), or not there.
long long number_in(const std::string& text) {
  long long number = -1;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc() && end == text.data() + text.size() ? number : -1;
}

void check_who_may_come(Visit& visit, const Node& node) {
  for (const char* section : {"chttpd", "chttpd_auth", "couch_httpd_auth"}) {
    for (const char* key : {"require_valid_user", "require_valid_user_except_for_up"}) {
      if (value_in(node.running, section, key) == "true")
        visit.report.fault("require_valid_user",
                           "[" + std::string(section) + "] " + key + " = true" + visit.at(node) +
                               ": a device that is not registered yet cannot reach the handshake",
                           in_local_ini(section, {std::string(key) + " = false"}));
    }
  }
}

void check_hashes(Visit& visit, const Node& node) {
  const std::string least = auth_value_in(node.running, "min_iterations");
  if (number_in(least) > 1)
    visit.report.fault("min_iterations",
                       "min_iterations = " + least + visit.at(node) +
                           ": CouchDB refuses every device, whose random secret is hashed once",
                       in_local_ini("chttpd_auth", {"min_iterations = 1"}));
  if (visit.is_at_least(3, 4) &&
      value_in(node.running, "chttpd_auth", "upgrade_hash_on_auth") != "false")
    visit.report.note("upgrade_hash_on_auth",
                      "is on" + visit.at(node) +
                          ": CouchDB makes devices' hashes costly, 160 ms of CPU at each log-in",
                      in_local_ini("chttpd_auth", {"upgrade_hash_on_auth = false"}));
}

void check_feeds_length(Visit& visit, const Node& node) {
  const std::string text = value_in(node.running, "fabric", "changes_duration");
  const long long duration = number_in(text);
  const std::string value = text.empty() ? "is not set" : "= " + text;
  if (duration < 0) {
    visit.report.fault(
        "changes_duration",
        value + visit.at(node) + ": an open feed of a revoked device delivers for ever",
        in_local_ini("fabric", {"changes_duration = 60000"}));
  } else if (!has_manager(visit, node)) {
    visit.report.note("changes_duration",
                      value + " ms" + visit.at(node) +
                          ", but CouchDB looks at it only in a feed's pauses, and there is no "
                          "manager here that ends busy feeds, "
                          "too: a revoked device that holds one open reads on",
                      {"let CouchDB start the daemon (docs/operations.md), or have a proxy that "
                       "limits a connection's life"});
  } else if (duration > a_long_feed_ms) {
    visit.report.note("changes_duration",
                      value + " ms" + visit.at(node) + ": a revoked device reads on for that long");
  } else {
    visit.report.ok("changes_duration", value + " ms" + visit.at(node) +
                                            ", and the manager ends feeds, busy ones, too");
  }
}

}  // namespace

void check_settings(Visit& visit) {
  for (const Node& node : visit.nodes) {
    check_who_may_come(visit, node);
    check_hashes(visit, node);
    if (value_in(node.running, "global_changes", "update_db") == "false")
      visit.report.fault("_global_changes",
                         "[global_changes] update_db = false" + visit.at(node) +
                             ": changes in sleeping databases are found by the sweep alone",
                         in_local_ini("global_changes", {"update_db = true"}));
  }
}

void check_feeds(Visit& visit) {
  // CouchDB 1.x has no such key.
  if (!visit.is_at_least(2, 0)) return;
  for (const Node& node : visit.nodes) check_feeds_length(visit, node);
}

}  // namespace channels
