// What the handlers of the workflows work with. app makes one and gives it to every rule (all.cc);
// it outlives the engine.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "base/env.h"
#include "base/log.h"
#include "couch/database.h"
#include "engine/new_databases.h"
#include "mail/mailer.h"
#include "mail/templates.h"
#include "workflows/doorbell_bells.h"
#include "workflows/mail_gate.h"
#include "workflows/mail_limits.h"
#include "workflows/registry.h"
#include "workflows/rollout/channel_template.h"

namespace channels {

// From the configuration; URLs end in "/".
struct WorkflowOptions {
  std::string public_url;
  std::string handshake_db;
  std::string registry_db;
  std::string control_prefix;
  std::string channel_prefix;
  std::string directory_db;  // of public channels; empty: there are none
  std::string template_db;  // "": none
  std::string confirm_url;
  std::string mail_from;
  seconds confirm_ttl{86400};
  seconds deleted_kept{30 * 86400};
  int shards = 1;
  int mail_per_address = 5;
  int mail_per_minute = 600;
};

// Which handshake documents were put right lately, and which have branches: bounded memory about
// what strangers do, so that they cannot make the daemon write at their own rate.
class HandshakeWatch {
 public:
  // True at most once a minute an id. Then the daemon may put its copy right.
  bool may_mend(const std::string& id, MonoTime now);
  void saw_branches(const std::string& id);
  // Hands them over, for the hourly purge.
  std::set<std::string> take_branched();

 private:
  std::mutex mutex_;
  std::map<std::string, MonoTime> mended_;  // guarded by mutex_
  std::set<std::string> branched_;          // guarded by mutex_
};

struct Services {
  Services(Env& env, Log& log, Server& server, Mailer& mailer, const Templates& templates,
           WorkflowOptions options);

  std::string control_database(std::string_view user_id) const;
  // The user id in a control database's name.
  std::string user_of(const Database& control) const;
  std::string channel_database(std::string_view channel_id) const;
  // The URL at which devices reach a database.
  std::string syncpoint(std::string_view database) const;

  Env& env;
  Log& log;
  Server& server;
  Mailer& mailer;
  const Templates& templates;
  const WorkflowOptions options;
  Registry registry;
  Database handshake;
  MailLimits mail_limits;
  MailGate mail_gate;
  HandshakeWatch handshake_watch;
  Bells bells;
  TemplateInUse template_in_use;
  NewDatabases new_databases;
};

}  // namespace channels
