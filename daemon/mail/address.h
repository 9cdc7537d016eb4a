// An e-mail address as a device document's `owner` carries it: exactly one addr-spec (RFC 5322,
// section 3.4.1), without display name, comments or quotes.
#pragma once

#include <string>
#include <string_view>

#include "base/parsed.h"

namespace channels {

struct Address {
  std::string spelled;  // as written: mail goes there
  // The same person's: ASCII letters in lower case, all else byte for byte. Unicode folding
  // would make "\u212aate@example.com" (Kelvin sign) kate@example.com, another person.
  std::string folded;
  std::string domain;  // folded
};

// Wrong input gives one sentence for a person.
Parsed<Address> parse_address(std::string_view text);

}  // namespace channels
