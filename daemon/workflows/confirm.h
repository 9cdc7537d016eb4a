// confirm `clicked` in the handshake -> `used` | `error`, and the device's record becomes `confirmed` or
// `rejected`. Safe. A wrong proof makes this one document an error and touches nothing else. `proofs` is one for all runs.
#pragma once

#include "engine/handler.h"
#include "workflows/services.h"
#include "workflows/shared_proofs.h"

namespace channels {

Outcome use_confirm(Services& services, SharedProofs& proofs, Run& run, const Document& doc);

}  // namespace channels
