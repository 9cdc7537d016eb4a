// confirm `clicked` in the handshake -> `used` | `error`, and the device's record becomes `confirmed` or
// `rejected`. Safe. A wrong proof makes this one document an error and touches nothing else.
#pragma once

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

Outcome use_confirm(Services& services, Run& run, const Document& doc);

}  // namespace channels
