// How a channel comes to be: its claims (channel_claims.h), its database, what that holds at first, and its record's way to "ready".
// Called by channel.cc for documents in the state `new`, and for those of channels that the registry has lost. Each step may be cut
// off and is finished by the next run; no database that is there without the claim is ever taken.
//
// Nearly always id and name are new: make_at_once() takes that for granted and looks only at what tells it otherwise, which costs
// the fewest requests. Whatever it meets, make_step_by_step() goes on from there.
#pragma once

#include <optional>
#include <string>

#include "workflows/channel_claims.h"
#include "workflows/services.h"

namespace channels {

// Why a document is no channel that can be made.
struct ChannelFault {
  std::string error;
  std::string reason;
  std::string channel = {};  // of a duplicate: the first one's id
};
ChannelFault id_taken();

// The channel's record, "ready"; nullopt where something of it is there already.
std::optional<Document> make_at_once(Services& services, const ChannelWish& wish);

// Makes it, or what is left of it to make. `record`: the channel's, if there is one; then as it is at the end.
std::optional<ChannelFault> make_step_by_step(Services& services, const ChannelWish& wish,
                                              std::optional<Document>& record);

// Claims the wish's name among the user's. One of his that is deleted, or that he is out of, has to give it.
std::optional<ChannelFault> claim_name(Services& services, const ChannelWish& wish);

// Has the channel's database say this name.
void describe(Database& channel, const std::string& name);

}  // namespace channels
