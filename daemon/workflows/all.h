// Every rule of the program, on one screen: all.cc.
#pragma once

#include "engine/rules.h"
#include "workflows/services.h"

namespace channels {

// `services` outlives the rules.
Rules all_rules(Services& services);

// Pairs that a built-in rule looks after, and whose documents an app's own handler may have once there is nothing left to
// do for that rule.
bool is_extension_point(Kind kind, std::string_view type, std::string_view state);

}  // namespace channels
