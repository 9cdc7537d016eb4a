// An app's own handlers, as configured: [channels_handlers] NAME = command line, with [channels_handler.NAME]. What can
// run a program comes from files that only root can write, and so does all else about it: CouchDB's own configuration,
// which any admin session can write over HTTP, may only switch it on or off. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/globs.h"
#include "host/settings.h"

namespace channels {

struct ProgramSettings {
  std::string name;
  std::vector<std::string> command;  // the program and its arguments
  Globs databases;
  int in_flight = 16;
  seconds timeout{20};
  std::string role_user;  // empty: its cookie is an admin's
  // Of its environment, beside COUCHDB_URL; no configuration sets them.
  std::map<std::string, std::string> variables{};
};

// Words of a command line: parted by blanks; '...' and "..." keep blanks, a backslash the sign that follows it (not within '...'). No shell reads it.
Parsed<std::vector<std::string>> parse_command_line(std::string_view line);

// In the order of their names. `trusted`: sections that only root can write, `settings` what parse_settings made. Invalid is one line that
// names section, key and value.
Parsed<std::vector<ProgramSettings>> parse_programs(const Sections& trusted, const Settings& settings,
                                                    std::vector<std::string>& warnings);

// Which of the programs are on, by [channels_handlers] of CouchDB's configuration: NAME = on or off, on where nothing is said.
std::map<std::string, bool> parse_switches(const Section& configured, const std::vector<ProgramSettings>& programs,
                                           std::vector<std::string>& warnings);

}  // namespace channels
