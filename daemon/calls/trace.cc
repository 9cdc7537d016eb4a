// `couchdb-channels trace`: what the registry has of one document, and why it is as it is.
#include <algorithm>
#include <iomanip>
#include <memory>
#include <set>

#include "base/log.h"
#include "calls/all.h"
#include "calls/calls.h"
#include "calls/parked.h"
#include "engine/trace.h"

namespace channels {

namespace {

// What a person can read; the newest.
constexpr std::size_t most_runs = 500;

struct TraceWanted {
  std::string id = {};
  std::string database = {};
  bool as_json = false;
};

struct TracedDocument {
  std::vector<Document> runs;
  json::array documents;
};

// As the database has it now.
json::object document_now(Operator& by, Records& records, const std::string& name, const std::string& id, bool parked) {
  json::object now{{"database", name}, {"id", id}, {"parked", parked}};
  Database database(by.server, name);
  const auto doc = database.exists() ? database.get(id) : std::nullopt;
  if (doc) {
    now["type"] = doc_type(*doc);
    now["state"] = doc_state(*doc);
    now["rev"] = doc_rev(*doc);
  }
  if (const auto revisit = records.revisit_of(name, id)) {
    now["due"] = format_time(revisit->due);
    if (!revisit->attempts.history.empty()) now["reason"] = revisit->attempts.history.back().reason;
  }
  return now;
}

TracedDocument find(Operator& by, const TraceWanted& wanted) {
  Database registry(by.server, by.settings.registry_db);
  Records records(by.env, registry);
  TracedDocument found;
  std::set<std::string> databases;
  std::set<std::string> parked_in;
  if (!wanted.database.empty()) databases.insert(wanted.database);
  for (Document& run : traces_of(registry, wanted.id, most_runs)) {
    const std::string database = string_or(run, "database", "");
    if (!wanted.database.empty() && database != wanted.database) continue;
    databases.insert(database);
    found.runs.push_back(std::move(run));
  }
  for (const ParkedFailure& failure : parked_now(records, by.server)) {
    if (failure.id != wanted.id || (!wanted.database.empty() && failure.database != wanted.database)) continue;
    databases.insert(failure.database);
    parked_in.insert(failure.database);
  }
  for (const std::string& database : databases)
    found.documents.push_back(document_now(by, records, database, wanted.id, parked_in.contains(database)));
  return found;
}

json::object run_json(const Document& run) {
  json::object shown;
  for (const char* name : {"database", "id", "rev", "rule", "mode", "attempt", "time", "took_ms", "outcome", "state", "due",
                           "reason", "left_out"}) {
    if (const json::value* value = run.if_contains(name)) shown[name] = *value;
  }
  return shown;
}

std::string short_rev(const std::string& rev) {
  return rev.substr(0, rev.find('-') + 5);
}

void print_document(const json::object& doc, std::ostream& out) {
  out << escaped(string_or(doc, "id", "")) << " in " << escaped(string_or(doc, "database", "")) << ": ";
  if (!doc.contains("rev")) {
    out << "is not there now";
  } else {
    out << "type " << escaped(string_or(doc, "type", "")) << ", state " << escaped(string_or(doc, "state", "")) << ", rev "
        << escaped(short_rev(string_or(doc, "rev", "")));
  }
  if (is_true(doc, "parked")) out << "; parked, couchdb-channels retry brings it back";
  if (doc.contains("due")) out << "; looked at again at " << string_or(doc, "due", "");
  out << "\n";
}

std::string came_of(const Document& run) {
  const std::string outcome = string_or(run, "outcome", "?");
  if (outcome == "saved") return "saved as " + escaped(string_or(run, "state", ""));
  if (outcome == "later") return "again at " + string_or(run, "due", "?");
  const std::string reason = string_or(run, "reason", "");
  return reason.empty() ? outcome : outcome + ": " + escaped(reason);
}

void print_runs(const std::vector<Document>& runs, bool in_several, std::ostream& out) {
  std::size_t widest = 4;
  for (const Document& run : runs) widest = std::max(widest, escaped(string_or(run, "rule", "")).size());
  const int rule_width = static_cast<int>(std::min<std::size_t>(widest, 40)) + 2;
  out << std::left << std::setw(22) << "TIME" << std::setw(rule_width) << "RULE" << std::setw(8) << "MODE" << std::setw(5) << "TRY"
      << std::setw(10) << "REV" << std::setw(10) << "TOOK" << "WHAT CAME OF IT\n";
  for (const Document& run : runs) {
    if (const auto left_out = int_or(run, "left_out", 0); left_out > 0)
      out << "(" << left_out << " runs of that worker before this one were not written: too many)\n";
    out << std::left << std::setw(22) << string_or(run, "time", "?") << std::setw(rule_width)
        << escaped(string_or(run, "rule", "")) << std::setw(8) << string_or(run, "mode", "") << std::setw(5)
        << int_or(run, "attempt", 1) << std::setw(10) << escaped(short_rev(string_or(run, "rev", ""))) << std::setw(10)
        << std::to_string(int_or(run, "took_ms", 0)) + " ms" << came_of(run);
    if (in_several) out << " (" << escaped(string_or(run, "database", "")) << ")";
    out << "\n";
  }
}

int print_trace(Operator& by, const TraceWanted& wanted) {
  const TracedDocument found = find(by, wanted);
  const bool nothing = found.runs.empty() && std::none_of(found.documents.begin(), found.documents.end(), [](const auto& doc) {
    return is_true(doc.as_object(), "parked") || doc.as_object().contains("due");
  });
  if (wanted.as_json) {
    json::array runs;
    for (const Document& run : found.runs) runs.push_back(run_json(run));
    by.out << json::serialize(json::object{{"documents", found.documents}, {"runs", runs}, {"all_runs", by.settings.trace}}) << "\n";
    return nothing ? 1 : 0;
  }
  for (const json::value& doc : found.documents) print_document(doc.as_object(), by.out);
  if (found.runs.empty()) {
    by.out << "the registry has no run of " << escaped(wanted.id) << "\n";
  } else {
    print_runs(found.runs, found.documents.size() > 1, by.out);
  }
  if (!by.settings.trace) by.out << "(failures and unsafe runs of the last days; [channels] trace = on keeps every run from then on)\n";
  return nothing ? 1 : 0;
}

}  // namespace

void add_trace(Calls& calls) {
  auto wanted = std::make_shared<TraceWanted>();
  CLI::App& command = calls.add("trace", "the runs of one document: failures, unsafe ones, with [channels] trace = on all",
                                [wanted](Operator& by) { return print_trace(by, *wanted); });
  command.add_option("DOC", wanted->id, "the document's _id")->required();
  command.add_option("--db", wanted->database, "in this database only");
  command.add_flag("--json", wanted->as_json, "one JSON object");
}

}  // namespace channels
