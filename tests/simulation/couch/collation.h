// The order of keys in views, as CouchDB has it (couch_ejson_compare): null, false, true, numbers, strings, arrays,
// objects. Strings of ASCII compare as ICU's root collation does: punctuation before digits before letters, case only
// where all else is equal, lower before upper. Other characters come after all of ASCII, by their bytes (not as ICU).
// Used by views, and by the tests that check it against the server.
#pragma once

#include <string_view>

#include "base/json.h"

namespace channels::simulation {

// Below, at or above zero.
int collate(const json::value& left, const json::value& right);
int collate_text(std::string_view left, std::string_view right);

struct CollatesBefore {
  bool operator()(const json::value& left, const json::value& right) const { return collate(left, right) < 0; }
};

}  // namespace channels::simulation
