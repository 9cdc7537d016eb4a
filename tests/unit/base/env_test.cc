#include "base/env.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "unit/support/fake_env.h"

namespace channels {
namespace {

TEST(RealEnv, GivesRandomBytes) {
  RealEnv env;
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string bytes = env.random_bytes(16);
    EXPECT_EQ(bytes.size(), 16U);
    EXPECT_TRUE(seen.insert(bytes).second);
  }
}

TEST(RealEnv, GivesUnitsFromZeroToBelowOne) {
  RealEnv env;
  double least = 1;
  double most = 0;
  for (int i = 0; i < 10000; ++i) {
    const double unit = env.random_unit();
    least = std::min(least, unit);
    most = std::max(most, unit);
  }
  EXPECT_GE(least, 0);
  EXPECT_LT(least, 0.01);
  EXPECT_GT(most, 0.99);
  EXPECT_LT(most, 1);
}

TEST(RealEnv, ThreadIsJoinedAtItsEnd) {
  RealEnv env;
  std::atomic<bool> done = false;
  {
    const auto thread = env.start("a name of more than 15 characters", [&] { done = true; });
  }
  EXPECT_TRUE(done);
}

TEST(RealEnv, SignalWakesAWaitBeforeItsDeadline) {
  RealEnv env;
  const auto signal = env.make_signal();
  std::mutex mutex;
  bool ready = false;
  const auto thread = env.start("notifier", [&] {
    const std::lock_guard lock(mutex);
    ready = true;
    signal->notify_all();
  });
  std::unique_lock lock(mutex);
  const MonoTime deadline = env.mono_now() + seconds(30);
  while (!ready && env.mono_now() < deadline) signal->wait_until(lock, deadline);
  EXPECT_TRUE(ready);
  EXPECT_LT(env.mono_now(), deadline);
}

TEST(RealEnv, WaitEndsAtItsDeadline) {
  RealEnv env;
  const auto signal = env.make_signal();
  std::mutex mutex;
  std::unique_lock lock(mutex);
  const MonoTime deadline = env.mono_now() + milliseconds(20);
  while (env.mono_now() < deadline) signal->wait_until(lock, deadline);
}

TEST(FakeEnv, MovesOnlyWhenToldOrWaitedFor) {
  FakeEnv env;
  const MonoTime start = env.mono_now();
  EXPECT_EQ(env.mono_now(), start);
  env.advance(seconds(5));
  EXPECT_EQ(env.mono_now(), start + seconds(5));
  std::mutex mutex;
  std::unique_lock lock(mutex);
  env.make_signal()->wait_until(lock, start + seconds(60));
  EXPECT_EQ(env.mono_now(), start + seconds(60));
  EXPECT_EQ(env.wall_now(),
            std::chrono::system_clock::from_time_t(FakeEnv::start_of_wall) + seconds(60));
}

}  // namespace
}  // namespace channels
