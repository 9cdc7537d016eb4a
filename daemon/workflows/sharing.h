// What follows from a channel's record (members.h): who gets into its database, and what its members' devices see. Called
// by the workflows of channels, invitations and members after they changed the record; all of it may be repeated.
#pragma once

#include <string>
#include <vector>

#include "workflows/introductions.h"
#include "workflows/reach.h"

namespace channels {

// Brings the channel's _security to what the record says. CouchDB has no revision of it, so two who write it at once could
// leave the older: whoever has written reads the record again, and goes on until it is what he wrote from. `record` as it was
// read; gives it as it is then.
Document open_to_members(Services& services, Document record);

// Of a database that the caller has made himself just now: its _security is CouchDB's default, and need not be read. He looks afterwards
// whether the record is still what he wrote from.
void open_new_database(Database& channel, const Document& record);

// The same as open_to_members for all who have the channel, by themselves or through a group, and the documents of all members and former members:
// {"_id": "<channel id>", "type": "channel", "state": "ready" | "archived" | "deleted" | "removed", "name", "database", "syncpoint",
// "access", "named_by", "members": (introductions.h)[, "shows"], "groups": [{"group", "access"}]}, and the subscription; of the user `but` only
// the latter: his document is the one that is being answered. Of a group's record it is group_sharing.h that does so; whom `cause` (MemberChange) was about, or with none
// everybody.
void share_out(Services& services, const Document& record, const std::string& cause = "", const std::string& but = "");

// One user's documents of many channels, by few requests; where one changed at the same time, it is done by itself.
void show_channels(Services& services, const std::string& user, const std::vector<Document>& channel_records);

// `gone`: the record that the channel is about to have. Tells all who had it by `before`, but for the user `but`.
void show_gone(Services& services, const Document& gone, const Document& before, const std::string& but);

// The copy of somebody with that standing: `existing` (empty at first) with all that the daemon owns put right. The name is left
// as it is if there is one: it may be a new one of an owner. (Not of who only follows it.) Former members' copies say `removed`,
// with left and wipe; those of a deleted channel `deleted`, with until.
Document channel_copy(const Services& services, Introductions& introductions, const Document& channel_record,
                      const Standing& standing, Document existing);
// The same of one user's alone.
Document channel_copy_of(Services& services, const Document& channel_record, const std::string& user, Document existing);

// "removed", "deleted", "archived" or "ready": what a user with that access is shown. Pure.
std::string shown_channel_state(const Document& channel_record, std::string_view access);

// An owner gave the channel another name: it goes into the copies of all members that show the old one.
void rename_copies(Services& services, const Document& channel_record, const std::string& old_name);

}  // namespace channels
