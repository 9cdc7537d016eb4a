// The project's own design documents, as design_docs/ holds them: one folder per kind of database
// (handshake, control, channel, registry), one function per file, built into the program. Each is
// installed as `_design/channels`. install and the engine's design rule call these.
#pragma once

#include <optional>
#include <string_view>

#include "couch/database.h"

namespace channels {

// The design document of that folder: {"_id": "_design/channels", "language": "javascript",
// "version": 3, "validate_doc_update": "...", "views": {NAME: {"map": "..."}}, "filters": {...}}.
// A folder that does not exist is a bug.
Document design_doc(std::string_view folder);

int design_doc_version(std::string_view folder);

// What has to be saved so that `current` becomes what it should be; nullopt if it is right, or of
// a higher version (a newer program's). `current` empty: there is none. Pure.
std::optional<Document> mended_design_doc(std::string_view folder,
                                          const std::optional<Document>& current);

// Safe to repeat, also by several workers at once.
void ensure_design_doc(Database& database, std::string_view folder);

}  // namespace channels
