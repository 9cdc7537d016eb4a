// device `new` in the handshake -> the record in the registry, the confirmation mail, `confirming`.
// Unsafe: two workers must not both send. A run that was lost is repeated with the same code
// and the same Message-ID, so that a mail server or reader can drop the second.
#pragma once

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

Outcome register_device(Services& services, Run& run, const Document& doc);

// The content of a leaf that proves its id, with the winner's _rev: for a document whose winner does
// not prove it (an admin wrote there, or a branch won). nullopt if no leaf does.
std::optional<Document> provable_leaf(Run& run, const Document& winner);

}  // namespace channels
