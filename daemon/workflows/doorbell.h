// The doorbell: one document in each control database that says which of the user's channels changed, so that a device
// needs a feed on the control database alone. all.cc gives ring_doorbell to the engine as the hook of channel databases.
//
//   {"_id": "doorbell", "type": "doorbell", "channels": {"<channel id>": "<time of the ring>"}}
//
// Devices compare the times with those that they saw before, for difference only. Only active subscriptions are rung,
// each user's doorbell at most once in ten seconds: the first change at once, what follows together. A ring in a control
// database is no change of a channel, so nothing echoes. The engine's checkpoint waits for the ring: no restart loses
// one, at worst it rings twice.
#pragma once

#include <optional>

#include "couch/database.h"
#include "workflows/services.h"

namespace channels {

// Something was written to this channel database (`is_news`), or the ring put off before is due. Gives when to be called
// again; nullopt once every user who has it active knows. Throws as requests do; call it again then.
std::optional<MonoTime> ring_doorbell(Services& services, const Database& channel, bool is_news);

// The doorbell with these channels rung at `now`; the longest silent ones make room, so that it stays small. Pure.
Document rung(Document doorbell, const std::set<std::string>& channels, WallTime now);
// Of a doorbell that two workers rang at once: the winner, which comes first, with the latest ring of each channel;
// nullopt if a leaf is no doorbell. Pure.
std::optional<Document> united_doorbell(const std::vector<const Document*>& leaves);
// How long ago it was rung last; nullopt if never, or in the future of our clock. Pure.
std::optional<seconds> last_rung(const Document& doorbell, WallTime now);

}  // namespace channels
