#include "app/configuration.h"

#include <unistd.h>

#include <array>

namespace channels {

namespace {

constexpr const char* trusted_folder = "/etc/couchdb-channels";
constexpr uid_t root = 0;

Sections sections_of(Host& host) {
  Sections sections;
  for (const char* name : {"channels", "channels_mail", "admins", "chttpd_auth",
                           "couch_httpd_auth", "chttpd", "httpd"}) {
    host.watch(name);
    sections[name] = host.section(name);
  }
  return sections;
}

// Under --ini these sections are trusted, and there are as many as there are programs.
void add_program_sections(Host& host, Sections& sections) {
  sections["channels_handlers"] = host.section("channels_handlers");
  for (const auto& [name, command] : sections["channels_handlers"]) {
    const std::string section = "channels_handler." + name;
    sections[section] = host.section(section);
  }
}

// What CouchDB's configuration says of them, and may not.
void warn_about_untrusted(Host& host, const std::vector<ProgramSettings>& programs, std::vector<std::string>& warnings) {
  for (const ProgramSettings& program : programs) {
    const std::string section = "channels_handler." + program.name;
    if (!host.section(section).empty())
      warnings.push_back("[" + section + "] is ignored here: write it into a file of root's, /etc/couchdb-channels/*.ini");
  }
}

std::function<std::map<std::string, bool>()> switches_of(Host& host, const std::vector<ProgramSettings>& programs) {
  return [&host, programs] {
    std::vector<std::string> said_before;
    return parse_switches(host.section("channels_handlers"), programs, said_before);
  };
}

std::string place_of_this_process() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return std::string(host.data()) + " " + std::to_string(getpid());
}

}  // namespace

Parsed<ReadSettings> read_settings(Host& host, std::vector<std::string>& warnings) {
  ReadSettings read;
  read.sections = sections_of(host);
  if (host.is_trusted()) add_program_sections(host, read.sections);
  Parsed<Sections> trusted = host.is_trusted() ? Parsed<Sections>(read.sections)
                                               : read_trusted_files(trusted_folder, root, warnings);
  if (!trusted) return Invalid::because(trusted.error().reason);
  auto settings = parse_settings(read.sections, *trusted, warnings);
  if (!settings) return Invalid::because(settings.error().reason);
  auto programs = parse_programs(*trusted, *settings, warnings);
  if (!programs) return Invalid::because(programs.error().reason);
  if (!host.is_trusted()) {
    parse_switches(host.section("channels_handlers"), *programs, warnings);
    warn_about_untrusted(host, *programs, warnings);
  }
  read.settings = std::move(*settings);
  read.programs = std::move(*programs);
  for (const ProgramSettings& program : read.programs)
    read.settings.follow.insert(read.settings.follow.end(), program.databases.begin(), program.databases.end());
  return read;
}

Parsed<Configuration> read_configuration(Env& env, Host& host) {
  std::vector<std::string> warnings;
  auto read = read_settings(host, warnings);
  for (const std::string& warning : warnings) host.log().info("warning: " + warning);
  if (!read) return Invalid::because(read.error().reason);
  auto credentials = daemon_credentials(env, read->settings, read->sections);
  if (!credentials) return Invalid::because(credentials.error().reason);
  Configuration configuration{std::move(read->settings), std::move(*credentials), place_of_this_process(),
                              std::move(read->programs), {}};
  if (!host.is_trusted()) configuration.switches = switches_of(host, configuration.programs);
  return configuration;
}

}  // namespace channels
