#include "device_role/restarts.h"

#include <gtest/gtest.h>

namespace channels {
namespace {

const MonoTime start = MonoTime{} + std::chrono::hours(1000);

// How often it is begun anew in that time, looked at every 15 s.
int restarts_within(Restarts& restarts, seconds time) {
  int count = 0;
  for (seconds at{0}; at < time; at += seconds(15))
    count += restarts.is_due("r", start + at) ? 1 : 0;
  return count;
}

TEST(Restarts, BeginAtOnceAndBecomeRare) {
  Restarts restarts;
  EXPECT_TRUE(restarts.is_due("r", start));
  EXPECT_FALSE(restarts.is_due("r", start + seconds(15)));
  EXPECT_TRUE(restarts.is_due("r", start + seconds(30)));
  EXPECT_FALSE(restarts.is_due("r", start + seconds(60)));
}

TEST(Restarts, AreAtMostFourAnHourInTheEnd) {
  Restarts restarts;
  restarts_within(restarts, std::chrono::hours(1));
  int late = 0;
  for (seconds at{3600}; at < seconds(7200); at += seconds(15))
    late += restarts.is_due("r", start + at) ? 1 : 0;
  EXPECT_GE(late, 3);
  EXPECT_LE(late, 5);
}

TEST(Restarts, ForgetOnlyWhatRanForAWhile) {
  Restarts restarts;
  EXPECT_TRUE(restarts.is_due("r", start));
  restarts.runs("r", start + seconds(5));
  EXPECT_FALSE(restarts.is_due("r", start + seconds(10)));
  restarts.runs("r", start + seconds(30));
  restarts.runs("r", start + seconds(151));
  EXPECT_TRUE(restarts.is_due("r", start + seconds(152)));
}

TEST(Restarts, OfOneSayNothingOfAnother) {
  Restarts restarts;
  EXPECT_TRUE(restarts.is_due("r", start));
  EXPECT_TRUE(restarts.is_due("s", start));
}

}  // namespace
}  // namespace channels
