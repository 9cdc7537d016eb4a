// device `confirmed` -> `active`: the user (made at the first device of an address), the control database, the
// device's log-in and its copy in the control database. Safe: every step may be repeated.
#pragma once

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

Outcome activate_device(Services& services, Run& run, const Document& doc);

}  // namespace channels
