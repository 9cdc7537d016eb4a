// Echoes, LocalMark, BatchSize: small parts of the follower.
#include <gtest/gtest.h>

#include "engine/batch_size.h"
#include "engine/echoes.h"
#include "engine/local_mark.h"

namespace channels {
namespace {

Change row(const std::string& id, const std::vector<std::string>& revs) {
  Change change;
  change.id = id;
  change.revs = revs;
  return change;
}

TEST(Echoes, AreTakenOnceByIdAndRev) {
  Echoes echoes;
  echoes.expect("a", "2-x");
  EXPECT_FALSE(echoes.take(row("b", {"2-x"})));
  EXPECT_TRUE(echoes.take(row("a", {"2-x"})));
  EXPECT_FALSE(echoes.take(row("a", {"2-x"})));
}

TEST(Echoes, AreNotWhatSomebodyElseWrote) {
  Echoes echoes;
  echoes.expect("a", "2-x");
  EXPECT_FALSE(echoes.take(row("a", {"3-y"})));
  echoes.expect("a", "2-x");
  EXPECT_FALSE(echoes.take(row("a", {"2-x", "2-w"}))) << "a branch";
}

TEST(LocalMark, OfTheSameDatabaseGoesOnFromTheCheckpoint) {
  const CheckpointRecord checkpoint{"9", 5, 2};
  const auto start = start_of(checkpoint, local_mark(5));
  EXPECT_EQ(start.seq, "9");
  EXPECT_EQ(start.counter, 5);
}

TEST(LocalMark, OfAnOlderCopyStartsOverFromTheBeginning) {
  const auto start = start_of({"9", 5, 2}, local_mark(3));
  EXPECT_EQ(start.seq, "0");
  EXPECT_EQ(start.counter, 5);
}

TEST(LocalMark, ThatIsMissingStartsOverFromTheBeginning) {
  EXPECT_EQ(start_of({"9", 5, 2}, std::nullopt).seq, "0");
  EXPECT_EQ(start_of({"9", 0, 2}, std::nullopt).seq, "9") << "there never was one";
}

TEST(LocalMark, AheadAfterACrashIsCountedOnFrom) {
  EXPECT_EQ(start_of({"9", 5, 2}, local_mark(7)).counter, 7);
}

TEST(LocalMark, ThatIsForgedCausesARescanAtMost) {
  EXPECT_EQ(start_of({"9", 5, 2}, local_mark(1LL << 60)).counter, 5);
  EXPECT_EQ(start_of({"9", 5, 2}, Document{{"counter", "x"}, {"seq", json::array{1}}}).seq, "0");
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

}  // namespace
}  // namespace channels
