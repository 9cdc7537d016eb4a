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

struct RotationLook {
  enum class Says {
    to_send,  // the cloud does not know of it, and takes our log-in
    asked,    // it has not answered
    done,     // it has the new secret, but does not take it yet
    refused,  // it takes neither secret
    over      // the pairing says how
  };
  Says says;
  Document pairing;  // as it is then
};
// One look at the cloud, and what follows from it. The wish is only sent if `may_send`. Tries no secret that is known to be wrong: CouchDB locks a name
// after five. May throw as requests do.
RotationLook advance_rotation(const DeviceServices& services, const Document& pairing, bool may_send);

}  // namespace channels
