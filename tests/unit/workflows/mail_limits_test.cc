#include "workflows/mail_limits.h"

#include <gtest/gtest.h>

namespace channels {
namespace {

constexpr int per_minute = 80;  // 40 for known users, 40 for strangers; a quarter of each at once

class MailLimitsTest : public testing::Test {
 protected:
  bool stranger(const std::string& device, const std::string& domain = "example.com") {
    return limits_.admit({device, domain, false}, now_);
  }
  bool known(const std::string& device, const std::string& domain = "example.com") {
    return limits_.admit({device, domain, true}, now_);
  }
  void pass(milliseconds time) { now_ += time; }
  void spend_strangers() {
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(stranger("spent" + std::to_string(i)));
  }

  MailLimits limits_{per_minute};
  MonoTime now_ = MonoTime{} + std::chrono::hours(1000);
};

TEST_F(MailLimitsTest, AllowAQuarterOfAMinuteAtOnce) {
  spend_strangers();
  EXPECT_FALSE(stranger("eleventh"));
}

TEST_F(MailLimitsTest, AllowNoMoreThanTheirShareInAMinute) {
  int sent = 0;
  for (int second = 0; second < 600; ++second) {
    for (int i = 0; i < 5; ++i)
      sent += stranger(std::to_string(second) + "." + std::to_string(i)) ? 1 : 0;
    pass(seconds(1));
  }
  // 40 a minute for ten minutes, and the first ten.
  EXPECT_LE(sent, 410);
  // Grants are given to who waits, newest first; here all are new, so each is fetched at once or
  // never.
  EXPECT_GE(sent, 300);
}

TEST_F(MailLimitsTest, KeepHalfForKnownUsers) {
  spend_strangers();
  EXPECT_FALSE(stranger("s"));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(known("k" + std::to_string(i))) << i;
  EXPECT_FALSE(known("k10"));
}

TEST_F(MailLimitsTest, LetAKnownUserWaitWithTheStrangersOnceTheirHalfIsSpent) {
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(known("k" + std::to_string(i))) << i;
  EXPECT_FALSE(known("k20"));
}

TEST_F(MailLimitsTest, ServeTheNewestOfADomainFirst) {
  spend_strangers();
  EXPECT_FALSE(stranger("older"));
  EXPECT_FALSE(stranger("newer"));
  pass(milliseconds(1600));  // one mail's time
  EXPECT_FALSE(stranger("older"));
  EXPECT_TRUE(stranger("newer"));
  pass(milliseconds(1600));
  EXPECT_TRUE(stranger("older"));
}

TEST_F(MailLimitsTest, GoRoundByDomain) {
  spend_strangers();
  for (int i = 0; i < 500; ++i)
    EXPECT_FALSE(stranger("flood" + std::to_string(i), "flood.example"));
  EXPECT_FALSE(stranger("person", "mail.example"));
  // Two domains: every second mail is for each.
  pass(milliseconds(3200));
  EXPECT_TRUE(stranger("person", "mail.example"));
}

TEST_F(MailLimitsTest, KeepAGrantUntilItIsAskedFor) {
  spend_strangers();
  EXPECT_FALSE(stranger("late", "late.example"));
  pass(milliseconds(3100));                         // two mails' time
  EXPECT_TRUE(stranger("other", "other.example"));  // the other one is for "late"
  EXPECT_FALSE(stranger("third", "third.example"));
  EXPECT_TRUE(stranger("late", "late.example"));
}

TEST_F(MailLimitsTest, DropAGrantThatNobodyAsksFor) {
  spend_strangers();
  EXPECT_FALSE(stranger("late", "late.example"));
  pass(milliseconds(3100));
  EXPECT_TRUE(stranger("other", "other.example"));
  pass(seconds(130));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(stranger("now" + std::to_string(i)));
  EXPECT_FALSE(stranger("late", "late.example"));
}

TEST_F(MailLimitsTest, AdmitEachRequestOnce) {
  spend_strangers();
  EXPECT_FALSE(stranger("d"));
  pass(milliseconds(1600));
  EXPECT_TRUE(stranger("d"));
  EXPECT_FALSE(stranger("d"));
}

TEST_F(MailLimitsTest, SaveNothingUpBeyondAQuarter) {
  pass(std::chrono::hours(24));
  spend_strangers();
  EXPECT_FALSE(stranger("more"));
}

TEST_F(MailLimitsTest, AllowSomeMailHoweverSmallTheLimit) {
  MailLimits small(2);
  EXPECT_TRUE(small.admit({"a", "x", false}, now_));
  EXPECT_FALSE(small.admit({"b", "x", false}, now_));
  EXPECT_TRUE(small.admit({"c", "x", true}, now_));
  EXPECT_TRUE(small.admit({"b", "x", false}, now_ + seconds(61)));
}

TEST_F(MailLimitsTest, KeepNobodyOutForAFlood) {
  int made = 0;
  const auto flood = [&](int count) {
    for (int i = 0; i < count; ++i, ++made)
      stranger("flood" + std::to_string(made), "flood" + std::to_string(made % 40) + ".example");
  };
  spend_strangers();
  flood(20000);
  bool served = false;
  for (int round = 0; round < 90 && !served; ++round) {  // half an hour
    pass(MailLimits::retry_delay());
    flood(100);
    served = stranger("person", "mail.example");
  }
  EXPECT_TRUE(served);  // 40 mails a minute go round 41 domains: a minute or so
}

}  // namespace
}  // namespace channels
