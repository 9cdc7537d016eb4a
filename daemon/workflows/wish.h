// What the wishes of member documents have in common (member.h, group_access.h, publication.h, introductions.h): a record is changed once
// for each revision of a document, also where a run was cut off after it, and comes again. Called by their workflows.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/handler.h"
#include "workflows/fault.h"
#include "workflows/services.h"

namespace channels {

struct Fulfilled {
  std::optional<Fault> fault;
  Document record;  // as it is then
};

// Gives why it can't be, or changes the record and has the cause noted in it (members.h, note_handled).
using WishedChange = std::function<std::optional<Fault>(Document& current)>;

// `known`: a channel's or group's record as it was just read. May throw as requests do.
Fulfilled fulfil(Services& services, const Document& known, const std::string& cause, const WishedChange& change);

// {..., "state": "done"}, or `error` with the fault.
Outcome answer_wish(const Document& doc, const std::optional<Fault>& fault);

}  // namespace channels
