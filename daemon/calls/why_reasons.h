// Why a device is not in sync, judged from what CouchDB knows of it. Pure; the call `why` prints
// it.
#pragma once

#include <string>
#include <vector>

#include "calls/why_facts.h"

namespace channels {

// One thing that was found. `kind`: it keeps the device from being in sync; or it only tells; or it
// cannot be known.
struct Reason {
  enum class Kind { trouble, note, unknown };
  Kind kind = Kind::trouble;
  std::string reason;    // a word, as those in docs/operations.md
  std::string channel;   // its id, where it is about one
  std::string sentence;  // for a person; documents' text in it is escaped
};

std::vector<Reason> reasons_of(const DeviceFacts& facts, WallTime now);

}  // namespace channels
