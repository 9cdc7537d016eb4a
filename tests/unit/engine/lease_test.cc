#include "engine/lease.h"

#include <gtest/gtest.h>

#include "base/digest.h"
#include "unit/support/fake_couch.h"
#include "unit/support/fake_env.h"
#include "unit/support/fake_log.h"

namespace channels {
namespace {

constexpr seconds duration{30};
const LeaseSubject subject{"control-u1", "doc", "1-a"};

// Two workers with one registry. They have one clock here, but neither looks at the other's.
class LeaseTest : public testing::Test {
 protected:
  TakenLease take(Leases& leases, const LeaseSubject& wanted = subject) {
    return leases.take({wanted}).at(0);
  }
  Document& document(const LeaseSubject& of = subject) {
    return couch_.docs.at("lease-" + lease_key(of));
  }

  FakeEnv env_;
  FakeLog log_;
  FakeCouch couch_;
  NoCredentials nobody_;
  Server server_{couch_, nobody_, "http://couch"};
  Database registry_{server_, "registry"};
  Leases ours_{env_, log_, registry_, duration, "worker-1"};
  Leases theirs_{env_, log_, registry_, duration, "worker-2"};
};

TEST_F(LeaseTest, KeyBelongsToDatabaseIdAndRev) {
  EXPECT_EQ(lease_key(subject), sha256_hex("control-u1\ndoc\n1-a"));
  for (const LeaseSubject& other : {LeaseSubject{"control-u2", "doc", "1-a"},
                                    {"control-u1", "doc2", "1-a"},
                                    {"control-u1", "doc", "2-a"}})
    EXPECT_NE(lease_key(other), lease_key(subject));
}

TEST_F(LeaseTest, IsWonByWhoMakesIt) {
  const TakenLease taken = take(ours_);
  ASSERT_TRUE(taken.lease);
  EXPECT_EQ(taken.lease->key, lease_key(subject));
  EXPECT_EQ(taken.lease->attempt, 1);
  EXPECT_EQ(taken.lease->until, env_.mono_now() + duration);
  EXPECT_FALSE(taken.lease->lost_run);
  EXPECT_EQ(taken.lease->rev, doc_rev(document()));
  Document expected = {{"_id", "lease-" + lease_key(subject)},
                       {"type", "lease"},
                       {"worker", "worker-1"},
                       {"attempt", 1},
                       {"taken_at", "2024-05-01T12:39:12Z"}};
  EXPECT_TRUE(same_content(document(), expected)) << json::serialize(document());
  EXPECT_TRUE(ours_.still_ours(*taken.lease));
}

TEST_F(LeaseTest, IsCountedFromBeforeTheRequest) {
  const MonoTime before = env_.mono_now();
  couch_.after = [this](const HttpRequest&) { env_.advance(seconds(7)); };
  EXPECT_EQ(take(ours_).lease->until, before + duration);
}

TEST_F(LeaseTest, OfAnotherIsWatched) {
  ASSERT_TRUE(take(theirs_).lease);
  const TakenLease taken = take(ours_);
  EXPECT_FALSE(taken.lease);
  EXPECT_EQ(taken.look_again, env_.mono_now() + duration);
}

TEST_F(LeaseTest, IsTakenOverOnlyAfterItWasWatchedForTheWholeTime) {
  ASSERT_TRUE(take(theirs_).lease);
  env_.advance(std::chrono::hours(5));  // nobody of us has seen it yet
  EXPECT_FALSE(take(ours_).lease);
  env_.advance(duration - milliseconds(1));
  const TakenLease early = take(ours_);
  EXPECT_FALSE(early.lease);
  EXPECT_EQ(early.look_again, env_.mono_now() + milliseconds(1));
  env_.advance(milliseconds(1));
  const TakenLease taken = take(ours_);
  ASSERT_TRUE(taken.lease);
  EXPECT_TRUE(taken.lease->lost_run);
  EXPECT_EQ(taken.lease->attempt, 2);
  EXPECT_EQ(string_or(document(), "worker", ""), "worker-1");
}

TEST_F(LeaseTest, IsWatchedAnewWhenItsRevisionChanges) {
  Leases third(env_, log_, registry_, duration, "worker-3");
  ASSERT_TRUE(take(theirs_).lease);
  EXPECT_FALSE(take(ours_).lease);
  EXPECT_FALSE(take(third).lease);
  env_.advance(duration);
  ASSERT_TRUE(take(third).lease);  // a take-over by somebody else
  const TakenLease taken = take(ours_);
  EXPECT_FALSE(taken.lease);
  EXPECT_EQ(taken.look_again, env_.mono_now() + duration);
  env_.advance(duration);
  ASSERT_TRUE(take(ours_).lease);
  EXPECT_EQ(int_or(document(), "attempt", 0), 3);
}

TEST_F(LeaseTest, OfAWorkerThatLostItIsNoLongerIts) {
  const TakenLease lost = take(theirs_);
  take(ours_);
  env_.advance(duration);
  ASSERT_TRUE(take(ours_).lease);
  EXPECT_FALSE(theirs_.still_ours(*lost.lease));
  couch_.docs.clear();
  EXPECT_FALSE(theirs_.still_ours(*lost.lease));
}

// Two followers of one database in one worker (it was deleted and made again): the revision is run once.
TEST_F(LeaseTest, OfARunUnderWayHereIsNotTakenAgain) {
  const TakenLease first = take(ours_);
  env_.advance(duration - seconds(1));
  const TakenLease second = take(ours_);
  EXPECT_FALSE(second.lease);
  EXPECT_GT(second.look_again, env_.mono_now());
  EXPECT_TRUE(ours_.still_ours(*first.lease));
}

TEST_F(LeaseTest, OfARunHereThatWasNeverReleasedIsALostRun) {
  take(ours_);
  env_.advance(duration);
  EXPECT_TRUE(take(ours_).lease->lost_run);
}

// The other leases of the request were won before it failed: no run began with them.
TEST_F(LeaseTest, OfATakeThatFailedHalfwayIsTakenAgain) {
  take(theirs_, {"control-u1", "held", "1-a"});
  couch_.before = [](const HttpRequest& request) {
    if (request.url.ends_with("_all_docs?include_docs=true")) throw Unavailable("down");
  };
  EXPECT_THROW(ours_.take({subject, {"control-u1", "held", "1-a"}}), Unavailable);
  couch_.before = nullptr;
  const TakenLease taken = take(ours_);
  ASSERT_TRUE(taken.lease);
  EXPECT_FALSE(taken.lease->lost_run);
}

TEST_F(LeaseTest, OfARunThatEndedHereIsTakenAgainThoughItsReleaseWasLost) {
  const TakenLease first = take(ours_);
  couch_.before = [](const HttpRequest&) { throw Unavailable("no way"); };
  ours_.release({*first.lease});
  couch_.before = nullptr;
  const TakenLease second = take(ours_);
  ASSERT_TRUE(second.lease);
  EXPECT_FALSE(second.lease->lost_run);
  ours_.release({*second.lease});
  EXPECT_TRUE(couch_.docs.empty());
}

TEST_F(LeaseTest, ThatCouldNotBeReleasedGoesWithTheNextRelease) {
  const TakenLease first = take(ours_);
  const TakenLease other = take(ours_, {"control-u1", "other", "1-a"});
  couch_.before = [](const HttpRequest&) { throw Unavailable("no way"); };
  ours_.release({*first.lease});
  couch_.before = nullptr;
  ours_.release({*other.lease});
  EXPECT_TRUE(couch_.docs.empty());
}

TEST_F(LeaseTest, AcceptedIsWithdrawnAndTriedLater) {
  couch_.answered_202 = {"lease-" + lease_key(subject)};
  const TakenLease taken = take(ours_);
  EXPECT_FALSE(taken.lease);
  EXPECT_TRUE(couch_.docs.empty());
  EXPECT_GE(taken.look_again, env_.mono_now() + milliseconds(500));
  EXPECT_LE(taken.look_again, env_.mono_now() + milliseconds(1500));
  couch_.answered_202.clear();
  env_.advance(seconds(2));
  EXPECT_EQ(take(ours_).lease->attempt, 1);
}

// Withdrawn like a new one, it would take the lost run's only trace along.
TEST_F(LeaseTest, TakenOverBelowQuorumStaysALostRun) {
  ASSERT_TRUE(take(theirs_).lease);
  EXPECT_FALSE(take(ours_).lease);
  env_.advance(duration);
  couch_.answered_202 = {"lease-" + lease_key(subject)};
  EXPECT_FALSE(take(ours_).lease);
  couch_.answered_202.clear();
  env_.advance(seconds(2));
  const TakenLease taken = take(ours_);
  ASSERT_TRUE(taken.lease);
  EXPECT_TRUE(taken.lease->lost_run);
}

TEST_F(LeaseTest, ReleasedIsFreeAtOnce) {
  const TakenLease taken = take(theirs_);
  EXPECT_FALSE(take(ours_).lease);
  theirs_.release({*taken.lease});
  EXPECT_TRUE(couch_.docs.empty());
  const TakenLease won = take(ours_);
  ASSERT_TRUE(won.lease);
  EXPECT_FALSE(won.lease->lost_run);
  EXPECT_EQ(won.lease->attempt, 1);
}

// Its old watch is of a lease that is no more: taking "over" that one must not look like a lost
// run.
TEST_F(LeaseTest, ReleasedLateIsNoLostRun) {
  const TakenLease theirs = take(theirs_);
  EXPECT_FALSE(take(ours_).lease);
  theirs_.release({*theirs.lease});
  env_.advance(duration);
  const TakenLease first = take(ours_);  // with the old revision: conflict
  EXPECT_FALSE(first.lease);
  EXPECT_EQ(first.look_again, env_.mono_now() + milliseconds(100));
  const TakenLease second = take(ours_);
  ASSERT_TRUE(second.lease);
  EXPECT_FALSE(second.lease->lost_run);
}

TEST_F(LeaseTest, ReleasedBetweenTheTwoRequestsIsTriedSoon) {
  const TakenLease theirs = take(theirs_);
  couch_.before = [&](const HttpRequest& request) {
    if (request.url.ends_with("_all_docs?include_docs=true")) couch_.docs.clear();
  };
  const TakenLease taken = take(ours_);
  EXPECT_FALSE(taken.lease);
  EXPECT_EQ(taken.look_again, env_.mono_now() + milliseconds(100));
}

// No run begins before take() has returned, so nothing is lost.
TEST_F(LeaseTest, OfALostAnswerIsTakenAtOnce) {
  couch_.after = [](const HttpRequest&) { throw Unavailable("the answer is lost"); };
  EXPECT_THROW(take(ours_), Unavailable);
  couch_.after = nullptr;
  const TakenLease seen = take(ours_);
  EXPECT_FALSE(seen.lease);
  EXPECT_EQ(seen.look_again, env_.mono_now());
  const TakenLease taken = take(ours_);
  ASSERT_TRUE(taken.lease);
  EXPECT_FALSE(taken.lease->lost_run);
}

// Else the answer's loss would make a lost run look like none.
TEST_F(LeaseTest, TakenOverByALostAnswerStaysALostRun) {
  ASSERT_TRUE(take(theirs_).lease);
  EXPECT_FALSE(take(ours_).lease);
  env_.advance(duration);
  couch_.after = [](const HttpRequest&) { throw Unavailable("the answer is lost"); };
  EXPECT_THROW(take(ours_), Unavailable);
  couch_.after = nullptr;
  EXPECT_FALSE(take(ours_).lease);
  ours_.release({*take(ours_, {"control-u1", "other", "1-a"}).lease});
  const TakenLease taken = take(ours_);
  ASSERT_TRUE(taken.lease);
  EXPECT_TRUE(taken.lease->lost_run);
  EXPECT_EQ(taken.lease->attempt, 2);
}

// What a race on a cluster leaves beside the winner of a 201.
TEST_F(LeaseTest, OnAClusterItsOtherBranchesAreRemovedBeforeTheAct) {
  couch_.copies = 3;
  const TakenLease taken = take(ours_);
  const std::string id = "lease-" + lease_key(subject);
  couch_.losers[id] = {{"_id", id}, {"_rev", "1-b"}, {"worker", "worker-2"}};
  EXPECT_TRUE(ours_.still_ours(*taken.lease));
  EXPECT_TRUE(couch_.losers.empty());
  EXPECT_EQ(couch_.requests.back(), "GET " + id);
}

TEST_F(LeaseTest, WithoutQuorumIsSaid) {
  EXPECT_TRUE(ours_.has_quorum());
  couch_.answered_202 = {"lease-" + lease_key(subject)};
  take(ours_);
  EXPECT_FALSE(ours_.has_quorum());
  couch_.answered_202.clear();
  take(ours_);
  EXPECT_TRUE(ours_.has_quorum());
}

TEST_F(LeaseTest, AreTakenInBulkEachByItself) {
  const LeaseSubject held{"control-u1", "held", "1-a"};
  const LeaseSubject accepted{"control-u1", "accepted", "1-a"};
  take(theirs_, held);
  couch_.answered_202 = {"lease-" + lease_key(accepted)};
  couch_.requests.clear();
  const auto taken = ours_.take({held, subject, accepted});
  ASSERT_EQ(taken.size(), 3U);
  EXPECT_FALSE(taken[0].lease);
  EXPECT_EQ(taken[0].look_again, env_.mono_now() + duration);
  ASSERT_TRUE(taken[1].lease);
  EXPECT_EQ(taken[1].lease->key, lease_key(subject));
  EXPECT_FALSE(taken[2].lease);
  EXPECT_EQ(couch_.docs.size(), 2U);
  EXPECT_EQ(couch_.requests,
            (std::vector<std::string>{"POST _bulk_docs", "POST _bulk_docs", "POST _all_docs"}));
  couch_.requests.clear();
  EXPECT_TRUE(ours_.take({}).empty());
  EXPECT_TRUE(couch_.requests.empty());
}

}  // namespace
}  // namespace channels
