// A stranger chooses the name, and the mail goes to whom he chose: it must carry no message.
#include "mail/harmless_name.h"

#include <gtest/gtest.h>

#include <tuple>

#include "mail/text.h"
#include "unit/support/text.h"

namespace channels {
namespace {

TEST(HarmlessName, KeepsAnOrdinaryName) {
  for (const std::string name : {"", "Alice's phone", "Pixel 7", "T\u00e9l\u00e9phone d'Ana\u00efs",
                                 "\u7535\u8bdd", "No. 5"})
    EXPECT_EQ(harmless_name(name, false), name);
}

TEST(HarmlessName, CannotBecomeALink) {
  const std::tuple<std::string, std::string> cases[] = {
      {"evil.example.com", "evil example com"},
      {"https://evil.example", "httpsevil example"},
      {"mailto:eve@evil.example", "mailtoeveevil example"},
      {"www.evil.example/path", "www evil examplepath"},
      {"a.b.", "a b."},
      {"a./b", "a b"},  // the slash goes first, or a dot between letters would be left
      {"a.@b", "a b"},
      {"a..b", "a b"},
      {"<a href=x>evil</a>", "a href=xevila"},
      {"evil\uff0eexample", "evil example"},
      {"evil\u3002example", "evil example"},
      {"evil\uff61example", "evil example"},
      {"evil\u2024example", "evil example"},
      {"evil\ufe52example", "evil example"},
      {"https\uff1a\uff0f\uff0fevil", "httpsevil"},
      {"http\u2236\u2215\u2044evil", "httpevil"},
      {"eve\uff20evil", "eveevil"},
      {"eve\ufe6bevil", "eveevil"},
      {"\\\\evil\\share", "evilshare"},
      {"evil%2eexample", "evil2eexample"},
      {"[text](evil)", "text(evil)"},
  };
  for (const auto& [name, shown] : cases) EXPECT_EQ(harmless_name(name, false), shown) << name;
}

TEST(HarmlessName, IsOneLineWithoutTurningText) {
  EXPECT_EQ(harmless_name("a\r\nBcc: b", false), "a Bcc b");
  EXPECT_EQ(harmless_name("abc\u202egpj.exe", false), "abc gpj exe");
  EXPECT_EQ(harmless_name("\u2066a\u2069\u200b", false), "a");
}

TEST(HarmlessName, HasAtMost40Characters) {
  EXPECT_EQ(harmless_name(repeated("x", 40), false), repeated("x", 40));
  EXPECT_EQ(harmless_name(repeated("x", 41), false), repeated("x", 40));
  EXPECT_EQ(code_points(harmless_name(repeated("\U0001f600", 50), false)).size(), 40U);
  EXPECT_EQ(harmless_name(repeated("/", 300) + "phone", false), "phone");
  EXPECT_EQ(harmless_name(repeated("x", 39) + " tail", false), repeated("x", 39));
}

TEST(HarmlessName, OfAKnownAddressIsOnlyMadeOneLine) {
  const std::string link = "https://example.com/" + repeated("x", 100);
  EXPECT_EQ(harmless_name(link, true), link);
  EXPECT_EQ(harmless_name("a\r\nb", true), "a b");
}

}  // namespace
}  // namespace channels
