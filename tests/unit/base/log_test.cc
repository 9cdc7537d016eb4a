#include "base/log.h"

#include <gtest/gtest.h>

#include <regex>

#include "base/check.h"
#include "unit/support/text.h"

namespace channels {
namespace {

using namespace std::string_literals;

TEST(Escaped, LeavesNothingThatForgesALine) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {"plain ~text~ {\"a\": 1}", "plain ~text~ {\"a\": 1}"},
      {"a\r\n2024-05-01 [error] forged", "a\\x0d\\x0a2024-05-01 [error] forged"},
      {"tab\t", "tab\\x09"},
      {"\x1b[2J", "\\x1b[2J"},
      {"caf\u00e9", "caf\\xc3\\xa9"},
      {"\u2028\u202e", "\\xe2\\x80\\xa8\\xe2\\x80\\xae"},
      {"nul\0nul"s, "nul\\x00nul"},
      {"\x7f\x80\xff", "\\x7f\\x80\\xff"},
      // Or a stranger could write what looks like an escaped character.
      {"\\x0a", "\\x5cx0a"},
  };
  for (const auto& [text, shown] : cases) EXPECT_EQ(escaped(text), shown);
}

TEST(Escaped, TakesAtMost200Characters) {
  EXPECT_EQ(escaped(repeated("x", 200)), repeated("x", 200));
  EXPECT_EQ(escaped(repeated("x", 201)), repeated("x", 200) + "...");
  EXPECT_LE(escaped(repeated("\n", 100000)).size(), 4 * 200U + 3);
}

std::string stderr_of(Level least, Level level, std::string_view text) {
  StderrLog log(least);
  testing::internal::CaptureStderr();
  log.write(level, text);
  return testing::internal::GetCapturedStderr();
}

TEST(StderrLog, WritesOneLineWithTimeAndLevel) {
  const std::regex form("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ \\[error\\] the text\n");
  EXPECT_TRUE(std::regex_match(stderr_of(Level::info, Level::error, "the text"), form));
}

TEST(StderrLog, LeavesOutWhatIsBelowItsLevel) {
  EXPECT_EQ(stderr_of(Level::info, Level::debug, "x"), "");
  EXPECT_NE(stderr_of(Level::info, Level::info, "x"), "");
  EXPECT_NE(stderr_of(Level::debug, Level::debug, "x"), "");
  EXPECT_EQ(stderr_of(Level::error, Level::info, "x"), "");
}

TEST(Check, AbortsWithThePlace) {
  check(true);
  EXPECT_DEATH(check(false, "this and that"),
               "couchdb-channels: bug: this and that \\(.*log_test\\.cc:[0-9]+\\)");
}

}  // namespace
}  // namespace channels
