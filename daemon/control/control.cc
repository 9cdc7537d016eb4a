#include "control/control.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <mutex>
#include <thread>

#include "base/errors.h"
#include "base/utf8.h"
#include "control/handed_run.h"
#include "http/curl_transport.h"

namespace channels {

namespace {

constexpr std::size_t longest_log_text = 1000;

// The daemon's end of the pipe, which threads share.
class Pipe : public Log {
 public:
  explicit Pipe(int out) : out_(out) {}

  void send(const std::string& line) {
    const std::lock_guard lock(mutex_);
    for (std::size_t sent = 0; sent < line.size();) {
      const ssize_t count = ::write(out_, line.data() + sent, line.size() - sent);
      if (count < 0 && errno != EINTR) return;  // the daemon is gone: the end of its input comes next
      if (count > 0) sent += static_cast<std::size_t>(count);
    }
  }
  void write(Level level, std::string_view text) override {
    send(json::serialize(json::array{"log", well_formed(text, longest_log_text), json::object{{"level", name_of(level)}}}) + "\n");
  }

 private:
  const int out_;
  std::mutex mutex_;
};

class HandedCookie : public Credentials {
 public:
  explicit HandedCookie(std::string cookie) : cookie_(std::move(cookie)) {}
  std::vector<std::pair<std::string, std::string>> headers() override { return {{"Cookie", cookie_}}; }

 private:
  const std::string cookie_;
};

class NoServer : public Transport {
 public:
  HttpResponse send(const HttpRequest&) override { throw Unavailable("this trial has no CouchDB: give it a couchdb_url"); }
  HttpResponse stream(const HttpRequest& request, milliseconds, const std::function<bool(std::string_view)>&) override {
    return send(request);
  }
};

// What all runs share.
struct Program {
  const Control& control;
  Pipe pipe;
  RealEnv env{};
  CurlTransport transport{};
  std::string url;
};

void handle(Program& program, const FromDaemon& handed) {
  const Rule* rule = program.control.find(doc_type(handed.doc), doc_state(handed.doc));
  Outcome outcome = Failed{"no handler here for " + doc_type(handed.doc) + ", " + doc_state(handed.doc), std::nullopt};
  if (rule != nullptr) {
    HandedCookie cookie(handed.cookie);
    Server server(program.transport, cookie, program.url);
    Run run{program.env, program.pipe, Database(server, handed.database), handed.attempt, handed.attempt_key,
            program.env.mono_now() + (handed.deadline - program.env.wall_now()), false};
    outcome = run_handler(rule->handler, run, handed.doc);
  }
  program.pipe.send(answer_line(handed.number, outcome, program.env.wall_now()));
}

bool is_for_programs(const Control& control) {
  return control.for_deleted() == nullptr && control.for_design() == nullptr && !control.resolver() && !control.on_change();
}

void announce(Program& program) {
  program.control.for_each([&](const std::string& type, const std::string& state, const Rule& rule) {
    json::array words{"register", rule.mode == Mode::safe ? "safe" : "unsafe", type, state};
    if (rule.options.on_lost == OnLost::retry) words.push_back(json::object{{"on_lost", "retry"}});
    program.pipe.send(json::serialize(words) + "\n");
  });
  program.pipe.send("[\"ready\"]\n");
}

}  // namespace

int serve(const Control& control) {
  const char* url = std::getenv("COUCHDB_URL");
  if (url == nullptr || !is_for_programs(control)) {
    std::cerr << (url == nullptr ? "this program is started by couchdb-channels: see [channels_handlers]\n"
                                 : "a program may have safe and unsafe handlers only\n");
    return 2;
  }
  // A stray std::cout would be no message of the protocol.
  Program program{control, Pipe(dup(STDOUT_FILENO)), {}, {}, url};
  dup2(STDERR_FILENO, STDOUT_FILENO);
  announce(program);
  for (std::string line; std::getline(std::cin, line);) {
    FromDaemon said = parse_from_daemon(line);
    // A sign of life: nothing interrupts that handler, and it is that run alone which the daemon gives up.
    if (said.verb == FromDaemon::Verb::cancel)
      program.pipe.write(Level::debug, "run " + std::to_string(said.number) + " is at its time limit");
    if (said.verb != FromDaemon::Verb::handle) continue;
    std::thread([&program, said = std::move(said)] { handle(program, said); }).detach();
  }
  std::cout.flush();
  // The daemon is gone: nobody would hear of what still runs, and nothing waits for it.
  std::quick_exit(0);
}

std::optional<Outcome> try_out(const Control& control, const Document& doc, const Trial& trial) {
  const Rule* rule = control.find(doc_type(doc), doc_state(doc));
  if (rule == nullptr) return std::nullopt;
  RealEnv env;
  StderrLog log;
  NoServer nowhere;
  CurlTransport curl;
  NoCredentials nobody;
  Transport& transport = trial.couchdb_url.empty() ? static_cast<Transport&>(nowhere) : curl;
  Server server(transport, nobody, trial.couchdb_url.empty() ? "http://127.0.0.1/" : trial.couchdb_url);
  Run run{env, log, Database(server, trial.database), trial.attempt, trial.attempt_key, MonoTime::max(), false};
  return run_handler(rule->handler, run, doc);
}

}  // namespace channels
