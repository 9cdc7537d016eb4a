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

}  // namespace channels
