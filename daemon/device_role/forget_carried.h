// The registrations that phones left in this machine's handshake, and the answers that were brought
// to them: they would stay for ever. Called by app once an hour with role = device; the cloud's own
// handshake is workflows/clean_up.h's.
#pragma once

#include "device_role/device_services.h"

namespace channels {

// Purges what has not changed for confirm_ttl (at the latest after twice that time), and compacts:
// all that was answered, and if nothing is paired also what waits to be carried. A document of the
// registry remembers how far the handshake was when:
//   {"_id": "handshake-kept", "type": "handshake-kept", "time", "update_seq"}
// May throw as requests do; what is not done then is done the next time.
void forget_carried(const DeviceServices& services);

}  // namespace channels
