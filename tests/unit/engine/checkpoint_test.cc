// Invariant 1: the checkpoint never passes an unsettled row.
#include "engine/checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace channels {
namespace {

TEST(Checkpoint, MovesOverSettledRowsInOrder) {
  Checkpoint checkpoint("0");
  const auto first = checkpoint.add("9-x");  // opaque: neither larger nor smaller than the next
  const auto second = checkpoint.add("2-y");
  EXPECT_EQ(checkpoint.seq(), "0");
  EXPECT_EQ(checkpoint.position(), "2-y");
  checkpoint.settle(first);
  EXPECT_EQ(checkpoint.seq(), "9-x");
  EXPECT_EQ(checkpoint.unsettled(), 1U);
  checkpoint.settle(second);
  EXPECT_EQ(checkpoint.seq(), "2-y");
  EXPECT_TRUE(checkpoint.all_settled());
}

TEST(Checkpoint, StaysBelowAGap) {
  Checkpoint checkpoint("0");
  const auto first = checkpoint.add("a");
  const auto second = checkpoint.add("b");
  const auto third = checkpoint.add("c");
  checkpoint.settle(third);
  checkpoint.settle(second);
  EXPECT_EQ(checkpoint.seq(), "0");
  EXPECT_EQ(checkpoint.unsettled(), 3U);
  checkpoint.settle(first);
  EXPECT_EQ(checkpoint.seq(), "c");
}

TEST(Checkpoint, TakesTheBatchsLastSeqOnceAllIsSettled) {
  Checkpoint checkpoint("0");
  checkpoint.read_to("5");  // an empty batch
  EXPECT_EQ(checkpoint.seq(), "5");
  const auto row = checkpoint.add("6");
  checkpoint.read_to("8");
  EXPECT_EQ(checkpoint.seq(), "5");
  EXPECT_EQ(checkpoint.position(), "8");
  const auto later = checkpoint.add("9");
  checkpoint.settle(row);
  EXPECT_EQ(checkpoint.seq(), "6");
  checkpoint.settle(later);
  EXPECT_EQ(checkpoint.seq(), "9");
}

TEST(Checkpoint, StartsAtAnotherPlaceWithoutTheRowsOfBefore) {
  Checkpoint checkpoint("0");
  checkpoint.add("98");
  checkpoint.add("112");
  checkpoint.start_at("0");
  EXPECT_EQ(checkpoint.seq(), "0");
  EXPECT_EQ(checkpoint.position(), "0");
  EXPECT_EQ(checkpoint.unsettled(), 0U);
  const auto first = checkpoint.add("5");
  checkpoint.add("9");
  checkpoint.settle(first);
  EXPECT_EQ(checkpoint.seq(), "5") << "no row of the copy of before counts";
}

TEST(Checkpoint, HoldsInEveryOrderOfSettling) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    Checkpoint checkpoint("start");
    std::vector<Checkpoint::Ticket> tickets;
    for (int i = 0; i < 20; ++i) tickets.push_back(checkpoint.add(std::to_string(i)));
    std::vector<std::size_t> order(tickets.size());
    std::iota(order.begin(), order.end(), 0U);
    std::shuffle(order.begin(), order.end(), random);
    std::vector<bool> settled(tickets.size());
    for (const std::size_t i : order) {
      checkpoint.settle(tickets[i]);
      settled[i] = true;
      const auto gap = std::find(settled.begin(), settled.end(), false) - settled.begin();
      EXPECT_EQ(checkpoint.seq(), gap == 0 ? "start" : std::to_string(gap - 1));
    }
  }
}

TEST(Checkpoint, SettlingTwiceIsABug) {
  Checkpoint checkpoint("0");
  const auto first = checkpoint.add("a");
  const auto second = checkpoint.add("b");
  checkpoint.settle(second);
  EXPECT_DEATH(checkpoint.settle(second), "bug: a row was settled twice");
  checkpoint.settle(first);
  EXPECT_DEATH(checkpoint.settle(first), "bug: a row was settled twice");
}

}  // namespace
}  // namespace channels
