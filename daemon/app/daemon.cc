#include "app/daemon.h"

#include <algorithm>

#include "base/errors.h"
#include "device_role/forget_carried.h"
#include "engine/backoff.h"
#include "provision/design_docs.h"
#include "provision/install.h"
#include "workflows/publication.h"
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
// As long as a handler program may take to begin. One that says later what it registers has the engine made anew, but what
// was read meanwhile is passed if it never said so before.
constexpr milliseconds longest_wait_for_programs = seconds(31);
constexpr milliseconds between_looks_at_programs = seconds(3);
constexpr milliseconds between_looks_at_runs{50};

std::optional<Directory> directory_of(const Settings& settings) {
  if (settings.directory_db.empty()) return std::nullopt;
  return Directory{settings.directory_db, everybody_role()};
}

// Names, not globs: each is a long-poll of its own.
std::vector<std::string> pinned_databases(const Settings& settings) {
  std::vector<std::string> names{settings.handshake_db};
  const KindOf kind_of = kind_of_database(settings);
  for (const std::string& name : settings.follow) {
    const bool is_new = std::find(names.begin(), names.end(), name) == names.end();
    if (name.find('*') == name.npos && kind_of(name) == Kind::followed && is_new) names.push_back(name);
  }
  return names;
}

}  // namespace

WorkflowOptions workflow_options(const Settings& settings) {
  WorkflowOptions options;
  options.public_url = settings.public_url;
  options.handshake_db = settings.handshake_db;
  options.registry_db = settings.registry_db;
  options.control_prefix = settings.control_prefix;
  options.channel_prefix = settings.channel_prefix;
  options.directory_db = settings.directory_db;
  options.template_db = settings.template_db;
  options.confirm_url = settings.confirm_url;
  options.mail_from = settings.mail.from;
  options.confirm_ttl = settings.confirm_ttl;
  options.deleted_kept = settings.deleted_kept;
  options.shards = settings.shards;
  options.mail_per_address = settings.mail.per_address;
  options.mail_per_minute = settings.mail.per_minute;
  return options;
}

DeviceOptions device_options(const Settings& settings) {
  return {settings.handshake_db, settings.registry_db, settings.control_prefix, settings.channel_prefix,
          settings.shards, settings.confirm_ttl};
}

KindOf kind_of_database(const Settings& settings) {
  return [handshake = settings.handshake_db, control = settings.control_prefix,
          channel = settings.channel_prefix, registry = settings.registry_db,
          follow = settings.follow](std::string_view name) -> std::optional<Kind> {
    if (name == handshake) return Kind::handshake;
    if (name.starts_with(control)) return Kind::control;
    if (name.starts_with(channel)) return Kind::channel;
    // CouchDB's own are followed by nobody's glob.
    if (name != registry && !name.starts_with('_') && matches(follow, name)) return Kind::followed;
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
      cookies_(env, transport, *credentials_, server_.url(), settings_.username, settings_.password),
      switches_(configuration.switches),
      changed_(env.make_signal()) {
  programs_ = std::make_unique<Programs>(env, log, configuration.programs, switches_ ? switches_() : Programs::Switches(),
                                         server_.url(), cookies_);
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
  rollout_.reset();
  engine_.reset();
  rules_.reset();
  programs_.reset();
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
  install(server_, {settings_.handshake_db, settings_.registry_db, settings_.shards, directory_of(settings_)});
  await_programs();
  // Before the first channel is made.
  if (settings_.role == Role::cloud && !settings_.template_db.empty() && !rollout_)
    rollout_ = std::make_unique<Rollout>(services_, settings_.lease);
  make_engine();
  if (settings_.role == Role::device) device_sync_.start();
  log_.info("couchdb-channels " CHANNELS_VERSION " ready: " + settings_.url);
  if (ready_) ready_();
}

void Daemon::await_programs() {
  const MonoTime enough = env_.mono_now() + longest_wait_for_programs;
  while (programs_->are_beginning() && env_.mono_now() < enough && wait(between_looks_at_runs)) {
  }
}

Rules Daemon::built_in_rules() {
  return settings_.role == Role::device ? device_rules(device_sync_, carrier_) : all_rules(services_);
}

void Daemon::make_engine() {
  rules_ = std::make_unique<Rules>(built_in_rules());
  const Rules built_in = built_in_rules();
  const BuiltInRules theirs{
      built_in,
      {{Kind::control, {settings_.control_prefix + "*"}}, {Kind::channel, {settings_.channel_prefix + "*"}}},
      is_extension_point};
  programs_->add_rules(*rules_, theirs, Database(server_, settings_.registry_db));
  EngineOptions options;
  options.registry_db = settings_.registry_db;
  options.pinned = pinned_databases(settings_);
  options.lease = settings_.lease;
  options.sweep = settings_.sweep;
  options.trace = trace_options();
  options.beside = &services_.registry.audits();
  options.made = &services_.new_databases;
  options.sizes = sizes_;
  options.place = place_;
  // A device's copies have what their replication brings.
  if (settings_.role == Role::cloud) bring_up_databases(options);
  engine_ = std::make_unique<Engine>(env_, log_, server_, *rules_, kind_of_database(settings_),
                                     std::move(options));
}

// What the handshake forgets is not kept longer here.
TraceOptions Daemon::trace_options() const {
  TraceOptions options;
  options.all = settings_.trace;
  options.kept = [handshake = settings_.handshake_db, ttl = settings_.confirm_ttl,
                  usual = options.kept](std::string_view database) {
    return database == handshake ? std::min(ttl, usual(database)) : usual(database);
  };
  return options;
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

void Daemon::make_engine_anew() {
  log_.info("a handler program registers other rules than before: the engine is made anew");
  programs_->pause(true);
  while (!programs_->are_idle() && wait(between_looks_at_runs)) {
  }
  engine_.reset();
  while (!stop_.stop_requested()) {
    try {
      make_engine();
      break;
    } catch (const std::exception& trouble) {  // Unavailable or Refused
      log_.info("the engine is put off: " + std::string(trouble.what()));
      wait(longest_wait_for_server);
    }
  }
  programs_->pause(false);
}

void Daemon::look_at_programs() {
  if (switches_) programs_->switch_all(switches_());
  if (programs_->has_news()) make_engine_anew();
}

// What somebody deleted or changed in CouchDB comes back within a minute, also where no feed tells of it.
void Daemon::keep_installed() {
  next_check_ = env_.mono_now() + between_checks;
  next_clean_up_ = env_.mono_now() + before_first_clean_up;
  while (wait(programs_->empty() ? between_checks : between_looks_at_programs)) {
    if (!programs_->empty()) look_at_programs();
    if (env_.mono_now() >= next_check_) check_installation();
  }
}

void Daemon::check_installation() {
  next_check_ = env_.mono_now() + between_checks;
  try {
    install(server_, {settings_.handshake_db, settings_.registry_db, settings_.shards, directory_of(settings_)});
    if (env_.mono_now() >= next_clean_up_) {
      next_clean_up_ = env_.mono_now() + between_clean_ups;
      Database registry(server_, settings_.registry_db);
      forget_traces(registry, env_.wall_now());
      settings_.role == Role::cloud ? clean_up(services_) : forget_carried(device_services_);
    }
    was_well_ = true;
  } catch (const std::exception& trouble) {  // Unavailable or Refused
    if (std::exchange(was_well_, false)) log_.info("upkeep put off: " + std::string(trouble.what()));
  }
}

}  // namespace channels
