#include "host/program_settings.h"

#include <algorithm>

#include "base/log.h"
#include "host/section_reader.h"

namespace channels {

namespace {

// A lease has to outlast the time limit, with the wait after "cancel" and the save.
constexpr int least_lease_left = 5;

constexpr std::string_view name_signs = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

Parsed<ProgramSettings> parse_program(const std::string& name, const std::string& command, const Sections& trusted,
                                      const Settings& settings, std::vector<std::string>& warnings) {
  const std::string at = "[channels_handlers] " + escaped(name);
  if (name.find_first_not_of(name_signs) != name.npos)
    return Invalid::because(at + ": a program's name has letters, digits, - and _ only");
  ProgramSettings program;
  program.name = name;
  auto words = parse_command_line(command);
  if (!words) return Invalid::because(at + " = " + escaped(command) + ": " + words.error().reason);
  program.command = std::move(*words);
  const std::string section_name = "channels_handler." + name;
  static const Section nothing;
  SectionReader section(section_name, nothing, section_of(trusted, section_name), warnings);
  std::string databases;
  section.text("databases", databases);
  program.databases = databases.empty() ? settings.follow : parse_names(databases);
  section.number("in_flight", 1, 1000, program.in_flight);
  section.duration("timeout", 1, static_cast<int>(settings.lease.count()) - least_lease_left, program.timeout);
  section.text("role_user", program.role_user);
  for (const std::string& glob : program.databases) {
    if (may_overlap(glob, settings.registry_db) && glob.find('*') == glob.npos)
      section.fail("databases", databases, "without " + settings.registry_db + ", which is the daemon's own");
    if (glob == settings.handshake_db)
      section.fail("databases", databases, "without " + glob + ": anyone can write there, and all that is there is the built-in workflows'");
    if (glob.starts_with('_'))
      section.fail("databases", databases, "without CouchDB's own databases, those that begin with _");
  }
  section.warn_about_unknown();
  if (!section.fault().empty()) return Invalid::because(section.fault());
  if (program.databases.empty())
    return Invalid::because("[" + section_name + "] databases: name the databases whose documents go to " + name +
                            ", there or in [channels] follow (names and * globs, by comma)");
  return program;
}

}  // namespace

Parsed<std::vector<std::string>> parse_command_line(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == 0 && (c == ' ' || c == '\t')) {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
      continue;
    }
    in_word = true;
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
      word += line[++i];
    } else {
      word += c;
    }
  }
  if (quote != 0) return Invalid::because(quote == '"' ? "a closing \" is missing" : "a closing ' is missing");
  if (in_word) words.push_back(std::move(word));
  if (words.empty() || words.front().empty()) return Invalid::because("a command line is missing");
  return words;
}

Parsed<std::vector<ProgramSettings>> parse_programs(const Sections& trusted, const Settings& settings,
                                                    std::vector<std::string>& warnings) {
  std::vector<ProgramSettings> programs;
  const Section& commands = section_of(trusted, "channels_handlers");
  for (const auto& [name, command] : commands) {
    if (command == "off") continue;
    if (command == "on")
      return Invalid::because("[channels_handlers] " + escaped(name) +
                              " = on: its command line must be in a file of root's, /etc/couchdb-channels/*.ini");
    auto program = parse_program(name, command, trusted, settings, warnings);
    if (!program) return Invalid::because(program.error().reason);
    programs.push_back(std::move(*program));
  }
  constexpr std::string_view prefix = "channels_handler.";
  for (const auto& [section, keys] : trusted) {
    if (section.starts_with(prefix) && !commands.contains(section.substr(prefix.size())))
      warnings.push_back("[" + escaped(section) + "] is for no program of [channels_handlers]");
  }
  return programs;
}

std::map<std::string, bool> parse_switches(const Section& configured, const std::vector<ProgramSettings>& programs,
                                           std::vector<std::string>& warnings) {
  std::map<std::string, bool> on;
  for (const ProgramSettings& program : programs) on[program.name] = true;
  for (const auto& [name, value] : configured) {
    std::string warning = "[channels_handlers] " + escaped(name);
    if (value != "on" && value != "off") {
      warning += " is ignored here, where it may only be on or off: a command line belongs into a file of root's, "
                 "/etc/couchdb-channels/*.ini";
      warnings.push_back(std::move(warning));
    } else if (!on.contains(name)) {
      warning.append(" = ").append(value).append(
          ": no file of root's under /etc/couchdb-channels has a program of that name");
      warnings.push_back(std::move(warning));
    } else {
      on[name] = value == "on";
    }
  }
  return on;
}

}  // namespace channels
