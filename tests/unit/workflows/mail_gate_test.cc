#include "workflows/mail_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

namespace channels {
namespace {

class MailGateTest : public testing::Test {
 protected:
  MonoTime in(seconds time) { return env_.mono_now() + time; }

  RealEnv env_;
  MailGate gate_{env_};
};

TEST_F(MailGateTest, LetsOneInAndTheNextWhenItHasLeft) {
  std::optional<MailGate::Pass> first(std::in_place, gate_, in(seconds(60)));
  ASSERT_TRUE(first->enter());
  std::atomic<bool> inside = false;
  std::thread other([&] {
    MailGate::Pass second(gate_, in(seconds(60)));
    inside = second.enter();
  });
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_FALSE(inside);
  first.reset();
  other.join();
  EXPECT_TRUE(inside);
}

TEST_F(MailGateTest, IsEnteredOnceByAPass) {
  MailGate::Pass pass(gate_, in(seconds(60)));
  EXPECT_TRUE(pass.enter());
  EXPECT_TRUE(pass.enter());
}

// Whoever was stopped for long wakes up with a lease that others may have taken over.
TEST_F(MailGateTest, IsShutForWhoHasNoTimeLeft) {
  MailGate::Pass late(gate_, in(seconds(0)));
  EXPECT_FALSE(late.enter());
  MailGate::Pass next(gate_, in(seconds(60)));
  EXPECT_TRUE(next.enter()) << "a pass that did not enter takes nobody's place";
}

TEST_F(MailGateTest, IsGivenUpBySomebodyWhoWaitedTooLong) {
  MailGate::Pass first(gate_, in(seconds(60)));
  ASSERT_TRUE(first.enter());
  MailGate::Pass second(gate_, env_.mono_now() + milliseconds(1100));
  EXPECT_FALSE(second.enter());
}

}  // namespace
}  // namespace channels
