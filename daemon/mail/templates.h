// The mails' words: templates in Mustache's syntax, per language, built into the program from
// daemon/mail/templates, each of which a file of the operator's folder may replace.
//
//   LANGUAGE/KIND.txt    "Subject: ..." on the first line, an empty line, the text part
//   LANGUAGE/KIND.html   the HTML part; values are escaped for it
//
// KIND is confirm, collective, device_active, device_revoked or invitation; the values are
//   device_name   may be empty: {{#device_name}} and {{^device_name}} tell
//   link          the confirmation page's URL (confirm, collective)
//   hours_valid   how long the link is good for (confirm, collective)
//   known         not empty if the address has confirmed a device before
//   from          the address of who invites (invitation), as are
//   channel_name  may be empty
//   reads_only    not empty if he is to read, and not to write
//   is_group      not empty if it is a group's, and not a channel's
//   days_valid    how long he may accept
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/parsed.h"

namespace channels {

using Values = std::map<std::string, std::string>;

struct Rendered {
  std::string subject;
  std::string text;
  std::string html;
  std::string language;
};

class Templates {
 public:
  // Reads and tries every template: Invalid names the file that is wrong.
  static Parsed<Templates> load(const std::optional<std::filesystem::path>& folder);

  // `locale` is any text: its language is used if there is one of that name, else English.
  Rendered render(std::string_view kind, std::string_view locale, const Values& values) const;

 private:
  std::map<std::string, std::string, std::less<>> files_;  // "de/confirm.txt" -> text
};

}  // namespace channels
