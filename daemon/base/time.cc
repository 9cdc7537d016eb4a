#include "base/time.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace channels {

namespace {

std::tm utc_of(WallTime time) {
  const std::time_t whole = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&whole, &parts);
  return parts;
}

// strftime's %a and %b follow the locale; mail wants English whatever the locale is.
constexpr std::array<const char*, 7> day_names = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> month_names = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// The number, if all of it is digits.
std::optional<int> digits(std::string_view text) {
  int number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

// "2024-05-01"
std::optional<std::chrono::year_month_day> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = digits(text.substr(0, 4));
  const auto month = digits(text.substr(5, 2));
  const auto day = digits(text.substr(8, 2));
  if (!year || !month || !day || *year < 1970 || *year > 9999) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  return date.ok() ? std::optional(date) : std::nullopt;
}

// "Z", or a fraction and "Z".
bool ends_well(std::string_view text) {
  if (text == "Z") return true;
  return text.size() > 2 && text.front() == '.' && text.back() == 'Z' &&
         digits(text.substr(1, text.size() - 2).substr(0, 9)).has_value() && text.size() < 12;
}

}  // namespace

std::string format_time(WallTime time) {
  const std::tm parts = utc_of(time);
  std::array<char, 32> text{};
  const std::size_t length =
      std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), length};
}

std::string format_mail_date(WallTime time) {
  const std::tm parts = utc_of(time);
  std::array<char, 64> text{};
  const int length = std::snprintf(
      text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d +0000",
      day_names.at(static_cast<std::size_t>(parts.tm_wday)), parts.tm_mday,
      month_names.at(static_cast<std::size_t>(parts.tm_mon)), parts.tm_year + 1900, parts.tm_hour,
      parts.tm_min, parts.tm_sec);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::optional<WallTime> parse_time(std::string_view text) {
  const auto date = parse_date(text.substr(0, std::min<std::size_t>(10, text.size())));
  if (!date || text.size() < 20 || text[10] != 'T' || text[13] != ':' || text[16] != ':')
    return std::nullopt;
  const auto hours = digits(text.substr(11, 2));
  const auto minutes = digits(text.substr(14, 2));
  const auto whole_seconds = digits(text.substr(17, 2));
  if (!hours || !minutes || !whole_seconds) return std::nullopt;
  if (*hours > 23 || *minutes > 59 || *whole_seconds > 60 || !ends_well(text.substr(19)))
    return std::nullopt;
  const auto since_1970 = std::chrono::sys_days(*date).time_since_epoch() + std::chrono::hours(*hours) +
                          std::chrono::minutes(*minutes) + seconds(*whole_seconds);
  // The clock counts nanoseconds, which last until 2262.
  if (since_1970 > std::chrono::floor<seconds>(WallTime::max().time_since_epoch())) return std::nullopt;
  return WallTime(since_1970);
}

std::optional<WallTime> parse_http_date(const std::string& text) {
  // "Wed, 01 May 2024 12:34:56 GMT"
  if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
  const auto* month = std::find(month_names.begin(), month_names.end(), text.substr(8, 3));
  if (month == month_names.end()) return std::nullopt;
  std::string number = std::to_string(month - month_names.begin() + 1);
  if (number.size() == 1) number.insert(0, "0");
  return parse_time(text.substr(12, 4) + "-" + number + "-" + text.substr(5, 2) + "T" +
                    text.substr(17, 8) + "Z");
}

}  // namespace channels
