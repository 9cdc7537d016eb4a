#include "programs/in_hand.h"

#include <gtest/gtest.h>

namespace channels {
namespace {

const MonoTime begin{};

MonoTime after(int milliseconds_) {
  return begin + milliseconds(milliseconds_);
}

ProgramRun run(const std::string& id) {
  Elsewhere::Task task;
  task.doc["_id"] = id;
  return {std::move(task), [](const auto&) {}};
}

TEST(InHand, AnAnswerEndsARunOnce) {
  InHand in_hand(milliseconds(100), milliseconds(10));
  EXPECT_EQ(in_hand.next_number(), 1U);
  in_hand.add(run("a"), begin);
  in_hand.add(run("b"), begin);
  EXPECT_EQ(doc_id(in_hand.take(2)->task.doc), "b");
  EXPECT_FALSE(in_hand.take(2));
  EXPECT_FALSE(in_hand.take(3));
  EXPECT_FALSE(in_hand.was_late(2));
  EXPECT_EQ(in_hand.size(), 1U);
}

TEST(InHand, ARunIsCancelledAtItsLimitAndGivenUpAfterTheGrace) {
  InHand in_hand(milliseconds(100), milliseconds(10));
  in_hand.add(run("a"), begin);
  EXPECT_EQ(in_hand.next_event(), after(100));
  EXPECT_TRUE(in_hand.to_be_cancelled(after(99)).empty());
  EXPECT_EQ(in_hand.to_be_cancelled(after(100)), std::vector<std::uint64_t>{1});
  EXPECT_TRUE(in_hand.to_be_cancelled(after(101)).empty()) << "once";
  EXPECT_TRUE(in_hand.to_be_given_up(after(109)).empty());
  const auto given_up = in_hand.to_be_given_up(after(110));
  ASSERT_EQ(given_up.size(), 1U);
  EXPECT_EQ(given_up[0].handed_at, begin);
  EXPECT_EQ(in_hand.next_event(), std::nullopt);
  // Its place is taken until the program says something.
  EXPECT_EQ(in_hand.size(), 1U);
  EXPECT_EQ(in_hand.given_up(), 1U);
  EXPECT_FALSE(in_hand.take(1));
  EXPECT_TRUE(in_hand.was_late(1));
  EXPECT_FALSE(in_hand.was_late(1));
  EXPECT_EQ(in_hand.size(), 0U);
}

TEST(InHand, AnAnswerToACancelCounts) {
  InHand in_hand(milliseconds(100), milliseconds(10));
  in_hand.add(run("a"), begin);
  in_hand.to_be_cancelled(after(100));
  EXPECT_TRUE(in_hand.take(1));
  EXPECT_TRUE(in_hand.to_be_given_up(after(200)).empty());
}

TEST(InHand, AtTheEndAllAreThereThatNobodyAnswered) {
  InHand in_hand(milliseconds(100), milliseconds(10));
  in_hand.add(run("a"), begin);
  in_hand.to_be_cancelled(after(100));
  in_hand.to_be_given_up(after(110));
  in_hand.add(run("b"), after(110));
  const auto left = in_hand.take_all();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left.begin()->first, 2U);
  EXPECT_EQ(in_hand.size(), 0U);
  EXPECT_EQ(in_hand.next_number(), 3U) << "no number comes twice";
}

}  // namespace
}  // namespace channels
