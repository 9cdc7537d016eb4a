// invitation documents in control databases: the inviter's goes `new` -> `sent`, the invitee's `received` -> `accept` or
// `decline`, and both end as `accepted`, `declined`, `withdrawn` or `expired`. What counts is the record in the registry
// (invitation_documents.h): channel, access and who is invited are never taken from a document after `new`.
#pragma once

#include <string>

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

// {"_id", "type": "invitation", "state": "new", "channel", "to": "bob@example.com", "access": "writer" | "reader" |
// "owner"[, "locale"]} -> {..., "state": "sent", "expires"}, or `error` with one of bad_id, bad_access, bad_address,
// no_owner, is_you, is_member, pending, mail_refused. Mails the invitee, and puts the invitation into his control
// database if he has one. Where the hour's mails are used up, it waits. Unsafe: the mail.
Outcome invite(Services& services, Run& run, const Document& doc);

// All other states. The inviter's `withdraw`, the invitee's `accept` and `decline` are carried out, what is past its
// `expires` ends, and both documents say what the record does. While it waits the inviter's comes again daily, and what the invitee lacks is
// put into his database. An `accept` without a record is an error, as is
// one whose inviter is no owner any more. Safe.
Outcome settle_invitation(Services& services, Run& run, const Document& doc);

// The inviter's document as the record is, where another run has answered it meanwhile: nobody would look at it again.
void show_inviter(Services& services, const Document& record);

// The invitations that wait for an address, once it has a user: called when his control database was made, and not before.
void deliver_invitations(Services& services, const std::string& address_digest);
// This one, if its address has a user by now.
void deliver_invitation(Services& services, const Document& record);

}  // namespace channels
