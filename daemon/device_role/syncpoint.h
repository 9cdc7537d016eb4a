// The URLs to which a device sends its password. Another device of the user may have written them,
// and a stolen one would name a server of its thief. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/parsed.h"

namespace channels {

// The URL of registration in the one form that syncpoints are compared with: scheme and host in
// lower case, a slash at the end. Invalid, in one sentence, if it is no http:// or https:// URL, or
// has a name, query or fragment.
Parsed<std::string> parse_cloud_url(std::string_view text);

// docs/documents.md: a syncpoint is the URL of registration plus one segment that ends in "-<id>".
// `cloud` as parse_cloud_url gives it; `id` is a channel's or a user's.
bool accepts_syncpoint(std::string_view cloud, std::string_view syncpoint, std::string_view id);

// Would the password travel in clear, and not only inside this machine?
bool travels_in_clear(std::string_view cloud);

}  // namespace channels
