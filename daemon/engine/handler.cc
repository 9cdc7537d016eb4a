#include "engine/handler.h"

#include "base/errors.h"

namespace channels {

Outcome call_handler(const Handler& handler, Run& run, const Document& doc) {
  try {
    return handler(run, doc);
  } catch (const Unavailable& down) {
    return Failed{down.what(), down.retry_after};
  } catch (const Refused& refused) {
    return Failed{refused.what(), std::nullopt};
  }
}

}  // namespace channels
