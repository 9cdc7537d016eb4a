#include "app/daemon.h"

#include "base/errors.h"
#include "engine/backoff.h"
#include "provision/design_docs.h"
#include "provision/install.h"
#include "workflows/all.h"
#include "workflows/clean_up.h"
#include "workflows/ownership.h"

namespace channels {

namespace {

constexpr milliseconds between_checks = seconds(60);
constexpr std::chrono::hours between_clean_ups{1};
// Soon, for a daemon that is started again more often than hourly.
constexpr std::chrono::minutes before_first_clean_up{5};
constexpr milliseconds longest_wait_for_server = seconds(5);

WorkflowOptions workflow_options(const Settings& settings) {
  WorkflowOptions options;
  options.public_url = settings.public_url;
  options.handshake_db = settings.handshake_db;
  options.registry_db = settings.registry_db;
  options.control_prefix = settings.control_prefix;
  options.channel_prefix = settings.channel_prefix;
  options.confirm_url = settings.confirm_url;
  options.mail_from = settings.mail.from;
  options.confirm_ttl = settings.confirm_ttl;
  options.shards = settings.shards;
  options.mail_per_address = settings.mail.per_address;
  options.mail_per_minute = settings.mail.per_minute;
  return options;
}

}  // namespace

DeviceOptions device_options(const Settings& settings) {
  return {settings.handshake_db, settings.registry_db, settings.control_prefix, settings.channel_prefix,
          settings.shards};
}

KindOf kind_of_database(const Settings& settings) {
  return [handshake = settings.handshake_db, control = settings.control_prefix,
          channel = settings.channel_prefix](std::string_view name) -> std::optional<Kind> {
    if (name == handshake) return Kind::handshake;
    if (name.starts_with(control)) return Kind::control;
    if (name.starts_with(channel)) return Kind::channel;
    return std::nullopt;
  };
}

Daemon::Daemon(Env& env, Log& log, Transport& transport, Mailer& mailer, const Templates& templates,
               const Configuration& configuration, EngineSizes sizes, std::function<void()> ready)
    : env_(env),
      log_(log),
      settings_(configuration.settings),
      sizes_(sizes),
      place_(configuration.place),
      ready_(std::move(ready)),
      credentials_(configuration.credentials),
      server_(transport, *credentials_, settings_.url),
      services_(env, log, server_, mailer, templates, workflow_options(settings_)),
      device_services_{env, log, transport, server_, device_options(settings_)},
      carrier_(device_services_),
      device_sync_(device_services_),
      rules_(settings_.role == Role::device ? device_rules(device_sync_, carrier_) : all_rules(services_)),
      changed_(env.make_signal()) {
  thread_ = env_.start("daemon", [this] { work(); });
}

Daemon::~Daemon() {
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    changed_->notify_all();
  }
  thread_.reset();
}

void Daemon::work() {
  if (start_when_up()) keep_installed();
  engine_.reset();
}

bool Daemon::wait(milliseconds time) {
  const MonoTime until = env_.mono_now() + time;
  std::unique_lock lock(mutex_);
  while (!stop_.stop_requested() && env_.mono_now() < until) changed_->wait_until(lock, until);
  return !stop_.stop_requested();
}

bool Daemon::start_when_up() {
  std::string last_trouble;
  for (int failures = 1;; ++failures) {
    std::string trouble;
    try {
      start_engine();
      return true;
    } catch (const Unavailable& down) {
      trouble = "waiting for CouchDB at " + settings_.url + ": " + down.what();
    } catch (const Refused& refused) {
      trouble = "CouchDB at " + settings_.url + " refuses us (" + refused.what() +
                "): are [chttpd_auth] secret and [admins], or [channels] username and password, those of the "
                "running server?";
    }
    if (std::exchange(last_trouble, trouble) != trouble) log_.info(trouble);
    if (!wait(std::min(backoff(failures, env_.random_unit()), longest_wait_for_server))) return false;
  }
}

void Daemon::start_engine() {
  const Server::Session session = server_.session();
  if (!session.is_admin) throw Refused(401, "the session is no admin's");
  install(server_, {settings_.handshake_db, settings_.registry_db, settings_.shards});
  EngineOptions options;
  options.registry_db = settings_.registry_db;
  options.pinned = {settings_.handshake_db};
  options.lease = settings_.lease;
  options.sweep = settings_.sweep;
  options.sizes = sizes_;
  options.place = place_;
  // A device's copies have what their replication brings.
  if (settings_.role == Role::cloud) bring_up_databases(options);
  engine_ = std::make_unique<Engine>(env_, log_, server_, rules_, kind_of_database(settings_),
                                     std::move(options));
  if (settings_.role == Role::device) device_sync_.start();
  log_.info("couchdb-channels " CHANNELS_VERSION " ready: " + settings_.url);
  if (ready_) ready_();
}

void Daemon::bring_up_databases(EngineOptions& options) {
  options.design_version = [control = design_doc_version("control"),
                            channel = design_doc_version("channel")](Kind kind) {
    return kind == Kind::control ? control : kind == Kind::channel ? channel : 0;
  };
  options.prepare = [this](Kind kind, Database& database) {
    return prepare_database(services_, kind, database);
  };
}

// What somebody deleted or changed in CouchDB comes back within a minute, also where no feed tells of it.
void Daemon::keep_installed() {
  MonoTime next_clean_up = env_.mono_now() + before_first_clean_up;
  bool was_well = true;
  while (wait(between_checks)) {
    try {
      install(server_, {settings_.handshake_db, settings_.registry_db, settings_.shards});
      if (env_.mono_now() >= next_clean_up) {
        next_clean_up = env_.mono_now() + between_clean_ups;
        if (settings_.role == Role::cloud) clean_up(services_);
      }
      was_well = true;
    } catch (const std::exception& trouble) {  // Unavailable or Refused
      if (std::exchange(was_well, false)) log_.info("upkeep put off: " + std::string(trouble.what()));
    }
  }
}

}  // namespace channels
