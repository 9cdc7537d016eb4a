#include "engine/workers.h"

#include <gtest/gtest.h>

#include <set>

#include "unit/support/fake_couch.h"
#include "unit/support/fake_env.h"
#include "unit/support/fake_log.h"

namespace channels {
namespace {

class WorkersTest : public testing::Test {
 protected:
  // Both beat every two seconds for so long.
  void run_both(int beats) {
    for (int i = 0; i < beats; ++i) {
      a_.beat({"5", {}}, {});
      b_.beat({"6", {"slow"}}, {});
      env_.advance(seconds(2));
    }
  }

  FakeEnv env_;
  FakeLog log_;
  FakeCouch couch_;
  NoCredentials nobody_;
  Server server_{couch_, nobody_, "http://couch"};
  Database registry_{server_, "registry"};
  Workers a_{env_, log_, registry_, "a", "here 1"};
  Workers b_{env_, log_, registry_, "b", "here 2"};
};

TEST(WorkerOf, GivesEachDatabaseOneWorkerAndEachWorkerItsShare) {
  const std::vector<std::string> members{"one", "two", "three"};
  std::map<std::string, int> shares;
  for (int i = 0; i < 3000; ++i) ++shares[worker_of("control-" + std::to_string(i), members)];
  for (const auto& [worker, share] : shares) {
    EXPECT_GT(share, 850) << worker;
    EXPECT_LT(share, 1150) << worker;
  }
}

TEST(WorkerOf, MovesOnlyWhatTheOneThatLeftHad) {
  for (int i = 0; i < 500; ++i) {
    const std::string database = "control-" + std::to_string(i);
    const std::string before = worker_of(database, {"one", "two", "three"});
    if (before != "two") {
      EXPECT_EQ(worker_of(database, {"one", "three"}), before);
    }
  }
}

TEST_F(WorkersTest, OneAloneHasAll) {
  EXPECT_TRUE(a_.beat({"5", {}}, {}).empty());
  EXPECT_TRUE(a_.is_mine("anything"));
  EXPECT_EQ(a_.interval(), seconds(5));
}

TEST_F(WorkersTest, TwoShare) {
  run_both(3);
  EXPECT_EQ(a_.alive(), 2U);
  EXPECT_EQ(a_.interval(), seconds(2));
  for (int i = 0; i < 50; ++i) {
    const std::string database = "control-" + std::to_string(i);
    EXPECT_NE(a_.is_mine(database), b_.is_mine(database));
  }
}

// Invariant 2: what a dead worker had at hand is looked at by those who are left, within 15 s.
TEST_F(WorkersTest, TheShareOfADeadOneMovesWithWhatItHadAtHand) {
  run_both(3);
  const MonoTime death = env_.mono_now() - seconds(2);
  std::vector<HandOver> left;
  while (left.empty()) {
    ASSERT_LT(env_.mono_now() - death, seconds(15));
    left = a_.beat({"5", {}}, {});
    env_.advance(a_.interval());
  }
  EXPECT_EQ(left.at(0).updates_seq, "6");
  EXPECT_EQ(left.at(0).awake, std::vector<std::string>{"slow"});
  EXPECT_EQ(a_.alive(), 1U);
  EXPECT_TRUE(a_.beat({"5", {}}, {}).empty()) << "only once";
}

TEST_F(WorkersTest, OneThatEndsIsReplacedAtOnce) {
  run_both(3);
  b_.end({"7", {"slow"}});
  const auto left = a_.beat({"5", {}}, {});
  EXPECT_EQ(left.at(0).updates_seq, "7");
  EXPECT_EQ(a_.alive(), 1U);
}

TEST_F(WorkersTest, ANewOneLooksAtWhatEarlierOnesLeft) {
  a_.beat({"5", {"x"}}, {});
  env_.advance(std::chrono::hours(3));
  const auto left = b_.beat({"", {}}, {});
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].updates_seq, "5");
  EXPECT_EQ(left[0].awake, std::vector<std::string>{"x"});
  EXPECT_TRUE(b_.is_mine("anything")) << "who does not beat is no member";
}

TEST_F(WorkersTest, APausedOneComesBack) {
  run_both(3);
  for (int i = 0; i < 300; ++i) {  // a goes on alone, and forgets b
    a_.beat({"5", {}}, {});
    env_.advance(seconds(3));
  }
  EXPECT_EQ(couch_.ids(), std::vector<std::string>{"worker-a"});
  run_both(3);
  EXPECT_EQ(a_.alive(), 2U);
  EXPECT_EQ(b_.alive(), 2U);
}

TEST_F(WorkersTest, ALostAnswerDoesNotStopTheBeats) {
  a_.beat({"5", {}}, {});
  couch_.after = [](const HttpRequest&) { throw Unavailable("the answer is lost"); };
  EXPECT_THROW(a_.beat({"6", {}}, {}), Unavailable);
  couch_.after = nullptr;
  a_.beat({"7", {}}, {});
  EXPECT_EQ(string_or(couch_.docs.at("worker-a"), "updates_seq", ""), "7");
}

// On a busy machine: no other worker would take its share yet.
TEST_F(WorkersTest, OneWhoseBeatsAreLateIsAtWorkForWhoeverAsksAsWell) {
  run_both(2);
  const MonoTime began = env_.mono_now();
  bool has_beaten = false;
  couch_.before = [&](const HttpRequest&) {
    if (has_beaten || env_.mono_now() - began < milliseconds(7900)) return;
    has_beaten = true;
    b_.beat({"6", {}}, {});
  };
  std::set<std::string> alive;
  for (const json::value& worker : workers_now(env_, registry_)) {
    if (worker.at("alive").as_bool()) alive.insert(worker.at("place").as_string().c_str());
  }
  EXPECT_EQ(alive, std::set<std::string>{"here 2"}) << "the other has not been heard of in all that time";
  a_.beat({"5", {}}, {});
  EXPECT_EQ(a_.alive(), 2U) << "as the workers see it";
}

}  // namespace
}  // namespace channels
