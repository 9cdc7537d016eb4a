// Everything that the daemon needs to start, made from what a host says. main reads it once; under
// CouchDB a change ends the program and it is read anew.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/daemon_credentials.h"
#include "host/host.h"
#include "host/program_settings.h"
#include "host/settings.h"

namespace channels {

struct Configuration {
  Settings settings;
  std::shared_ptr<Credentials> credentials;
  // "host pid", by which `status` names this worker.
  std::string place;
  // An app's own handlers. Their databases are among settings.follow.
  std::vector<ProgramSettings> programs;
  // Asks the host which of them are on now; empty where it has no configuration that could change.
  std::function<std::map<std::string, bool>()> switches;
};

// What is read before anybody thinks of logging in.
struct ReadSettings {
  Settings settings;
  std::vector<ProgramSettings> programs;
  Sections sections;  // as the host has them
};

// The first part of read_configuration(), for who has to go on without the rest (`doctor`). `warnings` gets a line for each.
Parsed<ReadSettings> read_settings(Host& host, std::vector<std::string>& warnings);

// Watches the sections that it reads before it reads them, so that no change is missed; not [channels_handlers], of which
// `switches` tells. Warnings go to the host's log. `host` outlives what it gives. Invalid is one line that says what to do.
Parsed<Configuration> read_configuration(Env& env, Host& host);

}  // namespace channels
