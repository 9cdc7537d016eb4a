// Which texts are one address of one person. A mistake here sends a confirmation to a second
// recipient, or lets one person confirm as another.
#include "mail/address.h"

#include <gtest/gtest.h>

#include "unit/support/text.h"

namespace channels {
namespace {

using namespace std::string_literals;

struct Good {
  std::string text;
  std::string folded;
  std::string domain;
};

// The Kelvin sign looks like K, and Unicode's folding makes a k of it.
const std::string kelvin = "\u212a";
const std::string label63 = repeated("d", 63);

// Mail servers map these to example.com: one mailbox would have many spellings, each with limits of its own.
TEST(Address, RefusesADomainThatIsNotAscii) {
  for (const std::string domain : {"\uff45xample.com", "ex\uff41mple.com", "EXAMPLE\uff0ecom", "m\u00fcnchen.de"})
    EXPECT_FALSE(parse_address("vic@" + domain)) << domain;
}

TEST(Address, AcceptsOnePlainAddress) {
  const Good goods[] = {
      {"alice@example.com", "alice@example.com", "example.com"},
      {"Alice.B@Example.COM", "alice.b@example.com", "example.com"},
      {"a@b.c", "a@b.c", "b.c"},
      {"o'brien+tag@mail.example.com", "o'brien+tag@mail.example.com", "mail.example.com"},
      {"!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com", "example.com"},
      {"-dash-@ex-ample.com", "-dash-@ex-ample.com", "ex-ample.com"},
      {"1@2.3", "1@2.3", "2.3"},
      {"jos\u00e9@xn--mnchen-3ya.de", "jos\u00e9@xn--mnchen-3ya.de", "xn--mnchen-3ya.de"},
      {"a@xn--mnchen-3ya.DE", "a@xn--mnchen-3ya.de", "xn--mnchen-3ya.de"},
      {repeated("l", 64) + "@example.com", repeated("l", 64) + "@example.com", "example.com"},
      {"a@" + label63 + ".com", "a@" + label63 + ".com", label63 + ".com"},
  };
  for (const Good& good : goods) {
    const auto address = parse_address(good.text);
    ASSERT_TRUE(address) << good.text << ": " << address.error().reason;
    EXPECT_EQ(address->spelled, good.text);
    EXPECT_EQ(address->folded, good.folded);
    EXPECT_EQ(address->domain, good.domain);
  }
}

TEST(Address, FoldsNothingButAsciiLetters) {
  const auto kate = parse_address("Kate@example.com");
  const auto kelvin_ate = parse_address(kelvin + "ate@example.com");
  ASSERT_TRUE(kate && kelvin_ate);
  EXPECT_EQ(kate->folded, "kate@example.com");
  EXPECT_EQ(kelvin_ate->folded, kelvin + "ate@example.com");
  const auto upper = parse_address("\u00c4nne@example.com");
  ASSERT_TRUE(upper);
  EXPECT_EQ(upper->folded, "\u00c4nne@example.com");
}

TEST(Address, RefusesWhatIsNotOnePlainAddress) {
  const std::string bads[] = {
      "",
      "alice",
      "@example.com",
      "alice@",
      "@",
      "alice@example",
      "alice@@example.com",
      "alice@bob@example.com",
      "alice@example.com,bob@example.com",
      "alice@example.com;bob@example.com",
      "alice@example.com bob@example.com",
      "alice@example.com\r\nBcc: bob@example.com",
      "alice\r\n@example.com",
      "alice@example.com\n",
      "alice@exam\rple.com",
      " alice@example.com",
      "alice@example.com ",
      "al ice@example.com",
      "alice\t@example.com",
      "alice\0@example.com"s,
      "alice@exa\x01mple.com",
      "alice\x7f@example.com",
      "alice\u0085@example.com",
      "alice\u00a0@example.com",
      "alice\u200b@example.com",
      "alice\u202e@example.com",
      "alice@exam\u2028ple.com",
      "alice@exam\u00adple.com",
      "alice\xff@example.com",
      "alice@ex\xc0\xafmple.com",
      "\"alice\"@example.com",
      "\"a b\"@example.com",
      "Alice <alice@example.com>",
      "<alice@example.com>",
      "alice(comment)@example.com",
      "alice@[127.0.0.1]",
      "alice\\@example.com",
      ".alice@example.com",
      "alice.@example.com",
      "al..ice@example.com",
      "alice@.example.com",
      "alice@example.com.",
      "alice@example..com",
      "alice@-example.com",
      "alice@example-.com",
      "alice@exam_ple.com",
      "alice@exam%ple.com",
      "alice@example.com/path",
      repeated("l", 65) + "@example.com",
      "a@" + label63 + "d.com",
  };
  for (const std::string& bad : bads) {
    const auto address = parse_address(bad);
    EXPECT_FALSE(address) << bad;
    if (!address) {
      EXPECT_TRUE(address.error().reason.ends_with('.')) << bad;
    }
  }
}

TEST(Address, MayHave254Bytes) {
  const std::string start = "a@" + label63 + "." + label63 + "." + label63 + ".";
  const std::string longest = start + repeated("e", 254 - start.size());
  ASSERT_EQ(longest.size(), 254U);
  EXPECT_TRUE(parse_address(longest));
  EXPECT_FALSE(parse_address(longest + "e"));
}

TEST(Address, RefusesEveryBlank) {
  for (const std::string blank :
       {"\u1680", "\u2000", "\u2003", "\u200a", "\u202f", "\u205f", "\u3000"})
    EXPECT_FALSE(parse_address("alice" + blank + "@example.com"));
}

}  // namespace
}  // namespace channels
