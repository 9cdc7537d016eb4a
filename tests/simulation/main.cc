// simulate: runs seeds, each in a process of its own, and prints those that fail.
//   simulate --seeds 1000 [--first 1] [--jobs 2] [--mutant NAME]      exit 1 if one fails
//   simulate --mutants --seeds 1000                                   each bug on purpose has to be caught
//   simulate --replay 10                                              each seed twice, with the same end
//   simulate --seed 17 --trace                                        one run, with everything that happened
// A seed plays in one of two worlds: of the engine alone with a shop's rules (engine_world.h), or of whole daemons and
// devices (devices/daemons_world.h). --world shop|devices has all seeds play in one.
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstring>
#include <iostream>
#include <map>
#include <set>

#include "base/mutation.h"
#include "simulation/devices/daemons_world.h"
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
// One seed in so many plays in the world of devices, which takes longer.
constexpr std::uint64_t devices_share = 5;

// The questions in daemon/engine, see daemon/base/mutation.h.
constexpr const char* mutants[] = {"takeover-at-once", "accepted-counts-as-won", "lease-unchecked", "lease-too-short",
                                   "unsafe-as-safe", "conflict-drop", "lost-run-ignored", "park-forgotten",
                                   "no-revisit", "settled-while-running", "checkpoint-early", "no-sweep",
                                   "mark-unchecked"};
// And those in daemon/workflows, which only the world of devices can catch.
constexpr const char* mutants_with_devices[] = {"copies-forgotten", "roles-forgotten", "security-unread"};

std::string world = "both";

bool plays_with_devices(std::uint64_t seed) {
  return world == "devices" || (world == "both" && seed % devices_share == 0);
}

std::uint64_t run_seed(std::uint64_t seed, bool trace) {
  alarm(longest_run_s);
  Scheduler scheduler(seed);
  scheduler.print = trace;
  Process process{"run"};
  scheduler.run(process, [&] {
    if (plays_with_devices(seed)) return DaemonsWorld(scheduler).run();
    EngineWorld(scheduler).run();
  });
  if (trace) std::cout << "digest " << scheduler.trace_digest() << "\n";
  return scheduler.trace_digest();
}

// Of a run's threads one works at a time: on one processor the baton passes between them a fifth faster.
void stay_on_one_processor(int place) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  int left = place % CPU_COUNT(&allowed);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || left-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

pid_t start(std::uint64_t seed, int place) {
  std::cout.flush();
  const pid_t child = fork();
  if (child != 0) return child;
  stay_on_one_processor(place);
  run_seed(seed, false);
  std::cout.flush();
  std::_Exit(0);
}

// Of everything that happened in the run; 0 if it failed.
std::uint64_t digest_of(std::uint64_t seed) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return 0;
  std::cout.flush();
  const pid_t child = fork();
  if (child == 0) {
    const std::uint64_t digest = run_seed(seed, false);
    const auto written = write(ends[1], &digest, sizeof digest);
    std::_Exit(written == sizeof digest ? 0 : 1);
  }
  close(ends[1]);
  std::uint64_t digest = 0;
  const bool whole = read(ends[0], &digest, sizeof digest) == sizeof digest;
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return whole ? digest : 0;
}

// Each seed twice: whoever looks for a bug has to see it again.
int replay(std::uint64_t first, std::uint64_t count) {
  std::set<std::uint64_t> digests;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const std::uint64_t digest = digest_of(seed);
    if (digest == 0 || digest != digest_of(seed)) {
      std::cout << "seed " << seed << " does not replay" << std::endl;
      return 1;
    }
    digests.insert(digest);
  }
  std::cout << count << " seeds replayed, " << digests.size() << " different runs" << std::endl;
  return digests.size() == count ? 0 : 1;
}

int run_seeds(std::uint64_t first, std::uint64_t count, int jobs, bool stop_at_first) {
  struct Started {
    std::uint64_t seed;
    int place;
  };
  std::map<pid_t, Started> running;
  std::set<int> free_places;
  for (int place = 0; place < jobs; ++place) free_places.insert(place);
  std::uint64_t next = first;
  int failed = 0;
  while (next < first + count || !running.empty()) {
    const bool enough = stop_at_first && failed > 0;
    while (!enough && next < first + count && static_cast<int>(running.size()) < jobs) {
      const int place = free_places.extract(free_places.begin()).value();
      running[start(next, place)] = {next, place};
      ++next;
    }
    if (running.empty()) break;
    int status = 0;
    const pid_t ended = wait(&status);
    const auto [seed, place] = running.at(ended);
    running.erase(ended);
    free_places.insert(place);
    if (status == 0) continue;
    ++failed;
    if (WIFSIGNALED(status)) std::cout << "seed " << seed << " failed: " << (WTERMSIG(status) == SIGALRM ? "it does not end" : strsignal(WTERMSIG(status))) << std::endl;
  }
  std::cout << next - first << " seeds, " << failed << " failed" << std::endl;
  return failed == 0 ? 0 : 1;
}

// Every bug on purpose has to be caught, else the checkers are worth nothing.
bool is_caught(const char* name, std::uint64_t first, std::uint64_t count, int jobs) {
  channels::active_mutant = name;
  std::cout << "mutant " << name << ": " << std::flush;
  if (run_seeds(first, count, jobs, true) != 0) return true;
  std::cout << "mutant " << name << " was NOT caught" << std::endl;
  return false;
}

int run_mutants(std::uint64_t first, std::uint64_t count, int jobs) {
  std::size_t caught = 0;
  for (const char* name : mutants) caught += is_caught(name, first, count, jobs) ? 1 : 0;
  world = "devices";
  for (const char* name : mutants_with_devices) caught += is_caught(name, first, count, jobs) ? 1 : 0;
  const std::size_t missed = std::size(mutants) + std::size(mutants_with_devices) - caught;
  std::cout << caught << " mutants caught, " << missed << " not" << std::endl;
  return missed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Runs engine, daemons and devices on virtual time against an in-memory CouchDB, with faults by seed.", "simulate");
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
  app.add_option("--world", world, "shop, devices or both")->check(CLI::IsMember({"shop", "devices", "both"}));
  app.add_option("--mutant", channels::active_mutant, "a bug on purpose, see daemon/base/mutation.h");
  app.add_flag("--trace", trace, "print what happens");
  bool all_mutants = false;
  std::uint64_t replayed = 0;
  app.add_flag("--mutants", all_mutants, "each known mutant, up to --seeds each; exit 1 if one is not caught");
  app.add_option("--replay", replayed, "run so many seeds twice and compare");
  app.add_flag("--stop-at-first", stop_at_first, "end with the first seed that fails");
  CLI11_PARSE(app, argc, argv);
  if (seed != 0) {
    run_seed(seed, trace);
    return 0;
  }
  if (replayed != 0) return replay(first, replayed);
  if (all_mutants) return run_mutants(first, seeds, jobs);
  return run_seeds(first, seeds, jobs, stop_at_first);
}
