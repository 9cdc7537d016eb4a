// Some channels of a rollout, worked off by several threads at once. Used by rollout.cc.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "workflows/rollout/apply_template.h"
#include "workflows/rollout/rollout_state.h"

namespace channels {

struct Slice {
  std::vector<std::string> ids;  // of channels' records
  int at_once = 1;
};

// Brings them to `target`, and notes that in their records. `probe` is called now and then while they are at work,
// the first time at once; when it answers false, or `stop` says so, no further channel is begun. `failed_as`: what
// the records of those that fail say ({"version", "attempt"}). Throws Unavailable where the server is away; what was
// done by then is in the records.
RolloutResults run_slice(Services& services, const RolloutTarget& target, const Slice& slice,
                         const json::object& failed_as, const std::function<bool()>& probe, std::stop_token stop);

}  // namespace channels
