// Echoes, LocalMark, BatchSize, Sleepers: small parts of the engine.
#include <gtest/gtest.h>

#include "engine/batch_size.h"
#include "engine/echoes.h"
#include "engine/local_mark.h"
#include "engine/sleepers.h"

namespace channels {
namespace {

Change row_of(const std::string& id, const std::vector<std::string>& revs) {
  Change change;
  change.id = id;
  change.revs = revs;
  return change;
}

TEST(Echoes, AreTakenOnceByIdAndRev) {
  Echoes echoes;
  echoes.expect("a", "2-x");
  EXPECT_FALSE(echoes.take(row_of("b", {"2-x"})));
  EXPECT_TRUE(echoes.take(row_of("a", {"2-x"})));
  EXPECT_FALSE(echoes.take(row_of("a", {"2-x"})));
}

TEST(Echoes, AreNotWhatSomebodyElseWrote) {
  Echoes echoes;
  echoes.expect("a", "2-x");
  EXPECT_FALSE(echoes.take(row_of("a", {"3-y"})));
  echoes.expect("a", "2-x");
  EXPECT_FALSE(echoes.take(row_of("a", {"2-x", "2-w"}))) << "a branch";
}

const CheckpointRecord here{"9", 5, 2, "x"};

TEST(LocalMark, OfTheSameDatabaseSaysToGoOn) {
  EXPECT_EQ(compare_mark(here, local_mark(5, "x")), MarkSays::go_on);
  EXPECT_EQ(compare_mark(here, local_mark(6, "x")), MarkSays::go_on);
}

TEST(LocalMark, ThatIsBehindOrMissingIsAnOlderCopys) {
  EXPECT_EQ(compare_mark(here, local_mark(4, "x")), MarkSays::is_older_copy);
  EXPECT_EQ(compare_mark(here, std::nullopt), MarkSays::is_older_copy);
}

// The registry may not have heard yet of who marked it: his number is counted on from.
TEST(LocalMark, OfADatabaseThatTheRegistryDoesNotKnowIsGoneOnFrom) {
  const CheckpointRecord unknown;
  EXPECT_EQ(compare_mark(unknown, std::nullopt), MarkSays::go_on);
  EXPECT_EQ(compare_mark(unknown, local_mark(26, "")), MarkSays::go_on);
  EXPECT_EQ(counter_after(unknown, local_mark(26, "")), 26);
  EXPECT_EQ(compare_mark(unknown, local_mark(26, "x")), MarkSays::other_life);
}

TEST(LocalMark, OfAnotherLifeSaysThatSomebodyFoundItOut) {
  EXPECT_EQ(compare_mark(here, local_mark(9, "y")), MarkSays::other_life);
  EXPECT_EQ(compare_mark(here, local_mark(5, "")), MarkSays::other_life);
}

TEST(LocalMark, AheadAfterACrashIsCountedOnFrom) {
  EXPECT_EQ(counter_after(here, local_mark(7, "x")), 7);
  EXPECT_EQ(counter_after(here, local_mark(3, "x")), 5);
}

TEST(LocalMark, ThatIsForgedCausesARescanAtMost) {
  EXPECT_EQ(counter_after(here, local_mark(1LL << 60, "x")), 5);
  EXPECT_EQ(compare_mark(here, Document{{"counter", "x"}, {"life", "x"}}), MarkSays::is_older_copy);
}

TEST(BatchSize, GrowsWithSmallDocumentsUpToTheMost) {
  BatchSize size;
  for (int i = 0; i < 10; ++i) size.took(size.rows(), size.rows() * 300);
  EXPECT_EQ(size.rows(), 1000U);
}

TEST(BatchSize, ShrinksWithLargeOnes) {
  BatchSize size;
  size.took(size.rows(), size.rows() * 65536);
  EXPECT_EQ(size.rows(), 16U);
  size.took(size.rows(), size.rows() * (8 << 20));
  EXPECT_EQ(size.rows(), 1U);
}

TEST(BatchSize, DoesNotGrowByBatchesThatWereNotFull) {
  BatchSize size;
  size.took(1, 100);
  EXPECT_EQ(size.rows(), 50U);
  size.was_too_much();
  EXPECT_EQ(size.rows(), 12U);
}

TEST(Sleepers, GiveUpTheOneThatSleptTheLongest) {
  Sleepers sleepers(2);
  EXPECT_EQ(sleepers.put("a"), std::nullopt);
  EXPECT_EQ(sleepers.put("b"), std::nullopt);
  EXPECT_EQ(sleepers.put("a"), std::nullopt) << "it woke meanwhile, and is counted once";
  EXPECT_EQ(sleepers.put("c"), "b");
  EXPECT_EQ(sleepers.put("b"), "a");
  EXPECT_EQ(sleepers.put("c"), std::nullopt);
}

}  // namespace
}  // namespace channels
