// What an operator calls by hand beside the running daemon: `couchdb-channels status`, `retry`, ...
// One file a call, each of which adds itself to the table; all.cc lists them. main parses the
// command line and runs the one that was typed.
//
//   void add_status(Calls& calls) {
//     auto as_json = std::make_shared<bool>(false);
//     auto& command = calls.add("status", "workers, backlog ...", [as_json](Operator& by) { ...;
//     return 0; }); command.add_flag("--json", *as_json, "one JSON object");
//   }
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "calls/operator.h"

namespace channels {

constexpr int exit_failed = 1;
constexpr int exit_bad_configuration = 2;

// Answers the exit code: 0 fine, 1 it did not work. May throw Unavailable or Refused, as requests
// do.
using Call = std::function<int(Operator&)>;

// The ini files that a call was given, as they are: nothing of it has been looked at.
struct IniFiles {
  bool are_couchdbs;  // CouchDB's own chain, since --ini named none
  Sections sections;
};
// A call that has to work where no session can be had, or no sense be made of the configuration.
using BareCall = std::function<int(IniFiles)>;

class Calls {
 public:
  // `ini_files` is where --ini leaves its values.
  Calls(CLI::App& app, std::vector<std::string>& ini_files) : app_(app), ini_files_(ini_files) {}

  // A subcommand, to which the caller adds its options. A call finds its arguments in what it
  // captured.
  CLI::App& add(const std::string& name, const std::string& help, Call call);
  CLI::App& add_bare(const std::string& name, const std::string& help, BareCall call);

  // Runs the call that was typed, and answers the exit code; nullopt if none was.
  std::optional<int> run() const;

 private:
  CLI::App& app_;
  std::vector<std::string>& ini_files_;
  std::vector<std::pair<CLI::App*, BareCall>> calls_;
};

// Prints to stderr what went wrong; answers `code`.
int exit_with(const std::string& reason, int code);

}  // namespace channels
