// `couchdb-channels replay`: what new handler code would make of the documents that are there, with nothing written.
#include <iostream>
#include <map>
#include <memory>

#include "base/digest.h"
#include "base/log.h"
#include "calls/all.h"
#include "calls/calls.h"
#include "calls/differences.h"
#include "calls/replay_runs.h"
#include "programs/program.h"
#include "programs/recording_proxy.h"

namespace channels {

namespace {

constexpr milliseconds longest_start = seconds(31);
constexpr milliseconds between_looks{20};

struct Wanted {
  std::string database = {};
  ReplayedDocuments which = {};
  std::string command = {};
  int in_flight = 16;
  int timeout = 20;
  bool as_json = false;
};

// What the program logs in with: worth something at the proxy only.
class ProxyCookie : public Credentials {
 public:
  explicit ProxyCookie(std::string cookie) : cookie_(std::move(cookie)) {}
  std::vector<std::pair<std::string, std::string>> headers() override { return {{"Cookie", cookie_}}; }

 private:
  const std::string cookie_;
};

// Prints each difference as it comes, the counts at the end.
class Report {
 public:
  Report(std::ostream& out, bool as_json) : out_(out), as_json_(as_json) {}

  void run_ended(const Document& doc, const Rule& rule, const Outcome& outcome) {
    const std::string from = escaped(doc_type(doc)) + "/" + escaped(doc_state(doc));
    json::object entry{{"id", doc_id(doc)}, {"rule", rule.name}, {"from", doc_state(doc)}};
    if (const auto* save = std::get_if<Save>(&outcome)) {
      ++counts_[from + " -> " + escaped(doc_state(save->doc))];
      entry["to"] = doc_state(save->doc);
      print_changes(doc_id(doc) + ": " + from + " -> " + doc_state(save->doc), differences(doc, save->doc), entry);
    } else if (const auto* failed = std::get_if<Failed>(&outcome)) {
      print_failure(doc, from, failed->reason, entry);
    } else if (const auto* lost = std::get_if<Lost>(&outcome)) {
      print_failure(doc, from, lost->reason, entry);
    } else {
      ++counts_[from + " stays as it is"];
      entry["to"] = doc_state(doc);
    }
    if (as_json_) documents_.push_back(std::move(entry));
  }

  void print_writes(const std::vector<RecordedWrite>& writes) {
    if (!as_json_ && !writes.empty()) out_ << "the handler would write\n";
    for (const RecordedWrite& write : writes) print_write(write);
  }

  int end(std::size_t without_rule) {
    if (as_json_) {
      out_ << json::serialize(json::object{{"documents", documents_}, {"writes", writes_}, {"failed", failures_}, {"no_handler", without_rule}}) << "\n";
      return failures_ == 0 ? 0 : 1;
    }
    for (const auto& [what, count] : counts_) out_ << count << " x " << what << "\n";
    if (without_rule > 0) out_ << without_rule << " x no handler\n";
    if (counts_.empty() && without_rule == 0) out_ << "there is no such document\n";
    out_ << "nothing was written\n";
    return failures_ == 0 ? 0 : 1;
  }

 private:
  void print_changes(const std::string& title, const std::vector<Difference>& found, json::object& entry) {
    json::array listed;
    if (!as_json_) out_ << escaped(title) << "\n";
    for (const Difference& difference : found) {
      if (as_json_) listed.push_back(json_of(difference));
      if (!as_json_) out_ << "  " << line_of(difference) << "\n";
    }
    entry["differences"] = std::move(listed);
  }

  void print_failure(const Document& doc, const std::string& from, const std::string& reason, json::object& entry) {
    ++failures_;
    ++counts_[from + " failed"];
    entry["error"] = reason;
    if (!as_json_) out_ << escaped(doc_id(doc)) << ": " << from << " failed: " << escaped(reason) << "\n";
  }

