#include "host/settings.h"

#include <gtest/gtest.h>

#include "unit/support/text.h"

namespace channels {
namespace {

using Warnings = std::vector<std::string>;

Sections ini(std::string_view text) {
  Sections sections;
  parse_ini(text, sections);
  return sections;
}

Parsed<Settings> parse(std::string_view configuration, std::string_view trusted = "") {
  Warnings warnings;
  return parse_settings(ini(configuration), ini(trusted), warnings);
}

Warnings warnings_of(std::string_view configuration, std::string_view trusted = "") {
  Warnings warnings;
  const auto settings = parse_settings(ini(configuration), ini(trusted), warnings);
  EXPECT_TRUE(settings) << settings.error().reason;
  return warnings;
}

// The reason, or "" where the settings are good.
std::string fault_of(std::string_view configuration) {
  const auto settings = parse(configuration);
  return settings ? "" : settings.error().reason;
}

TEST(Settings, HaveDefaults) {
  const auto settings = parse("");
  ASSERT_TRUE(settings) << settings.error().reason;
  EXPECT_EQ(settings->url, "http://127.0.0.1:5984/");
  EXPECT_EQ(settings->public_url, settings->url);
  EXPECT_EQ(settings->confirm_url, "http://127.0.0.1:5984/_utils/channels/confirm.html");
  EXPECT_EQ(settings->username, "");
  EXPECT_EQ(settings->handshake_db, "channels-handshake");
  EXPECT_EQ(settings->registry_db, "channels-registry");
  EXPECT_EQ(settings->control_prefix, "control-");
  EXPECT_EQ(settings->channel_prefix, "channel-");
  EXPECT_TRUE(settings->follow.empty());
  EXPECT_EQ(settings->shards, 1);
  EXPECT_EQ(settings->confirm_ttl, seconds(86400));
  EXPECT_EQ(settings->deleted_kept, seconds(30 * 86400));
  EXPECT_EQ(settings->lease, seconds(30));
  EXPECT_EQ(settings->sweep, 20);
  EXPECT_EQ(settings->mail.server, "smtp://127.0.0.1:25");
  EXPECT_EQ(settings->mail.per_address, 5);
  EXPECT_EQ(settings->mail.per_minute, 600);
  EXPECT_FALSE(settings->mail.require_starttls);
  EXPECT_EQ(settings->mail.sendmail, "");
  EXPECT_EQ(settings->mail.templates, "");
}

TEST(Settings, AreWhatTheOperatorWrote) {
  const auto settings = parse(R"(
[channels]
role = device
url = https://couch.internal:6984
public_url = https://sync.example.com
username = admin
password = secret
handshake_db = hand
registry_db = reg
control_prefix = ctl/
channel_prefix = chn/
template_db = model
q = 4
follow = orders, shop-*,,	 x
confirm_ttl = 3600
deleted_kept = 60
lease = 60
sweep = 7
[channels_mail]
server = smtps://mail.example.com:465
from = Sync <sync@example.com>
username = u
password = p
starttls = required
mail_per_address = 3
mail_per_minute = 60
)");
  ASSERT_TRUE(settings) << settings.error().reason;
  EXPECT_EQ(settings->role, Role::device);
  EXPECT_EQ(settings->url, "https://couch.internal:6984/");
  EXPECT_EQ(settings->public_url, "https://sync.example.com/");
  EXPECT_EQ(settings->confirm_url, "https://sync.example.com/_utils/channels/confirm.html");
  EXPECT_EQ(settings->username, "admin");
  EXPECT_EQ(settings->password, "secret");
  EXPECT_EQ(settings->handshake_db, "hand");
  EXPECT_EQ(settings->registry_db, "reg");
  EXPECT_EQ(settings->control_prefix, "ctl/");
  EXPECT_EQ(settings->channel_prefix, "chn/");
  EXPECT_EQ(settings->template_db, "model");
  EXPECT_EQ(settings->follow, (std::vector<std::string>{"orders", "shop-*", "x"}));
  EXPECT_EQ(settings->shards, 4);
  EXPECT_EQ(settings->confirm_ttl, seconds(3600));
  EXPECT_EQ(settings->deleted_kept, seconds(60));
  EXPECT_EQ(settings->lease, seconds(60));
  EXPECT_EQ(settings->sweep, 7);
  EXPECT_EQ(settings->mail.server, "smtps://mail.example.com:465");
  EXPECT_EQ(settings->mail.from, "Sync <sync@example.com>");
  EXPECT_EQ(settings->mail.username, "u");
  EXPECT_EQ(settings->mail.password, "p");
  EXPECT_TRUE(settings->mail.require_starttls);
  EXPECT_EQ(settings->mail.per_address, 3);
  EXPECT_EQ(settings->mail.per_minute, 60);
}

TEST(Settings, FindCouchDbWhereItListens) {
  const std::pair<std::string, std::string> cases[] = {
      {"[chttpd]\nport = 15984", "http://127.0.0.1:15984/"},
      {"[chttpd]\nbind_address = 0.0.0.0\nport = 5984", "http://127.0.0.1:5984/"},
      {"[chttpd]\nbind_address = any", "http://127.0.0.1:5984/"},
      {"[chttpd]\nbind_address = ::\nport = 1", "http://[::1]:1/"},
      {"[chttpd]\nbind_address = fe80::1", "http://[fe80::1]:5984/"},
      {"[chttpd]\nbind_address = 10.0.0.5", "http://10.0.0.5:5984/"},
      // 1.x has no [chttpd].
      {"[httpd]\nbind_address = 10.0.0.5\nport = 5985", "http://10.0.0.5:5985/"},
      {"[httpd]\nport = 5986\n[chttpd]\nport = 5984", "http://127.0.0.1:5984/"},
      {"[chttpd]\nport = 1\n[channels]\nurl = http://elsewhere/couch", "http://elsewhere/couch/"},
  };
  for (const auto& [configuration, url] : cases)
    EXPECT_EQ(parse(configuration)->url, url) << configuration;
}

TEST(Settings, PublicUrlAndConfirmUrlFollowOneAnother) {
  EXPECT_EQ(parse("[channels]\nurl = http://a:1")->public_url, "http://a:1/");
  EXPECT_EQ(parse("[channels]\nconfirm_url = https://www.example.com/confirm")->confirm_url,
            "https://www.example.com/confirm");
}

TEST(Settings, SayInOneLineWhatIsWrong) {
  struct Bad {
    std::string section, key, value;
  };
  const Bad bads[] = {
      {"channels", "role", "phone"},
      {"channels", "role", "Cloud"},
      {"channels", "url", "ftp://x/"},
      {"channels", "url", "https://"},
      {"channels", "url", "couch.example.com"},
      {"channels", "public_url", "https://a b/"},
      {"channels", "public_url", "https://m\u00fcnchen.de/"},
      {"channels", "confirm_url", "javascript:alert(1)"},
      {"channels", "handshake_db", "Handshake"},
      {"channels", "handshake_db", "_users"},
      {"channels", "registry_db", "1st"},
      {"channels", "directory_db", "Public"},
      {"channels", "control_prefix", "control."},
      {"channels", "channel_prefix", "channel x"},
      {"channels", "q", "0"},
      {"channels", "q", "65"},
      {"channels", "q", "-1"},
      {"channels", "q", "+1"},
      {"channels", "q", "1.5"},
      {"channels", "q", "two"},
      {"channels", "q", "1x"},
      {"channels", "q", "99999999999999999999"},
      {"channels", "confirm_ttl", "0"},
      {"channels", "confirm_ttl", "2592001"},
      {"channels", "deleted_kept", "0"},
      {"channels", "deleted_kept", "315360001"},
      {"channels", "lease", "4"},
      {"channels", "lease", "3601"},
      {"channels", "sweep", "0"},
      {"channels", "trace", "yes"},
      {"channels_mail", "server", "mail.example.com:25"},
      {"channels_mail", "server", "http://mail.example.com"},
      {"channels_mail", "from", "Channels"},
      {"channels_mail", "starttls", "yes"},
      {"channels_mail", "mail_per_address", "0"},
      {"channels_mail", "mail_per_minute", "1"},
      {"channels_mail", "mail_per_minute", "100001"},
  };
  for (const auto& [section, key, value] : bads) {
    const std::string reason = fault_of("[" + section + "]\n" + key + " = " + value);
    // escaped() has the non-ASCII letters of a value in another form.
    const std::string shown = value.substr(0, value.find("\u00fc"));
    EXPECT_TRUE(reason.starts_with("[" + section + "] " + key + " = " + shown)) << reason;
    EXPECT_TRUE(contains(reason, "must be ")) << reason;
    EXPECT_FALSE(contains(reason, "\n")) << reason;
  }
}

TEST(Settings, TakeTheBoundsThemselves) {
  for (const std::string good : {"q = 1", "q = 64", "confirm_ttl = 1", "confirm_ttl = 2592000", "deleted_kept = 1", "deleted_kept = 315360000",
                                 "lease = 30", "lease = 3600", "sweep = 1", "sweep = 10000", "trace = on", "trace = off"})
    EXPECT_EQ(fault_of("[channels]\n" + good), "");
  for (const std::string good :
       {"mail_per_address = 1", "mail_per_minute = 2", "mail_per_minute = 100000"})
    EXPECT_EQ(fault_of("[channels_mail]\n" + good), "");
}

TEST(Settings, KeepDatabasesApart) {
  const std::pair<std::string, std::string> cases[] = {
      {"control_prefix = c-\nchannel_prefix = c-x-", "channel_prefix"},
      {"control_prefix = c-x-\nchannel_prefix = c-", "channel_prefix"},
      {"control_prefix = same-\nchannel_prefix = same-", "channel_prefix"},
      {"handshake_db = control-x", "handshake_db"},
      {"registry_db = channel-x", "registry_db"},
      {"handshake_db = one\nregistry_db = one", "registry_db"},
      {"directory_db = channel-x", "directory_db"},
      {"directory_db = channels-registry", "directory_db"},
      {"template_db = channel-x", "template_db"},
      {"template_db = one\nregistry_db = one", "template_db"},
  };
  for (const auto& [configuration, key] : cases) {
    const std::string reason = fault_of("[channels]\n" + configuration);
    EXPECT_TRUE(reason.starts_with("[channels]") && contains(reason, key))
        << configuration << ": " << reason;
  }
  EXPECT_EQ(fault_of("[channels]\nhandshake_db = channels-handshake\nchannel_prefix = channel-"),
            "");
}

TEST(Settings, WarnOfAKeyThatNobodyKnows) {
  EXPECT_EQ(warnings_of("[channels]\nq = 2\n[channels_mail]\nfrom = a@b.c\n[other]\nx = 1"),
            Warnings{});
  const Warnings warnings =
      warnings_of("[channels]\nleese = 5\n[channels_mail]\nfro\u00e9m = a@b.c");
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_TRUE(contains(warnings[0], "[channels] leese")) << warnings[0];
  EXPECT_TRUE(contains(warnings[1], "[channels_mail] fro\\xc3\\xa9m")) << warnings[1];
}

TEST(Settings, TakeProgramsAndFoldersFromTrustedFilesOnly) {
  const std::string keys = "[channels_mail]\nsendmail = /tmp/evil\ntemplates = /etc";
  Warnings warnings;
  const auto open = parse_settings(ini(keys), {}, warnings);
  ASSERT_TRUE(open);
  EXPECT_EQ(open->mail.sendmail, "");
  EXPECT_EQ(open->mail.templates, "");
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_TRUE(contains(warnings[0], "[channels_mail] sendmail is ignored")) << warnings[0];
  EXPECT_TRUE(contains(warnings[1], "[channels_mail] templates is ignored")) << warnings[1];

  const auto trusted =
      parse(keys, "[channels_mail]\nsendmail = /usr/sbin/sendmail\ntemplates = /srv/templates");
  ASSERT_TRUE(trusted);
  EXPECT_EQ(trusted->mail.sendmail, "/usr/sbin/sendmail");
  EXPECT_EQ(trusted->mail.templates, "/srv/templates");
}

TEST(Settings, OfTrustedFilesGoFirst) {
  EXPECT_EQ(parse("[channels]\nq = 2", "[channels]\nq = 3")->shards, 3);
  EXPECT_TRUE(contains(warnings_of("", "[channels]\nqq = 3").at(0), "[channels] qq"));
}

TEST(Settings, NeverShowAPassword) {
  const auto settings =
      parse("[channels]\npassword = hunter2\nq = 0\n[channels_mail]\npassword = hunter2");
  ASSERT_FALSE(settings);
  EXPECT_FALSE(contains(settings.error().reason, "hunter2"));
}

TEST(Settings, NeverShowAPasswordInAUrl) {
  EXPECT_FALSE(contains(fault_of("[channels]\nurl = htp://admin:hunter2@couch/"), "hunter2"));
}

}  // namespace
}  // namespace channels
