// Who owns which channel id, and which name: the registry's documents that channel.cc makes before anything
// else, so that nobody enters a channel by naming it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "workflows/services.h"

namespace channels {

struct ChannelWish {
  std::string id;
  std::string name;
  std::string user;  // user id of the claimant
};

std::string channel_record_id(std::string_view channel_id);
// The channel's id, of its record.
std::string channel_id_of(const Document& channel_record);

// The channel's record, made if there is none. It may be another user's: look at its `user`.
Document claim_channel(Services& services, const ChannelWish& wish);
// Both claims by one write, as of one that is being made already ("making", "at_once": true). Only for who has just seen that there is no
// database for this id. nullopt unless both were won now: what is this user's stays, for who goes step by step.
std::optional<Document> claim_channel_at_once(Services& services, const ChannelWish& wish);
// Claimed so, and nobody looked since: its name may be another channel's, and its database not begun.
bool is_claimed_at_once(const Document& channel_record);
// Gives up a claim of which nothing was made.
void release_channel(Services& services, const ChannelWish& wish);

// The id of the channel that has this name among the user's; the wish's own if the claim is won.
std::string claim_channel_name(Services& services, const ChannelWish& wish);
void release_channel_name(Services& services, const ChannelWish& wish);

}  // namespace channels
