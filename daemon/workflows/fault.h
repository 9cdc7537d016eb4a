// Why a person's document can't be carried out; what goes into it as `error` (couch/document.h, in_error). Used by the workflows of
// invitations and members.
#pragma once

#include <string>

namespace channels {

struct Fault {
  std::string error;   // a word for programs: docs/documents.md lists them
  std::string reason;  // one sentence for a person
};

}  // namespace channels
