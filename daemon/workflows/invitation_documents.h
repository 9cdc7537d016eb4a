// What an invitation is made of, as pure functions: its record in the registry, which is the truth, and the two documents
// that are copies of it, the inviter's and the invitee's. Used by invitation.cc and invitation_new.cc.
//
//   record  {"_id": "invitation-<digest>", "type": "invitation", "state": "new" | "sent" | "accepting" | "accepted" |
//            "declined" | "withdrawn" | "expired" | "error", "user": inviter, "document": id of his document,
//            "channel", "access", "address": digest of the invitee's address, "from": the inviter's address, "name": the
//            channel's as he had it, "sent", "expires", "error"}
//
// The digest is the SHA-256 of the inviter's user id, "\n" and his document's id: the same document is the same
// invitation in every run.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "couch/document.h"

namespace channels {

// "invitation-<digest>": the id of the record and of the invitee's document.
std::string invitation_id(std::string_view inviter, std::string_view document_id);
// An id of that form: the document is an invitee's.
bool is_invitation_id(std::string_view id);

// The state that copies show: accepting is told to nobody.
std::string shown_state(const Document& record);

// Notes "invitation <what>" for the audit: "sent", "accepted", ... `invitee`: his user id, if he has one.
void note_invitation(Document& record, std::string_view what, std::string_view by, WallTime now, std::string_view invitee = {});

// The inviter's: `doc` with all that the daemon owns put right; `to` and whatever the daemon doesn't know stay.
Document inviters_copy(const Document& record, Document doc);

// {"_id", "type": "invitation", "state": "received" | ..., "channel", "name", "access", "from", "expires"}. What it was when it was
// sent: who is no member learns no later name.
Document invitees_copy(const Document& record, Document doc);

}  // namespace channels
