// Text of strangers on its way into a mail. Everything that goes into a header or a template passes
// through here. Pure; input is UTF-8 (CouchDB's JSON is), a malformed byte counts as a control character.
#pragma once

#include <string>
#include <string_view>

#include "base/utf8.h"

namespace channels {

// Has no shape of its own on a page, or changes that of its neighbours: control characters of both
// ranges, line and paragraph separators, direction marks, zero-width characters, U+FFFD.
bool is_invisible(char32_t point);

// A blank of any width.
bool is_blank(char32_t point);

// One line for a person: each run of invisible characters and blanks becomes one blank.
std::string single_line(std::string_view text);

}  // namespace channels
