#include "engine/schedule.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "unit/support/fake_env.h"

namespace channels {
namespace {

class ScheduleTest : public testing::Test {
 protected:
  std::string take() { return schedule_.take().value_or(Schedule::Taken{"(stopped)"}).database; }
  // Taken and given back.
  std::string turn() {
    const std::string database = take();
    schedule_.done(database);
    return database;
  }
  MonoTime in(milliseconds time) { return env_.mono_now() + time; }

  FakeEnv env_;
  Schedule schedule_{env_};
};

TEST_F(ScheduleTest, ServesInTheOrderOfMarks) {
  for (const char* database : {"b", "a", "c", "a", "b"}) schedule_.mark(database);
  EXPECT_EQ(turn(), "b");
  EXPECT_EQ(turn(), "a");
  EXPECT_EQ(turn(), "c");
  EXPECT_TRUE(schedule_.names().empty());
}

TEST_F(ScheduleTest, SendsWhoWasMarkedWhileTakenToTheEnd) {
  schedule_.mark("a");
  schedule_.mark("b");
  EXPECT_EQ(take(), "a");
  schedule_.mark("a");
  schedule_.mark("a");
  EXPECT_EQ(take(), "b");  // "a" is with somebody: not a second time
  schedule_.done("a");
  schedule_.done("b");
  EXPECT_EQ(turn(), "a");  // once for all of its marks
  EXPECT_TRUE(schedule_.names().empty());
}

TEST_F(ScheduleTest, SaysWhetherAnyMarkWasForRows) {
  schedule_.mark("a", Cause::at_hand);
  EXPECT_FALSE(schedule_.take()->has_rows);
  schedule_.mark("a", Cause::rows);
  schedule_.mark("a", Cause::at_hand);
  schedule_.done("a");
  EXPECT_TRUE(schedule_.take()->has_rows);
  schedule_.done("a");
  schedule_.mark_at("a", in(seconds(1)), Cause::rows);
  schedule_.mark("a", Cause::at_hand);
  EXPECT_TRUE(schedule_.take()->has_rows);
}

TEST_F(ScheduleTest, WaitsForATimer) {
  const MonoTime due = in(seconds(5));
  schedule_.mark_at("a", due);
  EXPECT_FALSE(schedule_.names().empty());
  EXPECT_EQ(turn(), "a");
  EXPECT_EQ(env_.mono_now(), due);
  EXPECT_TRUE(schedule_.names().empty());
}

TEST_F(ScheduleTest, WaitsForALateTimer) {
  const MonoTime due = in(std::chrono::hours(5));
  schedule_.mark_at("a", due);
  EXPECT_EQ(turn(), "a");
  EXPECT_EQ(env_.mono_now(), due);
}

TEST_F(ScheduleTest, ServesTimersInTheOrderOfTheirTimes) {
  schedule_.mark_at("late", in(seconds(9)));
  schedule_.mark_at("early", in(seconds(3)));
  schedule_.mark_at("middle", in(seconds(6)));
  for (const char* database : {"early", "middle", "late"}) EXPECT_EQ(turn(), database);
}

TEST_F(ScheduleTest, KeepsTheEarlierOfTwoTimes) {
  const MonoTime start = env_.mono_now();
  schedule_.mark_at("a", start + seconds(5));
  schedule_.mark_at("a", start + seconds(9));
  EXPECT_EQ(turn(), "a");
  EXPECT_EQ(env_.mono_now(), start + seconds(5));
  EXPECT_TRUE(schedule_.names().empty());
  schedule_.mark_at("a", start + seconds(30));
  schedule_.mark_at("a", start + seconds(20));
  EXPECT_EQ(turn(), "a");
  EXPECT_EQ(env_.mono_now(), start + seconds(20));
  EXPECT_TRUE(schedule_.names().empty());
}

TEST_F(ScheduleTest, MarkTakesTheTimersPlace) {
  schedule_.mark_at("a", in(seconds(5)));
  schedule_.mark("a");
  const MonoTime start = env_.mono_now();
  EXPECT_EQ(turn(), "a");
  EXPECT_EQ(env_.mono_now(), start);
  EXPECT_TRUE(schedule_.names().empty());  // the turn found what there was to do: the timer is void
}

TEST_F(ScheduleTest, TimerSetWhileTakenOutlivesTheTurn) {
  schedule_.mark("a");
  EXPECT_EQ(take(), "a");
  const MonoTime due = in(seconds(5));
  schedule_.mark_at("a", due);
  schedule_.done("a");
  EXPECT_FALSE(schedule_.names().empty());
  EXPECT_EQ(turn(), "a");
  EXPECT_EQ(env_.mono_now(), due);
}

TEST_F(ScheduleTest, TimerThatIsDueWhileTakenMeansAgain) {
  schedule_.mark("a");
  schedule_.mark("b");
  EXPECT_EQ(take(), "a");
  schedule_.mark_at("a", in(seconds(1)));
  env_.advance(seconds(2));
  EXPECT_EQ(take(), "b");  // moves the timers that are due
  schedule_.done("a");
  EXPECT_EQ(turn(), "a");
  schedule_.done("b");
  EXPECT_TRUE(schedule_.names().empty());
}

TEST_F(ScheduleTest, PastTimeIsNow) {
  schedule_.mark_at("a", in(-seconds(5)));
  const MonoTime start = env_.mono_now();
  EXPECT_EQ(turn(), "a");
  EXPECT_EQ(env_.mono_now(), start);
}

TEST_F(ScheduleTest, Stops) {
  schedule_.mark("a");
  schedule_.stop();
  EXPECT_EQ(take(), "(stopped)");
  EXPECT_EQ(take(), "(stopped)");
}

TEST_F(ScheduleTest, GivingBackWhatNobodyTookIsABug) {
  schedule_.mark("a");
  EXPECT_DEATH(schedule_.done("a"), "bug: a database was given back that nobody took");
}

// Several threads: each mark is followed by a turn, and no database is in two hands.
TEST(ScheduleThreads, LoseNoMarkAndShareNoDatabase) {
  constexpr int databases = 5;
  constexpr int marks = 2000;
  RealEnv env;
  Schedule schedule(env);
  std::atomic<int> marked[databases] = {};
  std::atomic<int> seen[databases] = {};
  std::atomic<int> holders[databases] = {};
  std::atomic<bool> shared = false;
  {
    std::vector<std::unique_ptr<Thread>> threads;
    for (int t = 0; t < 3; ++t) {
      threads.push_back(env.start("taker", [&] {
        while (const auto name = schedule.take()) {
          const int i = std::stoi(name->database);
          if (++holders[i] != 1) shared = true;
          seen[i] = marked[i].load();
          --holders[i];
          schedule.done(name->database);
        }
      }));
    }
    for (int n = 0; n < marks; ++n) {
      const int i = n % databases;
      ++marked[i];
      if (n % 3 == 0) {
        schedule.mark_at(std::to_string(i), env.mono_now() + milliseconds(1));
      } else {
        schedule.mark(std::to_string(i));
      }
    }
    const MonoTime limit = env.mono_now() + seconds(30);
    while (!schedule.names().empty() && env.mono_now() < limit) std::this_thread::yield();
    schedule.stop();
  }
  EXPECT_FALSE(shared);
  for (int i = 0; i < databases; ++i) EXPECT_EQ(seen[i], marked[i]);
}

TEST(ScheduleThreads, WakeWhoeverWaits) {
  RealEnv env;
  Schedule schedule(env);
  std::atomic<int> ended = 0;
  {
    std::vector<std::unique_ptr<Thread>> threads;
    for (int t = 0; t < 3; ++t) {
      threads.push_back(env.start("taker", [&] {
        while (const auto name = schedule.take()) schedule.done(name->database);
        ++ended;
      }));
    }
    schedule.mark("a");
    schedule.stop();
  }
  EXPECT_EQ(ended, 3);
}

}  // namespace
}  // namespace channels
