// Everything that the daemon needs to start, made from what a host says. main reads it once; under
// CouchDB a change ends the program and it is read anew.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/daemon_credentials.h"
#include "host/host.h"
#include "host/settings.h"

namespace channels {

struct Configuration {
  Settings settings;
  std::shared_ptr<Credentials> credentials;
  // "host pid", by which `status` names this worker.
  std::string place;
};

// Watches the sections that it reads before it reads them, so that no change is missed. Warnings go to the
// host's log. Invalid is one line that says what to do.
Parsed<Configuration> read_configuration(Env& env, Host& host);

}  // namespace channels
