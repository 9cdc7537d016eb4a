#include "calls/calls.h"

#include <iostream>

#include "app/configuration.h"
#include "base/log.h"
#include "host/ini_host.h"
#include "http/curl_transport.h"

namespace channels {

namespace {

// CouchDB's own chain of files, in its order.
const std::vector<std::string> couchdb_ini_files{
    "/opt/couchdb/etc/default.ini", "/opt/couchdb/etc/default.d", "/opt/couchdb/etc/local.ini",
    "/opt/couchdb/etc/local.d"};

int call_with_files(const std::vector<std::string>& given, const BareCall& call) {
  const auto& files = given.empty() ? couchdb_ini_files : given;
  auto sections = read_ini_files({files.begin(), files.end()});
  if (!sections) {
    return exit_with(
        sections.error().reason +
            (given.empty() ? ": run as root or couchdb, or name CouchDB's files by --ini" : ""),
        exit_bad_configuration);
  }
  return call({given.empty(), std::move(*sections)});
}

int call_as_operator(IniFiles files, const Call& call) {
  IniHost host(std::move(files.sections), Level::error, !files.are_couchdbs);
  RealEnv env;
  const auto configuration = read_configuration(env, host);
  if (!configuration) return exit_with(configuration.error().reason, exit_bad_configuration);
  CurlTransport transport;
  Server server(transport, *configuration->credentials, configuration->settings.url);
  Operator by{env, transport, *configuration->credentials, server, configuration->settings, std::cout};
  try {
    return call(by);
  } catch (const std::exception& trouble) {  // Unavailable or Refused
    return exit_with("CouchDB at " + configuration->settings.url + ": " + trouble.what(),
                     exit_failed);
  }
}

}  // namespace

CLI::App& Calls::add(const std::string& name, const std::string& help, Call call) {
  return add_bare(name, help, [call = std::move(call)](IniFiles files) {
    return call_as_operator(std::move(files), call);
  });
}

CLI::App& Calls::add_bare(const std::string& name, const std::string& help, BareCall call) {
  CLI::App* command = app_.add_subcommand(name, help);
  command->add_option("--ini", ini_files_, "in place of /opt/couchdb/etc; may be given again")
      ->type_name("FILE");
  calls_.emplace_back(command, std::move(call));
  return *command;
}

std::optional<int> Calls::run() const {
  for (const auto& [command, call] : calls_) {
    if (command->parsed()) return call_with_files(ini_files_, call);
  }
  return std::nullopt;
}

int exit_with(const std::string& reason, int code) {
  std::cerr << "couchdb-channels: " << reason << "\n";
  return code;
}

}  // namespace channels
