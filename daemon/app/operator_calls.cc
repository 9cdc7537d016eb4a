#include "app/operator_calls.h"

#include <map>

#include "base/log.h"
#include "engine/records.h"
#include "engine/workers.h"

namespace channels {

namespace {

constexpr std::size_t failures_a_page = 200;

// All of them, page by page; those whose document has moved on since are removed: nothing is parked there any longer.
std::vector<ParkedFailure> parked_now(Records& records, Server& server) {
  std::vector<ParkedFailure> parked;
  std::vector<ParkedFailure> moved_on;
  std::vector<ParkedFailure> page;
  do {
    const std::optional<ParkedFailure> last = page.empty() ? std::nullopt : std::optional(page.back());
    page = records.failures(failures_a_page, last ? &*last : nullptr);
    std::map<std::string, std::vector<const ParkedFailure*>> by_database;
    for (const ParkedFailure& failure : page) by_database[failure.database].push_back(&failure);
    for (const auto& [name, failures] : by_database) {
      std::vector<std::string> ids;
      for (const ParkedFailure* failure : failures) ids.push_back(failure->id);
      Database database(server, name);
      const auto docs =
          database.exists() ? database.get_many(ids) : std::vector<std::optional<Document>>(ids.size());
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const bool is_as_parked = docs[i] && doc_rev(*docs[i]) == failures[i]->attempts.rev;
        (is_as_parked ? parked : moved_on).push_back(*failures[i]);
      }
    }
  } while (page.size() == failures_a_page);
  records.remove_failures(moved_on);
  return parked;
}

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
  if (const json::value* quorum = status->if_contains("quorum"); quorum != nullptr && *quorum == json::value(false))
    out << "  below quorum: no unsafe run starts\n";
  const json::object* backlog = get_object(*status, "backlog");
  if (backlog == nullptr || backlog->empty()) out << "  no backlog\n";
  if (backlog != nullptr) {
    for (const auto& [rule, count] : *backlog) out << "  backlog " << rule << ": " << json::serialize(count) << "\n";
  }
  if (const json::object* feed = get_object(*status, "feed"))
    out << "  _db_updates last heard " << string_or(*feed, "heard", "never") << "\n";
  const json::object* sweep = get_object(*status, "sweep");
  const json::object* round = sweep == nullptr ? nullptr : get_object(*sweep, "last_round");
  if (round == nullptr || round->empty()) return;
  out << "  sweep: last round ended " << string_or(*round, "ended", "?") << ", " << int_or(*round, "databases", 0)
      << " databases in " << int_or(*round, "seconds", 0) << " s, " << int_or(*round, "found", 0)
      << " changed unseen\n";
}

void print_failure(const json::object& failure, std::ostream& out) {
  out << "parked " << escaped(string_or(failure, "id", "")) << " in " << string_or(failure, "database", "") << " ("
      << string_or(failure, "rule", "") << "), " << int_or(failure, "attempts", 0) << " attempts, last "
      << string_or(failure, "last_time", "?") << ": " << escaped(string_or(failure, "reason", "")) << "\n";
}

}  // namespace

int print_status(Env& env, Server& server, const Settings& settings, bool as_json, std::ostream& out) {
  Database registry(server, settings.registry_db);
  const json::array workers = workers_now(env, registry);
  Records records(env, registry);
  json::array parked;
  for (const ParkedFailure& failure : parked_now(records, server)) parked.push_back(failure_json(failure));
  bool any_alive = false;
  for (const json::value& worker : workers) any_alive = any_alive || is_true(worker.as_object(), "alive");
  if (as_json) {
    out << json::serialize(json::object{{"workers", workers}, {"parked", parked}}) << "\n";
    return any_alive ? 0 : 1;
  }
  for (const json::value& worker : workers) print_worker(worker.as_object(), out);
  if (!any_alive)
    out << "no worker is alive: does [os_daemons] channels stand in local.ini, and what does CouchDB's log say?\n";
  for (const json::value& failure : parked) print_failure(failure.as_object(), out);
  if (parked.empty()) out << "nothing is parked\n";
  return any_alive ? 0 : 1;
}

int retry_parked(Env& env, Server& server, const Settings& settings, const std::string& id, bool all,
                 std::ostream& out) {
  Records records(env, Database(server, settings.registry_db));
  std::vector<ParkedFailure> wanted = parked_now(records, server);
  std::erase_if(wanted, [&](const ParkedFailure& failure) { return !all && failure.id != id; });
  records.bring_back(wanted);
  for (const ParkedFailure& failure : wanted)
    out << "tried again: " << escaped(failure.id) << " in " << failure.database << "\n";
  if (wanted.empty()) out << (all ? "nothing is parked" : "nothing is parked with that id: see couchdb-channels status") << "\n";
  return wanted.empty() && !all ? 1 : 0;
}

}  // namespace channels
