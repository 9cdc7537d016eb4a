// Times as documents carry them (RFC 3339, UTC) and as the program measures them. Wall time is for
// documents and people; every wait and every limit uses monotonic time, since clocks jump.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace channels {

// For documents and people.
using WallTime = std::chrono::system_clock::time_point;
// For waits and limits; means nothing outside of this process.
using MonoTime = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;
using std::chrono::seconds;

// "2024-05-01T12:34:56Z", whole seconds. Such strings sort as the times do.
std::string format_time(WallTime time);
// "Wed, 01 May 2024 12:34:56 +0000", for mail headers (RFC 5322, section 3.3).
std::string format_mail_date(WallTime time);
// Reads what format_time writes, with optional fractions of a second; nullopt for all else.
std::optional<WallTime> parse_time(std::string_view text);
// Reads "Wed, 01 May 2024 12:34:56 GMT", an HTTP answer's Date (RFC 9110, section 5.6.7: the one form that is sent).
std::optional<WallTime> parse_http_date(const std::string& text);

}  // namespace channels
