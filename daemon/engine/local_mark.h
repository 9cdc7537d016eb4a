// The mark that the engine leaves in each database whose documents it follows. A database restored from a copy shows
// no sign of it: its _changes after the old seq gives nothing, and what is written from then on is silently lost. So
// with a database's batches goes a counter, kept there and in the registry; where the database's is behind, it is an
// older copy, and is read from its beginning. (From the seq that the copy had reached would not do: what waited in the
// registry then, and is done now, waits again.) Who finds that gives the database a new life, by which others see that
// their place in the feed is one of before.
//
//   {"_id": "_local/channels", "counter": 17[, "life": "..."]}
//
// Whoever may write to the database can forge it: so it can cause rows to be read again, and no more. Used by
// Follower; pure.
#pragma once

#include <optional>

#include "couch/document.h"
#include "engine/records.h"

namespace channels {

constexpr std::string_view local_mark_id = "_local/channels";

Document local_mark(std::int64_t counter, const std::string& life);

// A database that nobody marked yet has no mark; one that the registry knows nothing of can have another worker's, which
// is counted on from: a lower number in its place would hide an older copy.
enum class MarkSays {
  go_on,          // with the counter that the mark gives
  other_life,     // somebody found an older copy: the registry says where to go on, if it knows that life
  is_older_copy,  // read it from its beginning
};
MarkSays compare_mark(const CheckpointRecord& here, const std::optional<Document>& mark);
// The counter to count on from, after go_on.
std::int64_t counter_after(const CheckpointRecord& here, const std::optional<Document>& mark);

}  // namespace channels
