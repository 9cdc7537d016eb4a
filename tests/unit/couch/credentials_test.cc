#include "couch/credentials.h"

#include <gtest/gtest.h>

#include "unit/support/fake_env.h"
#include "unit/support/text.h"

namespace channels {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

CookieKey key(std::string hash) {
  return {"admin", "salt-of-the-admin", "secret-of-the-server", std::move(hash)};
}

TEST(AdminSalt, IsTakenFromAHash) {
  const std::pair<std::string, std::string> cases[] = {
      {"-pbkdf2-0a1b,5a17,10", "5a17"},
      {"-pbkdf2:sha256-0a1b,5a17,600000", "5a17"},
      {"-hashed-0a1b,5a17", "5a17"},
      {"-pbkdf2-0a1b,5a17", "5a17"},
  };
  for (const auto& [entry, salt] : cases) {
    const auto parsed = parse_admin_salt(entry);
    ASSERT_TRUE(parsed) << entry;
    EXPECT_EQ(*parsed, salt);
  }
}

TEST(AdminSalt, IsNotGuessed) {
  for (const std::string entry : {"", "relax", "pass,word", "-pbkdf2-0a1b", "-hashed-0a1b,",
                                  "-pbkdf2-0a1b,,10", "-other-0a1b,5a17", "pbkdf2-0a1b,5a17,10"})
    EXPECT_FALSE(parse_admin_salt(entry)) << entry;
  EXPECT_FALSE(contains(parse_admin_salt("hunter2").error().reason, "hunter2"));
}

// 1714567152 is 0x663237F0. With S='admin:663237F0' and K='secret-of-the-serversalt-of-the-admin':
//   { printf "$S:"; printf "$S" | openssl dgst -sha256 -hmac "$K" -binary; } | openssl base64 -A |
//   tr '+/' '-_' | tr -d '='
TEST(Cookie, IsWhatCouchDbWouldMake) {
  const WallTime now = std::chrono::system_clock::from_time_t(1714567152);
  EXPECT_EQ(mint_cookie(key("sha256"), now),
            "YWRtaW46NjYzMjM3RjA6t4ds1oJ4DkjSLaY9BFUNr0xceZAKhtuuz6A8sd_StL0");
  // The same with -sha1; CouchDB's list calls it "sha".
  EXPECT_EQ(mint_cookie(key("sha1"), now), "YWRtaW46NjYzMjM3RjA6zIeWcMwZBICXMLvW_FvQdwAkpHo");
  EXPECT_EQ(mint_cookie(key("sha"), now), mint_cookie(key("sha1"), now));
}

TEST(Cookie, DependsOnEveryPart) {
  const WallTime now = std::chrono::system_clock::from_time_t(1714567152);
  const std::string cookie = mint_cookie(key("sha256"), now);
  for (std::string CookieKey::*part :
       {&CookieKey::username, &CookieKey::salt, &CookieKey::secret}) {
    CookieKey other = key("sha256");
    other.*part += "x";
    EXPECT_NE(mint_cookie(other, now), cookie);
  }
  EXPECT_NE(mint_cookie(key("sha256"), now + seconds(1)), cookie);
}

TEST(MintedCookie, IsRenewedOnceAMinute) {
  FakeEnv env;
  MintedCookie credentials(env, key("sha256"));
  const Headers first = credentials.headers();
  EXPECT_EQ(first,
            (Headers{{"Cookie", "AuthSession=" + mint_cookie(key("sha256"), env.wall_now())}}));
  env.advance(seconds(60));
  EXPECT_EQ(credentials.headers(), first);
  env.advance(seconds(1));
  const Headers second = credentials.headers();
  EXPECT_EQ(second,
            (Headers{{"Cookie", "AuthSession=" + mint_cookie(key("sha256"), env.wall_now())}}));
  EXPECT_NE(second, first);
}

// CouchDB judges a cookie by the wall's clock: after a jump of it the very next one is right again. A machine that slept looks
// the same: only wall time went on.
TEST(MintedCookie, FollowsAClockThatWasSet) {
  for (const std::chrono::hours jump : {std::chrono::hours(-5), std::chrono::hours(8)}) {
    FakeEnv env;
    MintedCookie credentials(env, key("sha256"));
    credentials.headers();
    env.set_wall(env.wall_now() + jump);
    EXPECT_EQ(credentials.headers().at(0).second,
              "AuthSession=" + mint_cookie(key("sha256"), env.wall_now()));
  }
}

TEST(MintedCookie, IsRenewedAfterItsLife) {
  FakeEnv env;
  MintedCookie credentials(env, key("sha256"), seconds(4));
  const Headers first = credentials.headers();
  env.advance(seconds(4));
  EXPECT_EQ(credentials.headers(), first);
  env.advance(milliseconds(1));
  EXPECT_NE(credentials.headers(), first);
}

TEST(MintedCookie, LivesForAThirdOfTheTimeoutAndNotLongerThanAMinute) {
  EXPECT_EQ(cookie_life(seconds(600)), seconds(60));
  EXPECT_EQ(cookie_life(seconds(60)), seconds(20));
  EXPECT_EQ(cookie_life(seconds(1)), milliseconds(333));
}

TEST(Credentials, OfAPersonAreBasic) {
  EXPECT_EQ(BasicCredentials("admin", "p\u00e4ss:word").headers(),
            (Headers{{"Authorization", "Basic YWRtaW46cMOkc3M6d29yZA=="}}));
  EXPECT_EQ(NoCredentials().headers(), Headers{});
}

}  // namespace
}  // namespace channels
