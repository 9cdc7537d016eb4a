// How this machine gets from "its owner typed an address" to `active`. The call `pair` and the
// daemon both call it, at any time and side by side: each look goes on from what the registry and
// the cloud say.
#pragma once

#include "device_role/cloud.h"
#include "device_role/pairing.h"

namespace channels {

// One look at the cloud's handshake, and what follows from it: the device's document is put there
// while nothing is, its answer is taken into the pairing. Gives the pairing as it then is.
Document advance_registration(const DeviceServices& services, const Document& pairing);

// An active pairing whose log-in the cloud refuses: revoked if its handshake document says that as
// well. Gives the pairing as it then is.
Document believe_revocation(const DeviceServices& services, const Document& pairing);

}  // namespace channels
