// What the calls of role = device share: `pair`, and `status` on a laptop.
#pragma once

#include "calls/operator.h"
#include "device_role/device_services.h"

namespace channels {

DeviceServices device_services(Operator& by, Log& log);

// {"state", "cloud", "owner", "device"[, "device_code"][, "reason"][, "log_in"], "sync":
// [{"channel", "database", "state"
// [, "refused"][, "joined"][, "push": {"state"[, "reason"], "written", "refused"[, "pending"]}, "pull":
// {...}]}]}. "log_in" is what the cloud says now: "taken", "refused", "unknown" or "unreachable".
// Null where nothing is paired.
json::value device_status(Operator& by);
void print_device(const json::value& status, std::ostream& out);

}  // namespace channels
