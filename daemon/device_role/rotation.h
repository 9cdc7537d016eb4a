// How this machine changes its secret at the cloud, by a document `rotate-<device>-<number>` in the cloud's handshake. The call `rotate` begins it, the
// daemon carries it on (device_sync.h), from wherever it was cut off. The pairing has both secrets until the new one is in use:
//
//   "rotation": <number of the secret in use, absent: the first>[, "next": {"number", "secret", "credential"}][, "rotation_error": {"error", "reason"}]
#pragma once

#include "device_role/pairing.h"

namespace channels {

// The pairing with a next secret, made now; the same if one is on its way.
Document with_next_secret(Env& env, Document pairing);
bool is_rotating(const Document& pairing);
// The next secret is in use; the pairing of another number is left alone. Pure.
Document after_rotation(Document pairing, std::int64_t number);

// One look at the cloud, and what follows from it. What is to be changed is only sent if `may_send`. Gives the pairing as it then is. May throw as
// requests do.
Document advance_rotation(const DeviceServices& services, const Document& pairing, bool may_send);

}  // namespace channels
