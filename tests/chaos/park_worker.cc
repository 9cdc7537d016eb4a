// A worker whose one rule is unsafe and parks: `charge/new` -> `paid`. park.test.mjs starts three of them and kills them
// in the middle; none of the program's own rules parks.
//
//   park_worker --registry NAME --database NAME --lease SECONDS
//
// COUCHDB_URL, COUCHDB_USER and COUCHDB_PASSWORD say where. Prints "ready", and "act <attempt key>" at the act itself,
// which takes a while until its result is saved. Ends with its standard input.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "engine/engine.h"
#include "http/curl_transport.h"
#include "provision/databases.h"
#include "provision/design_docs.h"

namespace channels {
namespace {

constexpr milliseconds act_takes{300};
constexpr seconds time_limit{3};

struct Options {
  std::string registry;
  std::string database;
  long lease = 10;
};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set: tests/run.mjs does it");
  return value;
}

// In one write, so that what a kill -9 leaves in the pipe is whole lines.
void say(const std::string& line) {
  const std::string whole = line + "\n";
  if (write(STDOUT_FILENO, whole.data(), whole.size()) != static_cast<ssize_t>(whole.size())) std::abort();
}

Outcome charge(Run& run, const Document& doc) {
  say("act " + run.attempt_key);
  std::this_thread::sleep_for(act_takes);
  return Save{in_state(doc, "paid")};
}

void work(const Options& options) {
  RealEnv env;
  StderrLog log;
  CurlTransport transport;
  BasicCredentials credentials(variable("COUCHDB_USER"), variable("COUCHDB_PASSWORD"));
  Server server(transport, credentials, variable("COUCHDB_URL"));
  Database registry(server, options.registry);
  ensure_database(registry, 1);
  ensure_design_doc(registry, "registry");
  Rules rules;
  rules.on(Kind::followed).unsafe("charge", "new", charge, {.on_lost = OnLost::park, .time_limit = time_limit});
  EngineOptions engine_options;
  engine_options.registry_db = options.registry;
  engine_options.pinned = {options.database};
  engine_options.lease = seconds(options.lease);
  engine_options.place = "park_worker " + std::to_string(getpid());
  const KindOf kind_of = [&options](std::string_view name) -> std::optional<Kind> {
    if (name == options.database) return Kind::followed;
    return std::nullopt;
  };
  const Engine engine(env, log, server, rules, kind_of, engine_options);
  say("ready");
  for (std::string line; std::getline(std::cin, line);) {
  }
}

}  // namespace
}  // namespace channels

int main(int argc, char** argv) {
  CLI::App app("A worker with a rule that parks, for tests/chaos/park.test.mjs");
  channels::Options options;
  app.add_option("--registry", options.registry)->required();
  app.add_option("--database", options.database)->required();
  app.add_option("--lease", options.lease);
  CLI11_PARSE(app, argc, argv);
  try {
    channels::work(options);
  } catch (const std::exception& trouble) {
    std::cerr << "park_worker: " << trouble.what() << "\n";
    return 1;
  }
  return 0;
}
