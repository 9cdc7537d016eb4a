// Text as CouchDB takes it: well-formed UTF-8 (RFC 3629). Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace channels {

// The code points; U+FFFD for each malformed byte.
std::vector<char32_t> code_points(std::string_view text);
void append_utf8(std::string& text, char32_t point);

// The beginning of `text`, at most so many bytes, with U+FFFD for each malformed byte: CouchDB refuses a whole request for one such.
std::string well_formed(std::string_view text, std::size_t longest);

}  // namespace channels
