// Who did what to which device, channel or membership, and when: entries in the registry that nobody changes afterwards. By ids
// alone: no address, no name that a person gave, no code is in one, so that an entry may stay when its user is erased.
//
//   {"_id": "audit-<at>-<digest>", "type": "audit", "at": TIME, "what": "member added", "by": "<user id>" | "mailbox" | "operator" |
//    "daemon"[, "user"][, "device"][, "channel"][, "group"][, "access"][, "invitation"][, "link"][, "wipe"][, "document"][, "after": REV]}
//
// An entry comes to be with the change that it tells of, by the same save: note_audit() puts it into the record that is changed,
//
//   "audit": [entry, ...]      noted, and not known to be written yet
//
// and whatever wrote the record hands it on (audit_queue.h) to be written as a document of its own, beside other documents of the
// registry. Who is cut off in between loses nothing: it stays in the record until clean_up.cc or the next change finds it. As
// the id is made of the content, to write it twice is to write it once, and an entry that was changed shows it.
//
// Pure. Used by every workflow that changes a record, within Registry::update.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "couch/document.h"

namespace channels {

// Who is no user: the reader of a mailbox, by a code of a mail; a person at the server's command line; nobody, by the clock.
constexpr std::string_view by_mailbox = "mailbox";
constexpr std::string_view by_operator = "operator";
constexpr std::string_view by_daemon = "daemon";

struct Deed {
  std::string what;
  std::string by;
  json::object about;  // "user", "device", "channel", ...; what is an empty string is left out
};

// The entry of a deed that changes no record.
Document audit_entry(const Deed& deed, WallTime now);

// Puts the entry into the record, which holds the change that it tells of and is saved next. Once, if it is noted twice.
void note_audit(Document& record, const Deed& deed, WallTime now);

// Those that the record holds.
std::vector<Document> noted_audits(const Document& record);

// False if somebody changed the entry since: by a branch of it, or with the validation taken away.
bool is_as_written(const Document& entry);

// With milliseconds, so that a channel's life can be told in its order: "2024-05-01T12:34:56.789Z".
std::string audit_time(WallTime time);

}  // namespace channels
