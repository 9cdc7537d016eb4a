// Invariant 2: every item is ready, or running, or finished, or has a time at which it is looked at
// again.
#include "engine/unsettled.h"

#include <gtest/gtest.h>

namespace channels {
namespace {

using Step = Item::Step;

const MonoTime now = MonoTime{} + std::chrono::hours(1000);

Change row(const std::string& seq, const std::string& id,
           const std::vector<std::string>& revs = {"1-a"}) {
  Change change;
  change.seq = seq;
  change.id = id;
  change.revs = revs;
  change.doc = {{"_id", id}, {"_rev", revs.empty() ? "" : revs.front()}};
  return change;
}

TEST(Unsettled, RowIsReadyUntilItIsSettled) {
  Unsettled unsettled("0");
  EXPECT_TRUE(unsettled.empty());
  EXPECT_EQ(unsettled.next_look(), std::nullopt);
  unsettled.add_row(row("1", "a"));
  unsettled.read_to("5");
  ASSERT_EQ(unsettled.in_step(Step::ready).size(), 1U);
  Item& item = *unsettled.in_step(Step::ready)[0];
  EXPECT_EQ(item.id, "a");
  EXPECT_EQ(item.doc, (Document{{"_id", "a"}, {"_rev", "1-a"}}));
  EXPECT_FALSE(item.has_branches);
  EXPECT_EQ(unsettled.next_look(), MonoTime::min());
  EXPECT_EQ(unsettled.checkpoint().seq(), "0");
  unsettled.settle(item);
  EXPECT_TRUE(unsettled.empty());
  EXPECT_EQ(unsettled.checkpoint().seq(), "5");
}

TEST(Unsettled, NewerRowReplacesTheOlder) {
  Unsettled unsettled("0");
  unsettled.add_row(row("1", "a"));
  unsettled.add_row(row("2", "b"));
  unsettled.add_row(row("3", "a", {"2-b", "2-a"}));
  EXPECT_EQ(unsettled.size(), 2U);
  Item& item = *unsettled.find("a");
  EXPECT_EQ(item.doc.at("_rev"), "2-b");
  EXPECT_TRUE(item.has_branches);
  unsettled.settle(item);  // both rows
  EXPECT_EQ(unsettled.checkpoint().seq(), "1");
  unsettled.settle(*unsettled.find("b"));
  EXPECT_EQ(unsettled.checkpoint().seq(), "3");
}

TEST(Unsettled, WhoWaitedForARunnerIsAskedForBranchesByHisNewestRowAlone) {
  Unsettled unsettled("0");
  unsettled.add_row(row("1", "a"));
  Item& item = *unsettled.find("a");
  EXPECT_FALSE(item.may_conflict);
  unsettled.queue(item, Lane::slow);
  unsettled.wake_queued(Lane::slow, 1);
  ASSERT_EQ(unsettled.wake(now, 9).size(), 1U);
  EXPECT_TRUE(item.has_branches) << "a handler that cares looks";
  EXPECT_FALSE(item.may_conflict);
  item.step = Step::running;
  unsettled.add_row(row("2", "a", {"2-b", "2-a"}));
  EXPECT_TRUE(item.may_conflict) << "also of a row during the run";
}

TEST(Unsettled, WhatARestartLeftMayBeInConflict) {
  Unsettled unsettled("0");
  Revisit revisit;
  revisit.id = "a";
  unsettled.add_revisit(revisit);
  ASSERT_EQ(unsettled.wake(now, 9).size(), 1U);
  EXPECT_TRUE(unsettled.find("a")->may_conflict);
}

TEST(Unsettled, RowDoesNotDisturbARun) {
  for (const Step step : {Step::running, Step::finished}) {
    Unsettled unsettled("0");
    unsettled.add_row(row("1", "a"));
    Item& item = *unsettled.find("a");
    item.step = step;
    unsettled.add_row(row("2", "a", {"2-b"}));
    EXPECT_EQ(item.step, step);
    EXPECT_EQ(item.doc.at("_rev"), "1-a");
    EXPECT_TRUE(item.changed_meanwhile);
    EXPECT_EQ(item.tickets.size(), 2U);
  }
}

TEST(Unsettled, WaitEndsAtItsTime) {
  Unsettled unsettled("0");
  unsettled.add_row(row("1", "a"));
  Item& item = *unsettled.find("a");
  unsettled.wait(item, now + seconds(10));
  EXPECT_TRUE(item.doc.empty());
  EXPECT_EQ(unsettled.next_look(), now + seconds(10));
  EXPECT_TRUE(unsettled.wake(now + seconds(10) - milliseconds(1), 10).empty());
  EXPECT_EQ(unsettled.wake(now + seconds(10), 10), std::vector<std::string>{"a"});
  EXPECT_EQ(item.step, Step::ready);
  EXPECT_TRUE(item.has_branches);  // nobody knows: it may have got one meanwhile
  EXPECT_EQ(unsettled.checkpoint().seq(), "0");
}

TEST(Unsettled, RowEndsAWait) {
  Unsettled unsettled("0");
  unsettled.add_row(row("1", "a"));
  unsettled.wait(*unsettled.find("a"), now + seconds(10));
  unsettled.add_row(row("2", "a", {"2-b"}));
  EXPECT_EQ(unsettled.find("a")->step, Step::ready);
  EXPECT_EQ(unsettled.find("a")->doc.at("_rev"), "2-b");
}

TEST(Unsettled, NextLookIsTheEarliest) {
  Unsettled unsettled("0");
  for (const std::string id : {"a", "b", "c"}) unsettled.add_row(row(id, id));
  unsettled.wait(*unsettled.find("a"), now + seconds(20));
  unsettled.wait(*unsettled.find("b"), now + seconds(10));
  unsettled.queue(*unsettled.find("c"), Lane::unsafe);  // for a free runner
  EXPECT_EQ(unsettled.next_look(), now + seconds(10));
  unsettled.find("c")->step = Step::running;
  EXPECT_EQ(unsettled.next_look(), now + seconds(10));
  unsettled.finish(*unsettled.find("c"));
  EXPECT_EQ(unsettled.next_look(), MonoTime::min());
  unsettled.save_again(*unsettled.find("c"), now + seconds(2));
  EXPECT_EQ(unsettled.next_look(), now + seconds(2));
  EXPECT_EQ(unsettled.find("c")->step, Step::finished) << "its outcome is kept";
}

TEST(Unsettled, WhatIsUnderWaySettlesNoRowOfAnotherFeed) {
  Unsettled unsettled("90");
  unsettled.add_row(row("112", "a"));
  unsettled.add_row(row("117", "b"));
  unsettled.find("a")->step = Step::running;
  unsettled.start_at("0");  // an older copy was put back
  unsettled.add_row(row("5", "b"));
  unsettled.add_row(row("7", "c"));
  unsettled.find("a")->step = Step::finished;
  unsettled.settle(*unsettled.find("a"));
  EXPECT_EQ(unsettled.checkpoint().seq(), "0");
  unsettled.settle(*unsettled.find("b"));
  EXPECT_EQ(unsettled.checkpoint().seq(), "5") << "c is still to be done";
  unsettled.settle(*unsettled.find("c"));
  EXPECT_EQ(unsettled.checkpoint().seq(), "7");
}

TEST(Unsettled, RevisitIsLookedAtAtOnceAndSettlesNoRow) {
  Unsettled unsettled("7");
  unsettled.add_revisit({"db", "a", WallTime(), {}, "1-r"});
  EXPECT_EQ(unsettled.wake(now, 10), std::vector<std::string>{"a"});
  EXPECT_EQ(unsettled.find("a")->revisit->record_rev, "1-r");
  unsettled.settle(*unsettled.find("a"));
  EXPECT_EQ(unsettled.checkpoint().seq(), "7");
}

TEST(Unsettled, RevisitDoesNotDisturbWhatIsUnderWay) {
  Unsettled unsettled("0");
  unsettled.add_row(row("1", "a"));
  unsettled.add_revisit({"db", "a", WallTime(), {}, "1-r"});
  EXPECT_EQ(unsettled.find("a")->step, Step::ready);
  EXPECT_EQ(unsettled.find("a")->doc.at("_rev"), "1-a");
  EXPECT_EQ(unsettled.find("a")->revisit->record_rev, "1-r");
}

TEST(Unsettled, RevisitBringsBackTheAttempts) {
  Unsettled unsettled("0");
  Attempts attempts;
  attempts.add("1-a", WallTime(), "no");
  unsettled.add_revisit({"db", "a", WallTime(), attempts, "1-r"});
  EXPECT_EQ(unsettled.find("a")->attempts.count, 1);
}

// The record is of an earlier revision: its attempts are not those at this one.
TEST(Unsettled, RevisitOfAnEarlierRevisionKeepsTheAttemptsAtThisOne) {
  Unsettled unsettled("0");
  unsettled.add_row(row("1", "a", {"2-b"}));
  unsettled.find("a")->attempts.add("2-b", WallTime(), "no");
  Attempts earlier;
  for (int i = 0; i < 5; ++i) earlier.add("1-a", WallTime(), "no");
  unsettled.add_revisit({"db", "a", WallTime(), earlier, "1-r"});
  EXPECT_EQ(unsettled.find("a")->attempts.rev, "2-b");
  EXPECT_EQ(unsettled.find("a")->attempts.count, 1);
}

TEST(Unsettled, QueuedAreWokenInTheirOrderByLane) {
  Unsettled unsettled("0");
  for (const std::string id : {"a", "b", "c", "d"}) unsettled.add_row(row(id, id));
  unsettled.queue(*unsettled.find("c"), Lane::unsafe);
  unsettled.queue(*unsettled.find("a"), Lane::unsafe);
  unsettled.queue(*unsettled.find("b"), Lane::slow);
  unsettled.settle(*unsettled.find("d"));
  EXPECT_EQ(unsettled.next_look(), std::nullopt);  // a free runner wakes them
  unsettled.wake_queued(Lane::unsafe, 1);
  EXPECT_EQ(unsettled.wake(now, 10), std::vector<std::string>{"c"});
  EXPECT_TRUE(unsettled.has_queued(Lane::unsafe));
  unsettled.add_row(row("9", "a", {"2-b"}));  // it is no longer queued
  EXPECT_FALSE(unsettled.has_queued(Lane::unsafe));
  EXPECT_TRUE(unsettled.has_queued(Lane::slow));
}

TEST(Unsettled, PassedRowsMoveTheCheckpointOnlyInTheirOrder) {
  Unsettled unsettled("0");
  unsettled.pass_row("1");
  EXPECT_EQ(unsettled.checkpoint().seq(), "1");
  unsettled.add_row(row("2", "a"));
  unsettled.pass_row("3");
  EXPECT_EQ(unsettled.checkpoint().seq(), "1");
  unsettled.settle(*unsettled.find("a"));
  EXPECT_EQ(unsettled.checkpoint().seq(), "3");
}

TEST(Attempts, AreThoseAtOneRevision) {
  Attempts attempts;
  attempts.add("1-a", WallTime(), "one");
  attempts.add("1-a", WallTime(), "two");
  EXPECT_EQ(attempts.count, 2);
  attempts.add("2-b", WallTime(), "three");
  EXPECT_EQ(attempts.count, 1);
  EXPECT_EQ(attempts.history.size(), 1U);
  for (int i = 0; i < 20; ++i) attempts.add("2-b", WallTime(), std::to_string(i));
  EXPECT_EQ(attempts.count, 21);
  EXPECT_EQ(attempts.history.size(), 10U);
  EXPECT_EQ(attempts.history.back().reason, "19");
}

TEST(Unsettled, SettlingARunIsABug) {
  Unsettled unsettled("0");
  unsettled.add_row(row("1", "a"));
  unsettled.find("a")->step = Step::running;
  EXPECT_DEATH(unsettled.settle(*unsettled.find("a")), "bug: a running document was settled");
}

TEST(Unsettled, FindsNothingWhereNothingIs) {
  Unsettled unsettled("0");
  EXPECT_EQ(unsettled.find("a"), nullptr);
}

}  // namespace
}  // namespace channels
