// How long to wait after failures. Pure: the caller counts and brings the chance. Used by the
// follower for documents, by the feeds for connections.
#pragma once

#include "base/time.h"

namespace channels {

// Doubles from one second to five minutes; `chance` in [0, 1) spreads it over 75 to 125 %, so that a
// thousand documents that failed together do not come back together. Beyond five minutes a
// mended server would be noticed too late; below one second a broken one would be hammered.
milliseconds backoff(int failures, double chance);

// After so many failed attempts (about half an hour of them) a document is parked in the registry for a person.
constexpr int attempts_before_parking = 12;

}  // namespace channels
