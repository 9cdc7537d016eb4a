// Documents that are about another one which comes by itself: a wish and the channel, group or link that it is about, a subscription and its
// channel. A device that was offline sends all at once, and they are handled side by side; the other may also be in a later batch of a
// replication, or with another device. Two waits:
//
//   for what is here, and about to be made   as long as that takes: it becomes something else in any case
//   for what is not here                     a quarter of a minute from the first look on: it may never come
//
// Called by the workflows of invitations, links, joins, members and subscriptions.
#pragma once

#include <optional>
#include <string>

#include "engine/handler.h"

namespace channels {

// Later, while a channel or group with that id is in the run's own database and not answered yet; else nullopt. Reads it.
std::optional<Outcome> wait_for_making(Run& run, const std::string& id);

// Not yet, at the first looks; nullopt once it was waited for long enough. Looks are the attempts at the document's revision, so they outlive a
// restart as these do. `what`: for the log, as "its link".
std::optional<Outcome> wait_for_arrival(const Run& run, const std::string& what);

// Both, for a wish about a channel or group; `record`: what the registry has under the id. nullopt: it is made, or it was waited for long
// enough, or what is here under the id won't become one. Reads where the record doesn't say it.
std::optional<Outcome> wait_for_channel(Run& run, const std::string& id, const std::optional<Document>& record);

}  // namespace channels
