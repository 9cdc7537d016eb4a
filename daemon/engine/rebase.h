// Putting the result of an unsafe run on a document that somebody else changed meanwhile. The
// follower's, for a save that met a conflict: the act is done and must not be done again.
#pragma once

#include <optional>

#include "couch/document.h"

namespace channels {

// The outcome `wanted`, made from `trigger`, put on top of `fresh`, which someone else wrote
// meanwhile: members that the handler changed are taken from it, all others stay as they are now.
// nullopt if the fresh document is in another state, so that the outcome no longer applies. Pure.
std::optional<Document> rebase(const Document& trigger, const Document& wanted,
                               const Document& fresh);

}  // namespace channels
