// One mail, and its form on the wire (RFC 5322, MIME): text and HTML as alternatives. The workflows fill
// it, the mailers send it.
#pragma once

#include <string>

#include "base/time.h"

namespace channels {

struct Mail {
  std::string to;          // one addr-spec
  std::string from;        // "Name <address>" or an address, as configured
  std::string message_id;  // "<...@...>": the same for a repeat of the same mail
  std::string subject;     // UTF-8; line breaks in it become blanks
  std::string text;
  std::string html;
  std::string language;  // Content-Language, "de"
  WallTime date;
};

// The whole message with CRLF line ends, no line longer than 78 characters but for a long address. Nothing
// in `mail` can add a header: each value is put on a single line first. Pure.
std::string compose(const Mail& mail);

// The address in "Name <address>".
std::string address_in(std::string_view from);

}  // namespace channels
