// What an operator's call works with. calls.cc makes one from the ini files that CouchDB reads, and
// logs in as the daemon does; a simulation makes its own.
#pragma once

#include <ostream>

#include "base/env.h"
#include "couch/server.h"
#include "host/settings.h"
#include "http/transport.h"

namespace channels {

struct Operator {
  Env& env;
  Transport& transport;
  Credentials& credentials;
  Server& server;
  const Settings& settings;
  std::ostream& out;
};

}  // namespace channels
