#include "engine/local_mark.h"

#include <algorithm>

namespace channels {

namespace {

// A crash leaves the mark ahead of the registry by a few; a larger lead is a forger's.
constexpr std::int64_t believed_lead = 100000;

}  // namespace

Document local_mark(std::int64_t counter) {
  return {{"_id", local_mark_id}, {"counter", counter}};
}

CheckpointRecord start_of(const CheckpointRecord& checkpoint, const std::optional<Document>& mark) {
  if (checkpoint.counter == 0) return checkpoint;
  CheckpointRecord start = checkpoint;
  const std::int64_t counter = mark ? int_or(*mark, "counter", 0) : 0;
  if (counter < checkpoint.counter) {
    start.seq = CheckpointRecord().seq;
  } else if (counter - checkpoint.counter < believed_lead) {
    start.counter = counter;
  }
  return start;
}

}  // namespace channels
