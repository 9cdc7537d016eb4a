// A link's record in the registry (link.h), as pure functions. Used by link.cc and join.cc.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "couch/document.h"

namespace channels {

// 128 random bits: nobody guesses them, so no count of wrong tries is needed that a stranger could use up.
bool is_link_code(std::string_view code);
std::string link_record_id(std::string_view channel_id, std::string_view code);

// Open, and its time is over.
bool is_link_past(const Document& record, WallTime now);

// Takes one of its uses for that cause; the same cause takes no second one. With the last of them the link is `used`. False if none
// is left, or it has ended; nothing is changed then.
bool take_use(Document& record, const std::string& cause);
// That cause has one.
bool has_use(const Document& record, const std::string& cause);

// Notes "link <what>" for the audit: "made", "closed", "expired".
void note_link(Document& record, std::string_view what, std::string_view by, WallTime now);

// The document of who made it: `doc` with all that the daemon owns put right.
Document makers_copy(const Document& record, Document doc);

}  // namespace channels
