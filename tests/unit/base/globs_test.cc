#include "base/globs.h"

#include <gtest/gtest.h>

namespace channels {
namespace {

TEST(Globs, AStarStandsForAnyCharacters) {
  EXPECT_TRUE(matches("orders", "orders"));
  EXPECT_FALSE(matches("orders", "orders2"));
  EXPECT_TRUE(matches("orders-*", "orders-"));
  EXPECT_TRUE(matches("*-orders", "a-b-orders"));
  EXPECT_TRUE(matches("a*b*c", "aXbYbZc"));
  EXPECT_FALSE(matches("a*b*c", "aXbYbZ"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_TRUE(matches(Globs{"x", "y*"}, "yes"));
  EXPECT_FALSE(matches(Globs{}, "yes"));
}

TEST(Globs, TwoOverlapIfAnyNameMatchesBoth) {
  EXPECT_TRUE(may_overlap("control-*", "*-alice"));
  EXPECT_TRUE(may_overlap("control-*", "*"));
  EXPECT_FALSE(may_overlap("control-*", "channel-*"));
  EXPECT_TRUE(may_overlap("a*c", "ab*"));
  EXPECT_FALSE(may_overlap("a*c", "ab*d"));
  EXPECT_TRUE(may_overlap("**", "a"));
  EXPECT_FALSE(may_overlap("a", "b"));
  EXPECT_TRUE(may_overlap(Globs{"a", "c"}, Globs{"b", "c*"}));
}

}  // namespace
}  // namespace channels
