#include "simulation/settings_of_run.h"

namespace channels::simulation {

RunSettings::RunSettings(Scheduler& chance) : quiet(chance.happens(0.1)), steps(8 + static_cast<int>(chance.below(20))) {
  hopeless = chance.happens(0.1);
  if (quiet) return;
  const auto perhaps = [&](double most) { return chance.happens(0.5) ? most * chance.chance() : 0; };
  kills = perhaps(0.25);
  pauses = perhaps(0.2);
  cuts = perhaps(0.2);
  restarts = perhaps(0.15);
  clock_jumps = perhaps(0.2);
  storms = perhaps(0.2);
  lost = perhaps(0.1);
  late = perhaps(0.06);
  busy = perhaps(0.1);
  lost_hint = perhaps(0.9);
  replayed = perhaps(0.3);
  split_vote = perhaps(0.8);
  restores = perhaps(0.1);
  deaf_poll = perhaps(0.5);
}

}  // namespace channels::simulation
