#include "host/daemon_credentials.h"

#include <gtest/gtest.h>

#include "unit/support/fake_env.h"
#include "unit/support/text.h"

namespace channels {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view admins =
    "[admins]\nadmin = -pbkdf2:sha256-00ff,salt-of-the-admin,600000\n";

// printf 'admin:663237F0' | openssl dgst -sha256 -hmac 'secret-of-the-serversalt-of-the-admin'
// -binary, after 'admin:663237F0:', in base64url; the second one with -sha1.
constexpr std::string_view sha256_cookie =
    "AuthSession=YWRtaW46NjYzMjM3RjA6t4ds1oJ4DkjSLaY9BFUNr0xceZAKhtuuz6A8sd_StL0";
constexpr std::string_view sha1_cookie =
    "AuthSession=YWRtaW46NjYzMjM3RjA6zIeWcMwZBICXMLvW_FvQdwAkpHo";

class DaemonCredentials : public testing::Test {
 protected:
  Parsed<std::shared_ptr<Credentials>> make(std::string_view configuration,
                                            const Settings& settings = {}) {
    Sections sections;
    parse_ini(configuration, sections);
    return daemon_credentials(env_, settings, sections);
  }
  Headers headers(const std::string& configuration) {
    const auto made = make(configuration);
    EXPECT_TRUE(made) << made.error().reason;
    return made ? (*made)->headers() : Headers{};
  }
  std::string fault(const std::string& configuration) {
    const auto made = make(configuration);
    return made ? "" : made.error().reason;
  }

  FakeEnv env_;
};

TEST_F(DaemonCredentials, MintACookieFromWhatCouchDbHas) {
  const std::string base(admins);
  const std::pair<std::string, std::string_view> cases[] = {
      {"[chttpd_auth]\nsecret = secret-of-the-server\nhash_algorithms = sha256, sha",
       sha256_cookie},
      {"[chttpd_auth]\nsecret = secret-of-the-server\nhash_algorithms = sha256", sha256_cookie},
      {"[chttpd_auth]\nsecret = secret-of-the-server\nhash_algorithms = sha, sha256", sha1_cookie},
      // Before 3.3 there is no such list.
      {"[chttpd_auth]\nsecret = secret-of-the-server", sha1_cookie},
      // Before 3.2 the secret is elsewhere.
      {"[couch_httpd_auth]\nsecret = secret-of-the-server", sha1_cookie},
      {"[couch_httpd_auth]\nsecret = old\n[chttpd_auth]\nsecret = secret-of-the-server",
       sha1_cookie},
  };
  for (const auto& [auth, cookie] : cases)
    EXPECT_EQ(headers(base + auth), (Headers{{"Cookie", std::string(cookie)}})) << auth;
}

// An operator who logs people out after half a minute has not locked out the daemon.
TEST_F(DaemonCredentials, RenewTheCookieWithinTheServersTimeout) {
  const std::pair<std::string, seconds> cases[] = {
      {"[chttpd_auth]\nsecret = s\ntimeout = 30", seconds(10)},
      {"[couch_httpd_auth]\nsecret = s\ntimeout = 30", seconds(10)},
      {"[couch_httpd_auth]\ntimeout = 9\n[chttpd_auth]\nsecret = s\ntimeout = 30", seconds(10)},
      {"[chttpd_auth]\nsecret = s", seconds(60)},
      {"[chttpd_auth]\nsecret = s\ntimeout = 99999999999999999999", seconds(60)},
      {"[chttpd_auth]\nsecret = s\ntimeout = soon", seconds(60)},
  };
  for (const auto& [auth, life] : cases) {
    const auto made = make(std::string(admins) + auth);
    ASSERT_TRUE(made) << auth;
    const Headers first = (*made)->headers();
    env_.advance(life);
    EXPECT_EQ((*made)->headers(), first) << auth;
    env_.advance(seconds(1));
    EXPECT_NE((*made)->headers(), first) << auth;
  }
}

TEST_F(DaemonCredentials, UseUsernameAndPasswordIfSet) {
  Settings settings;
  settings.username = "admin";
  settings.password = "pass:word";
  const auto made = make("", settings);
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->headers(), (Headers{{"Authorization", "Basic YWRtaW46cGFzczp3b3Jk"}}));
}

TEST_F(DaemonCredentials, SayWhatToSetIfThereIsNoSecret) {
  const std::string reason = fault(std::string(admins));
  for (const std::string part :
       {"[chttpd_auth] secret", "openssl rand -hex 32", "local.ini", "[channels]"})
    EXPECT_TRUE(contains(reason, part)) << reason;
}

TEST_F(DaemonCredentials, NeedAnAdmin) {
  const std::string secret = "[chttpd_auth]\nsecret = s\n";
  EXPECT_TRUE(contains(fault(secret), "[admins] is empty"));
  const std::string clear = fault(secret + "[admins]\nadmin = relax");
  EXPECT_TRUE(contains(clear, "[admins]")) << clear;
  EXPECT_FALSE(contains(clear, "relax")) << clear;
}

TEST_F(DaemonCredentials, TakeTheFirstAdminWhoseEntryIsAHash) {
  const std::string clear = "aaron = in clear\n";
  const std::string auth = "[chttpd_auth]\nsecret = secret-of-the-server\nhash_algorithms = sha256";
  EXPECT_EQ(headers(std::string(admins) + clear + auth).at(0).second, sha256_cookie);
}

}  // namespace
}  // namespace channels
