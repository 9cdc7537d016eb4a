#include "engine/local_mark.h"

namespace channels {

namespace {

// A crash leaves the mark ahead of the registry by a few; a larger lead is a forger's.
constexpr std::int64_t believed_lead = 100000;

}  // namespace

Document local_mark(std::int64_t counter, const std::string& life) {
  Document mark{{"_id", local_mark_id}, {"counter", counter}};
  if (!life.empty()) mark["life"] = life;
  return mark;
}

MarkSays compare_mark(const CheckpointRecord& here, const std::optional<Document>& mark) {
  if (!mark) return here.counter == 0 ? MarkSays::go_on : MarkSays::is_older_copy;
  if (string_or(*mark, "life", "") != here.life) return MarkSays::other_life;
  return int_or(*mark, "counter", 0) < here.counter ? MarkSays::is_older_copy : MarkSays::go_on;
}

std::int64_t counter_after(const CheckpointRecord& here, const std::optional<Document>& mark) {
  const std::int64_t counter = mark ? int_or(*mark, "counter", 0) : 0;
  return counter > here.counter && counter - here.counter < believed_lead ? counter : here.counter;
}

}  // namespace channels
