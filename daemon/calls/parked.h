// What is parked, for the calls that show it or bring it back.
#pragma once

#include <vector>

#include "couch/server.h"
#include "engine/records.h"

namespace channels {

// All of it, read page by page. Records whose document has moved on since are removed: nothing is
// parked there any longer.
std::vector<ParkedFailure> parked_now(Records& records, Server& server);

}  // namespace channels
