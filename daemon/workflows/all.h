// Every rule of the program, on one screen: all.cc.
#pragma once

#include "device_role/carrier.h"
#include "device_role/device_sync.h"
#include "engine/rules.h"
#include "workflows/services.h"

namespace channels {

// `services` outlives the rules.
Rules all_rules(Services& services);

// The same with role = device: nothing of the above runs there. Both outlive the rules.
Rules device_rules(DeviceSync& sync, Carrier& carrier);

// Pairs that a built-in rule looks after, and whose documents an app's own handler may have once there is nothing left to
// do for that rule.
bool is_extension_point(Kind kind, std::string_view type, std::string_view state);

}  // namespace channels
