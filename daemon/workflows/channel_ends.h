// How a channel ends, and how it comes back: what its owners wish by the state of their `channel` documents, as it is put into the
// channel's record (channel_claims.h), which is the truth:
//
//   archive, reopen      "archived": TIME while nobody may write to it
//   delete, undelete     state "deleted" with "deleted": TIME and "until": TIME; nobody but the server's admins gets in
//   past `until`         "removing" while the database, claims and copies go, then "gone": {"type", "state", "ended"} alone, for
//                        ever, so that a copy that comes from an old device makes no channel of that id anew
//
// Used by channel.cc, which answers the documents, by the hourly clean-up and by erasure.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "workflows/fault.h"
#include "workflows/services.h"

namespace channels {

// --- the record; pure ---

// What a member's copy says while its wish is to be carried out.
bool is_end_wish(std::string_view state);
bool is_archived(const Document& channel_record);
// Nobody is in it any more: "deleted", "removing" or "gone".
bool is_ended(const Document& channel_record);
bool is_gone(const Document& channel_record);
// Deleted, and its time to come back is over.
bool is_past_return(const Document& channel_record, WallTime now);

struct EndWish {
  std::string kind;   // the document's state
  std::string user;
  std::string cause;  // the same for every run that wants this
};
// Why it cannot be; nullopt: it can, or is as wished.
std::optional<Fault> fault_of_end(const Document& channel_record, const EndWish& wish, WallTime now);
// Puts the wish into the record; false if it was put in before, or nothing is to be changed.
bool change_end(Document& channel_record, const EndWish& wish, WallTime now, seconds deleted_kept);

// --- what follows ---

struct EndResult {
  Document record;  // as it is then
  std::optional<Fault> fault;
};
// The record, the channel's name among its namer's, its _security, and the copies of all members but `wish.user`, whose document is
// the caller's to answer. Safe to repeat.
EndResult carry_out_end(Services& services, const Document& channel_record, const EndWish& wish);

// A channel whose time to come back is over goes for good: database, claims, all copies but that of `but`. Gives the record as it is then: as
// it was if its time is not over. Safe to repeat.
Document remove_channel(Services& services, const Document& channel_record, const std::string& but = "");

}  // namespace channels
