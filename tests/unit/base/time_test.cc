#include "base/time.h"

#include <gtest/gtest.h>

namespace channels {
namespace {

using namespace std::string_literals;

WallTime at(std::int64_t unix_time) {
  return std::chrono::system_clock::from_time_t(unix_time);
}

TEST(Time, WritesRfc3339) {
  const std::pair<std::int64_t, std::string> cases[] = {
      {0, "1970-01-01T00:00:00Z"},
      {1714567152, "2024-05-01T12:39:12Z"},
      {1709210096, "2024-02-29T12:34:56Z"},
      {9223372036, "2262-04-11T23:47:16Z"},
  };
  for (const auto& [unix_time, text] : cases) {
    EXPECT_EQ(format_time(at(unix_time)), text);
    EXPECT_EQ(parse_time(text), at(unix_time));
  }
  EXPECT_EQ(format_time(at(0) + milliseconds(999)), "1970-01-01T00:00:00Z");
}

TEST(Time, WritesMailDatesInEnglish) {
  EXPECT_EQ(format_mail_date(at(1714567152)), "Wed, 01 May 2024 12:39:12 +0000");
  EXPECT_EQ(format_mail_date(at(0)), "Thu, 01 Jan 1970 00:00:00 +0000");
  EXPECT_EQ(format_mail_date(at(1735689599)), "Tue, 31 Dec 2024 23:59:59 +0000");
}

TEST(Time, ReadsFractions) {
  for (const std::string text :
       {"2024-05-01T12:39:12.5Z", "2024-05-01T12:39:12.123Z", "2024-05-01T12:39:12.999999999Z"})
    EXPECT_EQ(parse_time(text), at(1714567152)) << text;
}

TEST(Time, ReadsNothingElse) {
  for (const std::string& text : {""s,
                                  "Z"s,
                                  "2024"s,
                                  "2024-05-01"s,
                                  "2024-05-01T12:39Z"s,
                                  "2024-05-01T12:39:12"s,
                                  "2024-05-01 12:39:12Z"s,
                                  "2024-05-01T12:39:12z"s,
                                  "2024-05-01T12:39:12+00:00"s,
                                  "2024-05-01T12:39:12ZZ"s,
                                  "2024-05-01T12:39:12Z "s,
                                  "2024-05-01T12:39:12.5"s,
                                  "2024-05-01T12:39:12,5Z"s,
                                  "2024-05-01T12:39:12.-5Z"s,
                                  "2024-13-01T12:39:12Z"s,
                                  "2024-00-01T12:39:12Z"s,
                                  "2024-05-32T12:39:12Z"s,
                                  "2024-05-01T24:39:12Z"s,
                                  "2024-05-01T12:60:12Z"s,
                                  "2024-05-01T12:39:62Z"s,
                                  "-024-05-01T12:39:12Z"s,
                                  "1714567152"s,
                                  "yesterday"s,
                                  "Wed, 01 May 2024 12:39:12 +0000"s})
    EXPECT_FALSE(parse_time(text)) << text;
}

TEST(Time, ReadsOnlyTheFormThatItWrites) {
  for (const std::string& text :
       {" 2024-05-01T12:39:12Z"s, "2024-5-1T1:2:3Z"s, "2024- 5- 1T12:39:12Z"s,
        "2024-05-01T12:39:12.Z"s, "2024-02-31T12:39:12Z"s, "2023-02-29T12:39:12Z"s,
        "2024-05-01T12:39:12Z\0more"s, "24-05-01T12:39:12Z"s})
    EXPECT_FALSE(parse_time(text)) << text;
}

TEST(Time, ReadsNoTimeThatItCannotHold) {
  const auto far = parse_time("9999-12-31T23:59:59Z");
  EXPECT_TRUE(!far || *far > at(1714567152));
}

TEST(Time, ReadsTheDateOfAnHttpAnswer) {
  EXPECT_EQ(parse_http_date("Wed, 01 May 2024 12:39:12 GMT"), parse_time("2024-05-01T12:39:12Z"));
  EXPECT_EQ(parse_http_date("Thu, 31 Dec 2026 00:00:00 GMT"), parse_time("2026-12-31T00:00:00Z"));
  for (const char* text : {"", "Wed, 01 May 2024 12:39:12 CET", "Wed, 01 Foo 2024 12:39:12 GMT",
                           "Wed, 41 May 2024 12:39:12 GMT", "Wed, 01 May 2024 12:39:1  GMT"})
    EXPECT_FALSE(parse_http_date(text)) << text;
}

TEST(Time, SortsAsText) {
  EXPECT_LT(format_time(at(999999999)), format_time(at(1000000000)));
  EXPECT_LT(format_time(at(1714567152)), format_time(at(1714567153)));
}

}  // namespace
}  // namespace channels
