// The daemon while it runs: waits for the server, installs what it needs there, and owns the engine with the
// workflows' rules. Losing the server at any time is normal: it waits.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>

#include "app/configuration.h"
#include "base/env.h"
#include "base/log.h"
#include "device_role/carrier.h"
#include "device_role/device_sync.h"
#include "engine/engine.h"
#include "http/transport.h"
#include "mail/mailer.h"
#include "mail/templates.h"
#include "programs/programs.h"
#include "workflows/rollout/rollout.h"
#include "workflows/services.h"

namespace channels {

WorkflowOptions workflow_options(const Settings& settings);

class Daemon {
 public:
  // Starts at once, on a thread of its own, which calls `ready` when it is. `templates` outlives it.
  Daemon(Env& env, Log& log, Transport& transport, Mailer& mailer, const Templates& templates,
         const Configuration& configuration, EngineSizes sizes = {},
         std::function<void()> ready = {});
  // Ends the engine; what is under way is finished or will be found again at the next start.
  ~Daemon();

 private:
  void work();
  // False at the end of the program.
  bool start_when_up();
  void start_engine();
  void bring_up_databases(EngineOptions& options);
  TraceOptions trace_options() const;
  Rules built_in_rules();
  void make_engine();
  // Programs that registered since have their rules in it.
  void make_engine_anew();
  // Until all say what they register, though not long.
  void await_programs();
  void look_at_programs();
  void keep_installed();
  void check_installation();
  bool wait(milliseconds time);

  Env& env_;
  Log& log_;
  const Settings settings_;
  const EngineSizes sizes_;
  const std::string place_;
  const std::function<void()> ready_;
  const std::shared_ptr<Credentials> credentials_;
  Server server_;
  Services services_;
  DeviceServices device_services_;  // these three are in use with role = device alone
  Carrier carrier_;
  DeviceSync device_sync_;
  Cookies cookies_;
  const std::function<std::map<std::string, bool>()> switches_;
  std::unique_ptr<Rules> rules_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Rollout> rollout_;  // with a template_db alone

  std::mutex mutex_;
  std::unique_ptr<Signal> changed_;
  std::stop_source stop_;
  MonoTime next_check_{};
  MonoTime next_clean_up_{};
  bool was_well_ = true;
  std::unique_ptr<Programs> programs_;
  std::unique_ptr<Thread> thread_;
};

DeviceOptions device_options(const Settings& settings);

// The kind of a database, by the settings' names. Pure.
KindOf kind_of_database(const Settings& settings);

}  // namespace channels
