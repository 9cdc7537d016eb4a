#include "calls/all.h"

#include "calls/calls.h"

namespace channels {

void add_all_calls(Calls& calls) {
  add_status(calls);
  add_doctor(calls);
  add_retry(calls);
  add_devices(calls);
  add_channels(calls);
  add_audit(calls);
  add_revoke(calls);
  add_why(calls);
  add_pair(calls);
  add_rotate(calls);
  add_trace(calls);
  add_replay(calls);
  add_erase(calls);
  add_rollout(calls);
}

}  // namespace channels
