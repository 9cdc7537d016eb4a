// Who owns which channel id, and which name: the registry's documents that channel.cc makes before anything
// else, so that nobody enters a channel by naming it.
#pragma once

#include <functional>
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
// Gives up a claim of which nothing was made.
void release_channel(Services& services, const ChannelWish& wish);

// Names. A user has each name once: its claim says which of his channels has it, and the channel's record says so, too. These are two documents, so
//   - who wants a name has the claim made or written anew first, and then saves the record over the revision that he read before;
//   - who gives a name up reads the claim, then the record, which he writes once more, and removes the claim that he read.
// Of two such runs at once one meets another revision than it knows, and looks again.

// `change` as of Registry::update, but once, and over the very revision that `known` has; nullopt: somebody has written it since.
std::optional<Document> update_unless_changed(Registry& registry, const Document& known,
                                              const std::function<bool(Document&)>& change);
// The id of the channel that has this name among the user's; the wish's own if the claim is won. A claim of a channel that does
// not have the name (any longer), is deleted, or that the user is out of, goes to the wish.
std::string claim_channel_name(Services& services, const ChannelWish& wish);
// Unless the channel's record says (again) that it has this name.
void release_channel_name(Services& services, const ChannelWish& wish);

}  // namespace channels
