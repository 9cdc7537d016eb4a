#include <memory>

#include "base/log.h"
#include "calls/all.h"
#include "calls/calls.h"
#include "calls/device.h"
#include "calls/parked.h"
#include "engine/workers.h"

namespace channels {

namespace {

json::object failure_json(const ParkedFailure& failure) {
  const auto& history = failure.attempts.history;
  json::object out{{"database", failure.database},
                   {"id", failure.id},
                   {"rule", failure.rule},
                   {"attempts", failure.attempts.count}};
  if (history.empty()) return out;
  out["first_time"] = format_time(history.front().time);
  out["last_time"] = format_time(history.back().time);
  out["reason"] = history.back().reason;
  return out;
}

void print_worker(const json::object& worker, std::ostream& out) {
  out << (is_true(worker, "alive") ? "worker " : "gone   ") << string_or(worker, "place", "?")
      << ", last heard of " << string_or(worker, "time", "?") << "\n";
  const json::object* status = get_object(worker, "status");
  if (!is_true(worker, "alive") || status == nullptr) return;
  if (const json::value* quorum = status->if_contains("quorum");
      quorum != nullptr && *quorum == json::value(false))
    out << "  below quorum: no unsafe run starts\n";
  const json::object* backlog = get_object(*status, "backlog");
  if (backlog == nullptr || backlog->empty()) out << "  no backlog\n";
  if (backlog != nullptr) {
    for (const auto& [rule, count] : *backlog)
      out << "  backlog " << rule << ": " << json::serialize(count) << "\n";
  }
  if (const json::object* feed = get_object(*status, "feed"))
    out << "  _db_updates last heard " << string_or(*feed, "heard", "never") << "\n";
  const json::object* sweep = get_object(*status, "sweep");
  const json::object* round = sweep == nullptr ? nullptr : get_object(*sweep, "last_round");
  if (round == nullptr || round->empty()) return;
  out << "  sweep: last round ended " << string_or(*round, "ended", "?") << ", "
      << int_or(*round, "databases", 0) << " databases in " << int_or(*round, "seconds", 0)
      << " s, " << int_or(*round, "found", 0) << " changed unseen\n";
}

void print_failure(const json::object& failure, std::ostream& out) {
  out << "parked " << escaped(string_or(failure, "id", "")) << " in "
      << string_or(failure, "database", "") << " (" << string_or(failure, "rule", "") << "), "
      << int_or(failure, "attempts", 0) << " attempts, last "
      << string_or(failure, "last_time", "?") << ": " << escaped(string_or(failure, "reason", ""))
      << "\n";
}

int print_status(Operator& by, bool as_json) {
  Database registry(by.server, by.settings.registry_db);
  const json::array workers = workers_now(by.env, registry);
  Records records(by.env, registry);
  json::array parked;
  for (const ParkedFailure& failure : parked_now(records, by.server))
    parked.push_back(failure_json(failure));
  bool any_alive = false;
  for (const json::value& worker : workers)
    any_alive = any_alive || is_true(worker.as_object(), "alive");
  const bool is_device = by.settings.role == Role::device;
  const json::value device = is_device ? device_status(by) : json::value();
  if (as_json) {
    json::object all{{"workers", workers}, {"parked", parked}};
    if (is_device) all["device"] = device;
    by.out << json::serialize(all) << "\n";
    return any_alive ? 0 : 1;
  }
  for (const json::value& worker : workers) print_worker(worker.as_object(), by.out);
  if (!any_alive)
    by.out << "no worker is alive: does [os_daemons] channels stand in local.ini, and what does "
              "CouchDB's log say?\n";
  for (const json::value& failure : parked) print_failure(failure.as_object(), by.out);
  if (parked.empty()) by.out << "nothing is parked\n";
  if (is_device) print_device(device, by.out);
  return any_alive ? 0 : 1;
}

}  // namespace

void add_status(Calls& calls) {
  auto as_json = std::make_shared<bool>(false);
  CLI::App& command = calls.add("status", "workers, backlog, feeds and what is parked",
                                [as_json](Operator& by) { return print_status(by, *as_json); });
  command.add_flag("--json", *as_json, "one JSON object");
}

}  // namespace channels
