// A device's documents in the handshake after `new`: each is kept equal to its record in the
// registry, an unconfirmed one expires on time, and what happened to a device is told to its
// address by mail.
#pragma once

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

// Every state that no other rule is for, and documents that became something else: puts them right. Safe.
Outcome mend_device(Services& services, Run& run, const Document& doc);
// `confirming`: expires at its time. Safe.
Outcome await_confirmation(Services& services, Run& run, const Document& doc);
// `active` and `revoked`: sends the mail that the record asks for. Unsafe; repeated with the same Message-ID.
Outcome tell_address(Services& services, Run& run, const Document& doc);

}  // namespace channels
