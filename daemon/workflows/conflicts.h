// What becomes of a document of a control database that was changed on two sides while one of them
// was offline. The engine calls it with all leaves that are not deleted (engine/rules.h);
// afterwards the document goes through its ordinary rule, which puts right what the daemon owns.
// docs/documents.md, "Conflicts", says the same to people.
//
// - device: `revoke` or `revoked` in any leaf wins, with `wipe` if any of those says so.
// - channel: the state of the leaf that is furthest along: an owner's wish (`archive`, `reopen`, `delete`, `undelete`) before what the daemon says
//   (`ready`, `archived`, `deleted`, `removed`) before `new` before `error`.
// - invitation: an end before a person's wish (`accept`, `decline`, `withdraw`) before `sent` and `received`.
// - member: `done` before a wish before `error`.
// - subscription: the winner's choice of `active`, `paused`, `stopped`.
// - the doorbell: the latest ring of each channel.
// - anything else is an app's, which settles it: nullopt.
//
// Of what a person owns (name, choice, all members that the daemon doesn't know) the winner's is
// kept, then any other leaf's. What a leaf says differently stands in the document from then on:
//
//   "overruled": [{"rev": "3-abc", "name": "Kitchen"}, …]
//
// (overruled.h) until an app deletes that member, when the person has seen it.
//
// Promises: pure; the same leaves in any order give the same bytes; the result, once saved, gives
// itself beside the same losers, so that the engine knows when all is kept; none exceeds what
// validation lets a device write: one that would is nullopt, and all leaves stay.
#pragma once

#include <optional>
#include <vector>

#include "couch/document.h"

namespace channels {

std::optional<Document> resolve_control_conflict(const std::vector<Document>& leaves);

}  // namespace channels
