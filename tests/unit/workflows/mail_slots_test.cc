#include "workflows/mail_slots.h"

#include <gtest/gtest.h>

namespace channels {
namespace {

using Kind = MailSlot::Kind;

constexpr int mails_an_hour = 2;
constexpr seconds hour{3600};
constexpr seconds day{86400};

// The record of one address, with a clock.
class MailSlots : public testing::Test {
 protected:
  std::pair<Kind, std::int64_t> slot(const std::string& device) {
    const MailSlot taken = take_mail_slot(record_, device, mails_an_hour, day, now_);
    return {taken.kind, taken.number};
  }
  void pass(seconds time) { now_ += time; }

  static constexpr std::pair<Kind, std::int64_t> own{Kind::own, 1};
  static constexpr std::pair<Kind, std::int64_t> none{Kind::none, 0};
  static std::pair<Kind, std::int64_t> collective(std::int64_t number) {
    return {Kind::collective, number};
  }

  Document record_;
  WallTime now_ = std::chrono::system_clock::from_time_t(1714567152);
};

TEST_F(MailSlots, GiveEachDeviceItsOwnMailAtFirst) {
  EXPECT_EQ(slot("a"), own);
  EXPECT_EQ(slot("b"), own);
}

TEST_F(MailSlots, OfARepeatAreTheSameAndTakeNoPlace) {
  EXPECT_EQ(slot("a"), own);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(slot("a"), own);
  EXPECT_EQ(slot("b"), own);
  EXPECT_EQ(slot("c"), collective(1));
  EXPECT_EQ(slot("c"), collective(1));
  EXPECT_EQ(slot("a"), own);
}

TEST_F(MailSlots, OverTheLimitAreOneForAllWithinTheHour) {
  slot("a");
  slot("b");
  EXPECT_EQ(slot("c"), collective(1));
  EXPECT_EQ(slot("d"), none);
  EXPECT_EQ(slot("e"), none);
}

TEST_F(MailSlots, ComeBackAfterAnHour) {
  slot("a");
  slot("b");
  slot("c");
  pass(hour - seconds(1));
  EXPECT_EQ(slot("d"), none);
  pass(seconds(1));
  EXPECT_EQ(slot("d"), own);
  EXPECT_EQ(slot("e"), own);
  EXPECT_EQ(slot("f"), collective(2));
}

// A number that came twice would be the same code for two mails.
TEST_F(MailSlots, NeverGiveANumberTwice) {
  std::int64_t last = 0;
  for (int round = 0; round < 4; ++round) {
    slot("a" + std::to_string(round));
    slot("b" + std::to_string(round));
    const auto [kind, number] = slot("c" + std::to_string(round));
    EXPECT_EQ(kind, Kind::collective);
    EXPECT_GT(number, last);
    last = number;
    pass(day + day);  // every entry has left the record
  }
}

TEST_F(MailSlots, ForgetWhatIsTooOldToMatter) {
  slot("a");
  slot("b");
  slot("c");
  pass(hour);
  slot("d");
  EXPECT_EQ(record_.at("mails").as_array().size(), 1U);
  EXPECT_EQ(record_.at("collective").as_array().size(), 1U);  // its link is good for a day
  pass(day);
  slot("e");
  EXPECT_EQ(record_.at("mails").as_array().size(), 1U);
  EXPECT_TRUE(record_.at("collective").as_array().empty());
}

TEST_F(MailSlots, KeepTheRestOfTheRecord) {
  record_ = {{"_id", "address-1"}, {"user", "u1"}, {"key", "k"}};
  slot("a");
  EXPECT_EQ(record_.at("user"), "u1");
  EXPECT_EQ(record_.at("mails"),
            (json::value(json::array{{{"device", "a"}, {"at", "2024-05-01T12:39:12Z"}}})));
}

TEST_F(MailSlots, AreNotLostOnADamagedRecord) {
  record_ = {{"mails", json::array{1, nullptr, {{"device", "x"}}, {{"at", "rubbish"}}}},
             {"collective", "text"}};
  EXPECT_EQ(slot("a"), own);
  EXPECT_EQ(slot("b"), own);
  EXPECT_EQ(slot("c"), collective(1));
}

}  // namespace
}  // namespace channels
