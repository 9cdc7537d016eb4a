// simulate: runs seeds, each in a process of its own, and prints those that fail.
//   simulate --seeds 1000 [--first 1] [--jobs 2] [--mutant NAME]      exit 1 if one fails
//   simulate --seed 17 --trace                                        one run, with everything that happened
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "base/mutation.h"
#include "simulation/engine_world.h"

namespace channels {

namespace {
std::string active_mutant;
}

bool mutant(std::string_view name) {
  return name == active_mutant;
}

}  // namespace channels

namespace {

using namespace channels::simulation;

// Real seconds that one run may take; it takes well under one.
constexpr unsigned longest_run_s = 60;

void run_seed(std::uint64_t seed, bool trace) {
  alarm(longest_run_s);
  Scheduler scheduler(seed);
  scheduler.print = trace;
  Process process{"run"};
  scheduler.run(process, [&] { EngineWorld(scheduler).run(); });
  if (trace) std::cout << "digest " << scheduler.trace_digest() << "\n";
}

pid_t start(std::uint64_t seed) {
  std::cout.flush();
  const pid_t child = fork();
  if (child != 0) return child;
  run_seed(seed, false);
  std::cout.flush();
  std::_Exit(0);
}

int run_seeds(std::uint64_t first, std::uint64_t count, int jobs, bool stop_at_first) {
  std::map<pid_t, std::uint64_t> running;
  std::uint64_t next = first;
  int failed = 0;
  while (next < first + count || !running.empty()) {
    const bool enough = stop_at_first && failed > 0;
    while (!enough && next < first + count && static_cast<int>(running.size()) < jobs) {
      running[start(next)] = next;
      ++next;
    }
    if (running.empty()) break;
    int status = 0;
    const pid_t ended = wait(&status);
    const std::uint64_t seed = running.at(ended);
    running.erase(ended);
    if (status == 0) continue;
    ++failed;
    if (WIFSIGNALED(status)) std::cout << "seed " << seed << " failed: " << (WTERMSIG(status) == SIGALRM ? "it does not end" : strsignal(WTERMSIG(status))) << std::endl;
  }
  std::cout << next - first << " seeds, " << failed << " failed" << std::endl;
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Runs the engine on virtual time against an in-memory CouchDB, with faults by seed.", "simulate");
  std::uint64_t seeds = 0;
  std::uint64_t first = 1;
  std::uint64_t seed = 0;
  int jobs = 2;
  bool trace = false;
  bool stop_at_first = false;
  app.add_option("--seeds", seeds, "how many");
  app.add_option("--first", first, "the first of them");
  app.add_option("--seed", seed, "this one only, in this process");
  app.add_option("--jobs", jobs, "at once");
  app.add_option("--mutant", channels::active_mutant, "a bug on purpose, see daemon/base/mutation.h");
  app.add_flag("--trace", trace, "print what happens");
  app.add_flag("--stop-at-first", stop_at_first, "end with the first seed that fails");
  CLI11_PARSE(app, argc, argv);
  if (seed != 0) {
    run_seed(seed, trace);
    return 0;
  }
  return run_seeds(first, seeds, jobs, stop_at_first);
}
