// rotate `new` in the handshake: a device gives itself a new secret, by its verifier. Only the device can
// write the document (the design document's validation sees its log-in). Safe.
#pragma once

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

// {"_id": "rotate-<device id>-<number>", "type": "rotate", "state": "new", "credential": {...}}
// -> {..., "state": "done", "finished": TIME} or "error"; the credential leaves the document.
Outcome rotate_credential(Services& services, Run& run, const Document& doc);

}  // namespace channels
