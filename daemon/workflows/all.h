// Every rule of the program, on one screen: all.cc.
#pragma once

#include "engine/rules.h"
#include "workflows/services.h"

namespace channels {

// `services` outlives the rules.
Rules all_rules(Services& services);

}  // namespace channels
