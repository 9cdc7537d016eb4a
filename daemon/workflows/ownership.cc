#include "workflows/ownership.h"

#include "provision/design_docs.h"
#include "workflows/channel_claims.h"

namespace channels {

namespace {

bool is_control_database(Services& services, const Database& database) {
  return services.registry.get("user-" + services.user_of(database)).has_value();
}

// One that is being made is left to who makes it.
bool is_channel_database(Services& services, const Database& database) {
  const std::string id = database.name().substr(services.options.channel_prefix.size());
  const auto record = services.registry.get(channel_record_id(id));
  return record && doc_state(*record) == "ready";
}

}  // namespace

bool prepare_database(Services& services, Kind kind, Database& database) {
  if (kind == Kind::control) {
    if (!is_control_database(services, database)) return false;
    ensure_design_doc(database, "control");
  } else if (kind == Kind::channel) {
    if (!is_channel_database(services, database)) return false;
    ensure_design_doc(database, "channel");
  }
  return true;
}

}  // namespace channels
