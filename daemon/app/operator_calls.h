// What an operator calls by hand: `couchdb-channels status`, `retry`. Each logs in as the daemon does, does one thing
// and prints what it did; main makes the Server from CouchDB's ini files. They work beside running daemons, by the
// registry alone, and throw Unavailable or Refused as requests do.
#pragma once

#include <ostream>
#include <string>

#include "app/configuration.h"
#include "base/env.h"
#include "couch/server.h"

namespace channels {

// Workers with their backlog, feed and sweep, and what is parked. With `as_json` one object:
// {"workers": [{"place", "alive", "time", "status": {...}}], "parked": [{"database", "id", "rule", "attempts",
// "first_time", "last_time", "reason"}]}. Watches for some seconds which workers are alive. 0, or 1 if no worker is.
int print_status(Env& env, Server& server, const Settings& settings, bool as_json, std::ostream& out);

// Hands parked documents out again: the one with that _id (in whatever database), or all. 0, or 1 if there was none.
int retry_parked(Env& env, Server& server, const Settings& settings, const std::string& id, bool all,
                 std::ostream& out);

}  // namespace channels
