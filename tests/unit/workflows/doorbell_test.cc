// Whom a doorbell tells what, and when: Bells, and the document itself.
#include "workflows/doorbell.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace channels {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const MonoTime noon = MonoTime{} + std::chrono::hours(1000);

TEST(Bells, GiveAllThatChangedForOneWrite) {
  Bells bells;
  bells.want("alice", "a");
  bells.want("alice", "b");
  bells.want("bob", "c");
  EXPECT_THAT(bells.begin("alice", noon).channels, ElementsAre("a", "b"));
  EXPECT_THAT(bells.begin("bob", noon).channels, ElementsAre("c"));
  EXPECT_THAT(bells.begin("carol", noon).channels, IsEmpty());
}

TEST(Bells, OfOneUserAreRungByOneThreadAtATime) {
  Bells bells;
  bells.want("alice", "a");
  bells.begin("alice", noon);
  bells.want("alice", "b");
  const auto second = bells.begin("alice", noon);
  EXPECT_THAT(second.channels, IsEmpty());
  EXPECT_GT(second.later, noon);
  EXPECT_THAT(bells.waiting_for("a"), ElementsAre("alice")) << "until it is written";
}

TEST(Bells, AreNotRungAgainTooSoon) {
  Bells bells;
  bells.want("alice", "a");
  bells.begin("alice", noon);
  bells.ended("alice", true, noon, noon + seconds(10));
  EXPECT_THAT(bells.waiting_for("a"), IsEmpty());
  bells.want("alice", "a");
  EXPECT_EQ(bells.begin("alice", noon + seconds(9)).later, noon + seconds(10));
  EXPECT_THAT(bells.begin("alice", noon + seconds(10)).channels, ElementsAre("a"));
}

TEST(Bells, KeepWhatCouldNotBeWritten) {
  Bells bells;
  bells.want("alice", "a");
  bells.begin("alice", noon);
  bells.ended("alice", false, noon, noon);
  EXPECT_THAT(bells.waiting_for("a"), ElementsAre("alice"));
  EXPECT_THAT(bells.begin("alice", noon).channels, ElementsAre("a"));
}

TEST(Bells, TellAnewWhatChangedDuringTheWrite) {
  Bells bells;
  bells.want("alice", "a");
  bells.begin("alice", noon);
  bells.want("alice", "a");
  bells.ended("alice", true, noon, noon + seconds(10));
  EXPECT_THAT(bells.waiting_for("a"), ElementsAre("alice"));
  EXPECT_THAT(bells.begin("alice", noon + seconds(10)).channels, ElementsAre("a"));
}

WallTime at(std::string_view time) {
  return *parse_time(time);
}

TEST(Doorbell, ShowsTheTimeOfEachChannelsRing) {
  Document doc = rung({{"_id", "doorbell"}}, {"a", "b"}, at("2024-05-01T12:00:00Z"));
  doc = rung(doc, {"b"}, at("2024-05-01T12:00:10Z"));
  EXPECT_EQ(doc, (Document{{"_id", "doorbell"},
                           {"type", "doorbell"},
                           {"channels", {{"a", "2024-05-01T12:00:00Z"}, {"b", "2024-05-01T12:00:10Z"}}}}));
}

TEST(Doorbell, MakesRoomByForgettingTheLongestSilent) {
  Document doc = rung({}, {"oldest"}, at("2024-05-01T12:00:00Z"));
  std::set<std::string> many;
  for (int i = 0; i < 500; ++i) many.insert("channel-" + std::to_string(i));
  doc = rung(doc, many, at("2024-05-01T13:00:00Z"));
  const json::object& times = doc.at("channels").as_object();
  EXPECT_EQ(times.size(), 500U);
  EXPECT_FALSE(times.contains("oldest"));
}

TEST(Doorbell, SaysHowLongAgoItWasRung) {
  const Document doc{{"channels", {{"a", "2024-05-01T12:00:00Z"}, {"b", "2024-05-01T12:00:07Z"}, {"c", "later"}, {"d", 7}}}};
  EXPECT_EQ(last_rung(doc, at("2024-05-01T12:00:09Z")), seconds(2));
  EXPECT_EQ(last_rung(doc, at("2024-05-01T11:00:00Z")), std::nullopt) << "the clock was set back";
  EXPECT_EQ(last_rung({}, at("2024-05-01T12:00:09Z")), std::nullopt);
}


Document doorbell(std::string_view rev, json::object channels) {
  return {{"_id", "doorbell"}, {"_rev", rev}, {"type", "doorbell"}, {"channels", std::move(channels)}};
}

TEST(Doorbell, RungByTwoWorkersAtOnceKeepsTheLatestRingOfEachChannel) {
  const Document winner = doorbell("3-b", {{"a", "2024-05-01T12:00:00Z"}, {"b", "2024-05-01T12:00:09Z"}});
  const Document loser = doorbell("3-a", {{"a", "2024-05-01T12:00:01Z"}, {"b", "2024-05-01T11:00:00Z"}, {"c", "2024-05-01T10:00:00Z"}});
  const auto united = united_doorbell({&winner, &loser});
  ASSERT_TRUE(united);
  EXPECT_EQ(*united, doorbell("3-b", {{"a", "2024-05-01T12:00:01Z"}, {"b", "2024-05-01T12:00:09Z"}, {"c", "2024-05-01T10:00:00Z"}}));
  EXPECT_EQ(united_doorbell({&*united, &loser}), united) << "once saved, nothing is left to do but delete the loser";
}

TEST(Doorbell, IsUnitedWithDoorbellsOnly) {
  const Document winner = doorbell("3-b", {});
  const Document other{{"_id", "doorbell"}, {"_rev", "3-a"}, {"type", "order"}};
  EXPECT_EQ(united_doorbell({&winner, &other}), std::nullopt);
}

}  // namespace
}  // namespace channels
