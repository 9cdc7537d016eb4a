#include "workflows/services.h"

#include <utility>

#include "base/check.h"

namespace channels {

namespace {

constexpr std::size_t most_remembered = 20000;
constexpr seconds mend_interval{60};

}  // namespace

bool HandshakeWatch::may_mend(const std::string& id, MonoTime now) {
  const std::lock_guard lock(mutex_);
  if (mended_.size() >= most_remembered)
    std::erase_if(mended_, [&](const auto& entry) { return entry.second <= now; });
  if (mended_.size() >= most_remembered) return false;  // a flood: all of it waits
  MonoTime& next = mended_[id];
  if (next > now) return false;
  next = now + mend_interval;
  return true;
}

void HandshakeWatch::saw_branches(const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (branched_.size() < most_remembered) branched_.insert(id);
}

std::set<std::string> HandshakeWatch::take_branched() {
  const std::lock_guard lock(mutex_);
  return std::exchange(branched_, {});
}

Services::Services(Env& env, Log& log, Server& server, Mailer& mailer, const Templates& templates,
                   WorkflowOptions options)
    : env(env),
      log(log),
      server(server),
      mailer(mailer),
      templates(templates),
      options(std::move(options)),
      registry(env, Database(server, this->options.registry_db)),
      handshake(server, this->options.handshake_db),
      mail_limits(this->options.mail_per_minute),
      mail_gate(env),
      new_databases(env) {}

std::string Services::control_database(std::string_view user_id) const {
  return options.control_prefix + std::string(user_id);
}

std::string Services::user_of(const Database& control) const {
  check(control.name().starts_with(options.control_prefix), "no control database");
  return control.name().substr(options.control_prefix.size());
}

std::string Services::channel_database(std::string_view channel_id) const {
  return options.channel_prefix + std::string(channel_id);
}

std::string Services::syncpoint(std::string_view database) const {
  return options.public_url + url_encode(database);
}

}  // namespace channels
