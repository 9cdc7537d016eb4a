// Bugs on purpose. The simulation switches one of them on and sees that its checkers catch it; in every other
// build mutant() is a constant false, and nothing of it is left in the program. Engine and workflows ask it at the
// places that keep their promises:
//
//   if (!leases_.still_ours(run.lease) && !mutant("lease-unchecked")) return std::nullopt;
//
// tests/simulation lists the names, and which checker has to catch which.
#pragma once

#include <string_view>

namespace channels {

#ifdef CHANNELS_MUTANTS
bool mutant(std::string_view name);  // defined by the simulation
#else
constexpr bool mutant(std::string_view) {
  return false;
}
#endif

}  // namespace channels
