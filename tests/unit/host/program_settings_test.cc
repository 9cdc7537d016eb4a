#include "host/program_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace channels {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class ProgramSettingsTest : public testing::Test {
 protected:
  std::vector<ProgramSettings> parse(std::string_view text) {
    auto programs = parse_programs(sections(text), settings_, warnings_);
    EXPECT_TRUE(programs) << programs.error().reason;
    return programs ? *programs : std::vector<ProgramSettings>();
  }

  std::string fault(std::string_view text) {
    const auto programs = parse_programs(sections(text), settings_, warnings_);
    return programs ? "" : programs.error().reason;
  }

  static Sections sections(std::string_view text) {
    Sections sections;
    parse_ini(text, sections);
    return sections;
  }

  Settings settings_;
  std::vector<std::string> warnings_;
};

TEST_F(ProgramSettingsTest, AProgramHasDefaults) {
  settings_.follow = {"orders"};
  const auto programs = parse("[channels_handlers]\na = node 'my handlers.mjs'\n");
  ASSERT_EQ(programs.size(), 1U);
  EXPECT_THAT(programs[0].command, ElementsAre("node", "my handlers.mjs"));
  EXPECT_THAT(programs[0].databases, ElementsAre("orders"));
  EXPECT_EQ(programs[0].in_flight, 16);
  EXPECT_EQ(programs[0].timeout, seconds(20));
  EXPECT_EQ(programs[0].role_user, "");
  EXPECT_THAT(warnings_, ElementsAre());
}

TEST_F(ProgramSettingsTest, ItsOwnSectionSaysMore) {
  const auto programs = parse(
      "[channels_handlers]\na = x\nb = off\n[channels_handler.a]\ndatabases = orders, shop-*\nin_flight = 3\ntimeout = 7\n"
      "role_user = clerk\ncolour = red\n[channels_handler.c]\ntimeout = 1\n");
  ASSERT_EQ(programs.size(), 1U);
  EXPECT_THAT(programs[0].databases, ElementsAre("orders", "shop-*"));
  EXPECT_EQ(programs[0].in_flight, 3);
  EXPECT_EQ(programs[0].timeout, seconds(7));
  EXPECT_EQ(programs[0].role_user, "clerk");
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("[channels_handler.a] colour is no key"), HasSubstr("[channels_handler.c] is for no program")));
}

TEST_F(ProgramSettingsTest, WrongValuesAreOneLine) {
  const auto with = [](const std::string& keys) { return "[channels_handlers]\na = x\n[channels_handler.a]\n" + keys; };
  EXPECT_THAT(fault(with("")), HasSubstr("[channels_handler.a] databases: name the databases"));
  EXPECT_THAT(fault(with("databases = a, channels-handshake\n")), HasSubstr("anyone can write there"));
  EXPECT_THAT(fault(with("databases = channels-registry\n")), HasSubstr("the daemon's own"));
  EXPECT_THAT(fault(with("databases = _users\n")), HasSubstr("those that begin with _"));
  EXPECT_THAT(fault(with("databases = a\ntimeout = 26\n")), HasSubstr("timeout = 26: must be a whole number from 1 to 25"));
  EXPECT_THAT(fault(with("databases = a\nin_flight = 0\n")), HasSubstr("in_flight = 0"));
  EXPECT_THAT(fault("[channels_handlers]\na b = x\n"), HasSubstr("letters, digits"));
  EXPECT_THAT(fault("[channels_handlers]\na = on\n"), HasSubstr("its command line must be in a file of root's"));
  settings_.lease = seconds(100);
  EXPECT_EQ(fault(with("databases = a\ntimeout = 95\n")), "");
}

TEST_F(ProgramSettingsTest, CouchDBsConfigurationMaySwitchAndNoMore) {
  const auto programs = parse("[channels_handlers]\na = x\nb = y\nc = z\n[channels]\n[channels_handler.a]\ndatabases = o\n"
                              "[channels_handler.b]\ndatabases = o\n[channels_handler.c]\ndatabases = o\n");
  const auto on = parse_switches({{"a", "off"}, {"b", "rm -rf /"}, {"d", "on"}}, programs, warnings_);
  EXPECT_THAT(on, ElementsAre(Pair("a", false), Pair("b", true), Pair("c", true)));
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("[channels_handlers] b is ignored here"), HasSubstr("[channels_handlers] d = on: no file of root's")));
}

TEST(CommandLine, WordsArePartedByBlanksAndQuotesKeepThem) {
  const auto words = [](std::string_view line) {
    auto parsed = parse_command_line(line);
    return parsed ? *parsed : std::vector<std::string>{"(invalid)"};
  };
  EXPECT_THAT(words("  node\ta.mjs  -x "), ElementsAre("node", "a.mjs", "-x"));
  EXPECT_THAT(words(R"(sh -c 'a "b" \c' "d 'e' \" f" g\ h "")"), ElementsAre("sh", "-c", R"(a "b" \c)", R"(d 'e' " f)", "g h", ""));
  EXPECT_THAT(words("$HOME/x; rm *"), ElementsAre("$HOME/x;", "rm", "*"));
  EXPECT_FALSE(parse_command_line(""));
  EXPECT_FALSE(parse_command_line("  "));
  EXPECT_FALSE(parse_command_line("''"));
  EXPECT_FALSE(parse_command_line("a 'b"));
}

}  // namespace
}  // namespace channels