  void print_write(const RecordedWrite& write) {
    json::object entry;
    if (write.id.empty()) {
      entry = {{"method", write.method}, {"path", write.path}, {"body", write.body}};
      if (!as_json_) out_ << write.method << " " << escaped(write.path) << " " << escaped(write.body) << "\n";
    } else {
      const std::string what = !write.before ? "new" : !write.after ? "deleted" : "changed";
      entry = {{"database", write.database}, {"id", write.id}, {"what", what}};
      print_changes(what + " " + write.database + "/" + write.id,
                    differences(write.before.value_or(Document()), write.after.value_or(Document())), entry);
    }
    if (as_json_) writes_.push_back(std::move(entry));
  }

  std::ostream& out_;
  const bool as_json_;
  std::map<std::string, std::size_t> counts_;
  std::size_t failures_ = 0;
  json::array documents_;
  json::array writes_;
};

// Until it has said what it registers, or it is clear that it won't.
void await_ready(Env& env, Program& program) {
  std::mutex mutex;
  const auto signal = env.make_signal();
  const MonoTime enough = env.mono_now() + longest_start;
  while (program.is_beginning() && env.mono_now() < enough) {
    std::unique_lock lock(mutex);
    signal->wait_until(lock, env.mono_now() + between_looks);
  }
}

int replay(Operator& by, const Wanted& wanted) {
  auto command = parse_command_line(wanted.command);
  if (!command) return exit_with("--handler: " + command.error().reason, exit_bad_configuration);
  Database database(by.server, wanted.database);
  if (!database.exists()) return exit_with("there is no database " + escaped(wanted.database), exit_failed);

  const std::string cookie = "AuthSession=replay-" + hex(by.env.random_bytes(16));
  RecordingProxy proxy(by.env, by.transport, by.credentials, by.server.url(), cookie);
  ProxyCookie proxy_cookie(cookie);
  Cookies cookies(by.env, by.transport, proxy_cookie, proxy.url(), "", "");
  StderrLog log;
  ProgramSettings settings;
  settings.name = "handler";
  settings.command = std::move(*command);
  settings.in_flight = wanted.in_flight;
  settings.timeout = seconds(wanted.timeout);
  settings.variables = {{"CHANNELS_REPLAY", "1"}};
  const auto program = std::make_shared<Program>(by.env, log, settings, proxy.url(), cookies, true);
  await_ready(by.env, *program);
  const auto registrations = program->registered();
  if (!registrations) return exit_with("the handler was not ready: see above", exit_failed);

  RuleTable rules;
  for (const Registration& registration : *registrations)
    rules.elsewhere(registration.mode, registration.type, registration.state, settings.name, program);
  Report report(by.out, wanted.as_json);
  ReplayRuns runs(by.env, database, rules, [&](const Document& doc, const Rule& rule, const Outcome& outcome) {
    report.run_ended(doc, rule, outcome);
  });
  runs.run(wanted.which);
  report.print_writes(proxy.writes());
  return report.end(runs.without_rule());
}

}  // namespace

void add_replay(Calls& calls) {
  auto wanted = std::make_shared<Wanted>();
  CLI::App& command = calls.add("replay", "hand the current documents to new handler code, and print what it would change",
                                [wanted](Operator& by) { return replay(by, *wanted); });
  command.add_option("--db", wanted->database, "the documents of this database")->required();
  command.add_option("--type", wanted->which.type, "of this type only");
  command.add_option("--state", wanted->which.state, "in this state only");
  command.add_option("--handler", wanted->command, "the program's command line, as in [channels_handlers]")->required();
  command.add_option("--in-flight", wanted->in_flight, "documents at once, 16")->check(CLI::Range(1, 1000));
  command.add_option("--timeout", wanted->timeout, "seconds for one run, 20")->check(CLI::Range(1, 3600));
  command.add_flag("--json", wanted->as_json, "one JSON object");
}

}  // namespace channels
