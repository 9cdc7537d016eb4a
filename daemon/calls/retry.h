// `couchdb-channels retry`: hands parked documents out again.
#pragma once

#include <string>

#include "calls/operator.h"

namespace channels {

struct ParkedWanted {
  std::string id = {};  // a document's _id, in whatever database
  bool all = false;     // every one that is parked
};

// Prints what it brought back. 0, or 1 if nothing with that id is parked.
int retry_parked(Operator& by, const ParkedWanted& what);

}  // namespace channels
