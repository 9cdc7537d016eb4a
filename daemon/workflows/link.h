// Links: whoever has one comes into a channel by himself, without an invitation for his address. An owner's device makes the
// code, so that a link can be shown or passed on before the cloud knows of it; the registry keeps only a digest of it.
//
//   record  {"_id": "link-<digest>", "type": "link", "state": "open" | "used" | "closed" | "expired", "user": who made it,
//            "document": id of his document, "channel", "access", "uses", "taken": [USE, ...], "created", "expires"}
//
// The digest is the SHA-256 of the channel's id, "\n" and the code: what counts is the pair of both. Somebody who saw a code
// early can't make it lead into a channel of his own.
#pragma once

#include <string>
#include <string_view>

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

// {"type": "link", "state": "new", "channel", "code": "<32 hex digits>", "access": "writer" | "reader"[, "uses": 1 to 1000]
// [, "days": 1 to 365]} -> {..., "state": "open", "uses", "expires"}, or `error` with one of bad_access, bad_code, bad_limits,
// no_owner, code_taken. Ten uses and seven days where it says nothing of them. Safe.
Outcome open_link(Services& services, Run& run, const Document& doc);

// All other states. Its maker's `close` is carried out, also of one that never was open, what is past its `expires` ends, and the document says what the
// record does. Safe.
Outcome settle_link(Services& services, Run& run, const Document& doc);

// {"type": "join", "state": "new", "channel", "code"} in the control database of who wants to come in -> {"state": "joined",
// "channel"} without the code, or `error` with one of unknown_link, link_ended, no_member. Who is a member already
// keeps his access, and takes no use. Without a code it is for a public channel, which then is followed (publication.h). Safe: the same revision takes one use.
Outcome join(Services& services, Run& run, const Document& doc);

}  // namespace channels
