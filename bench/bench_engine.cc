// The real Engine on the real transport, with the one rule `job/new -> done`, for measurements: node
// bench/main.mjs starts it and speaks with it over stdin and stdout, one line each.
//
//   bench_engine --registry NAME [--pinned NAME] [--prefix PREFIX] [--sweep N] [--unsafe] [--program COMMAND]
//                [--debug]
//
// With --program the pinned database's rule is that program's, which registers (job, new); with --unsafe it is unsafe.
// The pinned database has the rule, and those whose names begin with PREFIX; the latter cost the looks that the
// program takes at a control database that wakes: into the registry, at the design document. Commands, each answered by a line of JSON:
//   start N           makes the engine; the clock runs
//   saved MS          waits until N documents are saved: {"seconds", "cpu", "rss", "peak_rss", "requests", ...}, or
//                     {"timeout": true, ...}
//   quiet MS LIMIT    waits until its databases were left alone for MS
//   expect N          counts anew, for the next `saved`
//   stats             the numbers now
// It ends with its standard input.
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "engine/engine.h"
#include "meter.h"
#include "provision/databases.h"
#include "programs/program.h"
#include "provision/design_docs.h"

namespace channels {
namespace {

struct Options {
  std::string registry;
  std::string pinned;
  std::string prefix;
  int sweep = 20;
  bool unsafe = false;
  std::string program;
  bool debug = false;
};

class Bench {
 public:
  explicit Bench(Options options)
      : options_(std::move(options)),
        log_(options_.debug ? Level::debug : Level::error),
        transport_(options_.registry),
        credentials_(required_variable("COUCHDB_USER"), required_variable("COUCHDB_PASSWORD")),
        server_(transport_, credentials_, required_variable("COUCHDB_URL")) {
    const auto rule = [](Run&, const Document& doc) -> Outcome { return Save{in_state(doc, state_after)}; };
    if (!options_.program.empty()) {
      start_program();
    } else if (options_.unsafe) {
      rules_.on(Kind::followed).unsafe(measured_type, state_before, rule);
    } else {
      rules_.on(Kind::followed).safe(measured_type, state_before, rule);
    }
    rules_.on(Kind::control).safe(measured_type, state_before, rule);
    Database registry(server_, options_.registry);
    ensure_database(registry, 1);
    ensure_design_doc(registry, "registry");
  }

  void obey(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    long number = 0;
    long limit = 0;
    words >> number >> limit;
    if (command == "start") {
      start(number);
    } else if (command == "expect") {
      begin(number);
      tell({{"ok", true}});
    } else if (command == "saved") {
      const auto reached = transport_.wait_for_saves(milliseconds(number));
      tell_numbers(reached.value_or(std::chrono::steady_clock::now()), !reached);
    } else if (command == "quiet") {
      tell_numbers(transport_.wait_for_quiet(milliseconds(number), milliseconds(limit)), false);
    } else {
      tell_numbers(std::chrono::steady_clock::now(), false);
    }
  }

 private:
  void start_program() {
    ProgramSettings settings;
    settings.name = "measured";
    settings.command = *parse_command_line(options_.program);
    auto program = std::make_shared<Program>(env_, log_, settings, server_.url(), cookies_, true);
    const MonoTime enough = std::chrono::steady_clock::now() + seconds(35);
    while (!program->registered()) {
      if (std::chrono::steady_clock::now() > enough) throw std::runtime_error("the program is not ready: " + options_.program);
      std::this_thread::sleep_for(milliseconds(1));
    }
    RuleOptions rule;
    rule.time_limit = program->longest_run();
    rules_.on(Globs{options_.pinned})
        .elsewhere(options_.unsafe ? Mode::unsafe : Mode::safe, measured_type, state_before, "measured", program, rule);
  }

  void begin(long documents) {
    transport_.expect(documents);
    began_ = std::chrono::steady_clock::now();
    began_cpu_ = cpu_seconds();
  }

  void start(long documents) {
    begin(documents);
    EngineOptions options;
    options.registry_db = options_.registry;
    if (!options_.pinned.empty()) options.pinned = {options_.pinned};
    options.sweep = options_.sweep;
    options.design_version = [version = design_doc_version("control")](Kind kind) {
      return kind == Kind::control ? version : 0;
    };
    options.prepare = [this](Kind kind, Database& database) {
      if (kind != Kind::control) return true;
      Database(server_, options_.registry).get("user-" + database.name());
      database.get("_design/channels");
      return true;
    };
    const KindOf kind_of = [this](std::string_view name) -> std::optional<Kind> {
      if (name == options_.pinned) return Kind::followed;
      if (!options_.prefix.empty() && name.starts_with(options_.prefix)) return Kind::control;
      return std::nullopt;
    };
    engine_ = std::make_unique<Engine>(env_, log_, server_, rules_, kind_of, options);
    tell({{"ok", true}});
  }

  void tell_numbers(MonoTime at, bool timeout) {
    json::object numbers = transport_.counts();
    numbers["seconds"] = seconds_between(began_, at);
    numbers["cpu"] = cpu_seconds() - began_cpu_;
    numbers["rss"] = resident_kb();
    numbers["peak_rss"] = peak_resident_kb();
    if (timeout) numbers["timeout"] = true;
    tell(numbers);
  }

  const Options options_;
  RealEnv env_;
  StderrLog log_;
  CountingTransport transport_;
  BasicCredentials credentials_;
  Server server_;
  Cookies cookies_{env_, transport_, credentials_, server_.url(), required_variable("COUCHDB_USER"),
                   required_variable("COUCHDB_PASSWORD")};
  Rules rules_;
  MonoTime began_;
  double began_cpu_ = 0;
  std::unique_ptr<Engine> engine_;  // last: it ends first
};

}  // namespace
}  // namespace channels

int main(int argc, char** argv) {
  mallopt(M_ARENA_MAX, 2);  // as the program does
  CLI::App app("The engine with one rule, for bench/main.mjs");
  channels::Options options;
  app.add_option("--registry", options.registry)->required();
  app.add_option("--pinned", options.pinned);
  app.add_option("--prefix", options.prefix);
  app.add_option("--sweep", options.sweep);
  app.add_flag("--unsafe", options.unsafe);
  app.add_option("--program", options.program);
  app.add_flag("--debug", options.debug);
  CLI11_PARSE(app, argc, argv);
  try {
    channels::Bench bench(options);
    channels::tell({{"ok", true}});
    for (std::string line; std::getline(std::cin, line);) bench.obey(line);
  } catch (const std::exception& trouble) {
    std::cerr << "bench_engine: " << trouble.what() << "\n";
    return 1;
  }
  return 0;
}
