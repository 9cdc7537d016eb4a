// How the daemon logs in, decided from the configuration: [channels] username and password if they are set,
// else a cookie that it mints with what CouchDB itself has.
#pragma once

#include <memory>

#include "couch/credentials.h"
#include "host/ini.h"
#include "host/settings.h"

namespace channels {

// `configuration`: at least the sections admins, chttpd_auth and couch_httpd_auth. Invalid says exactly what to set.
Parsed<std::shared_ptr<Credentials>> daemon_credentials(Env& env, const Settings& settings,
                                                        const Sections& configuration);

}  // namespace channels
