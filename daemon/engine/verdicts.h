// What became of each document in one turn of a follower: filled step by step, carried out by the last two steps
// (save, conclude). The items belong to the follower's Unsettled.
#pragma once

#include <utility>
#include <vector>

#include "engine/records.h"
#include "engine/unsettled.h"

namespace channels {

struct Verdicts {
  struct ToSave {
    Item* item;
    Document doc;
    std::vector<Document> beside = {};
    bool at_rest = false;
  };
  std::vector<ToSave> to_save;
  std::vector<Item*> settled;
  std::vector<std::pair<Item*, WallTime>> later;     // the handler asked for this time
  std::vector<std::pair<Item*, ParkedFailure>> parked;
  std::vector<std::pair<Item*, MonoTime>> waiting;   // looked at again then
  std::vector<Lease> ended_leases;
  std::vector<Lease> parked_leases;
};

// A run that found its lease or document changed is looked at again after this: not at once, or the
// two could chase each other.
constexpr milliseconds not_run_wait{500};

}  // namespace channels
