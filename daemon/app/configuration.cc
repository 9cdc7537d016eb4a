#include "app/configuration.h"

#include <unistd.h>

#include <array>

namespace channels {

namespace {

constexpr const char* trusted_folder = "/etc/couchdb-channels";

Sections sections_of(Host& host) {
  Sections sections;
  for (const char* name : {"channels", "channels_mail", "channels_handlers", "admins", "chttpd_auth",
                           "couch_httpd_auth", "chttpd", "httpd"}) {
    host.watch(name);
    sections[name] = host.section(name);
  }
  return sections;
}

std::string place_of_this_process() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return std::string(host.data()) + " " + std::to_string(getpid());
}

}  // namespace

Parsed<Configuration> read_configuration(Env& env, Host& host) {
  const Sections sections = sections_of(host);
  std::vector<std::string> warnings;
  Parsed<Sections> trusted = host.is_trusted() ? Parsed<Sections>(sections)
                                               : read_trusted_files(trusted_folder, warnings);
  if (!trusted) return Invalid::because(trusted.error().reason);
  auto settings = parse_settings(sections, *trusted, warnings);
  for (const std::string& warning : warnings) host.log().info("warning: " + warning);
  if (!settings) return Invalid::because(settings.error().reason);
  auto credentials = daemon_credentials(env, *settings, sections);
  if (!credentials) return Invalid::because(credentials.error().reason);
  return Configuration{std::move(*settings), std::move(*credentials), place_of_this_process()};
}

}  // namespace channels
