// The handshake's device documents as copies of the registry's records. Whatever a stranger, a replay or
// a restore makes of such a document, the daemon writes the registry's state on the winner
// again, without mail and at most once a minute an id.
#pragma once

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

// The record's copy with the _rev of what is there now.
Document copy_over(const Services& services, const Document& record, const Document& current);

// Keep if the document is the record's copy already; else Save, or Later if it was put right a
// moment ago.
Outcome mirror_device(Services& services, Run& run, const Document& doc, const Document& record);

// Writes the copy at once: after a change of the record that the daemon itself made.
void push_device_copy(Services& services, const Document& record);

// Ends a registration that is in state `from`: the record's state becomes `state` ("expired", "rejected",
// "error"), all that is personal leaves it; gives the copy to save. One in another state stays as it is.
Outcome end_device(Services& services, const Document& doc, std::string_view from,
                   std::string_view state, const json::object& error = {});
// The record's side of that alone, with `more` members; gives the record as it then is.
Document end_record(Services& services, std::string_view device_id, std::string_view from,
                    std::string_view state, const json::object& more = {});

}  // namespace channels
