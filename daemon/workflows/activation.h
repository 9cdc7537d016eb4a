// device `confirmed` -> `active`: the user (made at the first device of an address), the control database, the
// device's log-in and its copy in the control database. Safe: every step may be repeated.
#pragma once

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

Outcome activate_device(Services& services, Run& run, const Document& doc);

// What is left to do when a record says `active` or `revoked`: its code is free again, and the control database's copy
// says the same. Safe to repeat.
void finish_device(Services& services, const Document& record);

}  // namespace channels
