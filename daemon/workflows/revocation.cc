#include "workflows/revocation.h"

#include "provision/users.h"
#include "workflows/audit.h"
#include "workflows/control_device.h"
#include "workflows/device_mirror.h"

namespace channels {

Document revoke_device(Services& services, const std::string& device_id, bool wipe, std::string_view by) {
  // First of all: should the rest be delayed, the device is out already.
  delete_user(services.server, device_id);
  const Document revoked =
      services.registry.update(device_record_id(device_id), [&](Document& record) {
        if (doc_state(record) == "revoked") return false;
        record["state"] = "revoked";
        record["wipe"] = wipe;
        record["revoked_at"] = format_time(services.env.wall_now());
        record["tell"] = "revoked";
        record.erase("credential");
        Deed deed{"device revoked",
                  string_or(record, "revoke_by", by),
                  {{"user", string_or(record, "user", "")}, {"device", device_id}}};
        if (wipe) deed.about["wipe"] = true;
        note_audit(record, deed, services.env.wall_now());
        record.erase("revoke_by");
        return true;
      });
  // A rotation or an activation may have put the log-in back before it could see the record.
  delete_user(services.server, device_id);
  push_device_copy(services, revoked);
  return revoked;
}

void revoke_everywhere(Services& services, const std::string& user, const std::string& device_id) {
  put_control_copy(services, user, revoke_device(services, device_id, false, by_mailbox));
}

void revoke_others(Services& services, const std::string& user, const std::string& device_id) {
  for (const std::string& other : services.registry.devices_of(user, "active")) {
    if (other != device_id) revoke_everywhere(services, user, other);
  }
  // A run before this one may have stopped right after a record said so.
  for (const std::string& other : services.registry.devices_of(user, "revoked")) {
    const auto record = services.registry.get(device_record_id(other));
    if (record && record->contains("tell")) revoke_everywhere(services, user, other);
  }
}

}  // namespace channels
