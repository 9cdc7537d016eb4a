// How long a document waits for what it is about.
#include <gtest/gtest.h>

#include "unit/support/fake_databases.h"
#include "unit/support/fake_env.h"
#include "unit/support/fake_log.h"
#include "workflows/arrival.h"

namespace channels {
namespace {

class ArrivalTest : public testing::Test {
 protected:
  std::optional<Outcome> wait(int attempt, const std::optional<Document>& record) {
    run_.attempt = attempt;
    return wait_for_channel(run_, id_, record);
  }
  void is_here(std::string_view type, std::string_view state) {
    couch_.databases["control-u"].docs[id_] = {{"_id", id_}, {"_rev", "1-a"}, {"type", type}, {"state", state}};
  }

  const std::string id_ = "0123456789abcdef";
  FakeEnv env_;
  FakeLog log_;
  FakeDatabases couch_;
  NoCredentials nobody_;
  Server server_{couch_, nobody_, "http://couch"};
  channels::Run run_{env_, log_, Database(server_, "control-u"), 1, "", MonoTime::max(), false};
};

TEST_F(ArrivalTest, WhatIsNotHereIsWaitedForAFewTimes) {
  for (int attempt = 1; attempt < 5; ++attempt) EXPECT_TRUE(std::holds_alternative<Failed>(wait(attempt, std::nullopt).value())) << attempt;
  EXPECT_FALSE(wait(5, std::nullopt));
}

TEST_F(ArrivalTest, WhatIsHereIsWaitedForUntilItIsAnswered) {
  for (const std::string_view type : {"channel", "group"}) {
    is_here(type, "new");
    EXPECT_TRUE(std::holds_alternative<Later>(wait(100, std::nullopt).value()));
    EXPECT_TRUE(std::holds_alternative<Later>(wait(1, Document{{"state", "making"}}).value()));
    is_here(type, "error");
    EXPECT_FALSE(wait(1, std::nullopt));
  }
  is_here("note", "new");
  EXPECT_FALSE(wait(1, std::nullopt)) << "it will never be one";
}

TEST_F(ArrivalTest, NothingIsWaitedForOnceTheRegistryHasItOrTheIdIsNone) {
  EXPECT_FALSE(wait(1, Document{{"state", "ready"}}));
  EXPECT_FALSE(wait(1, Document{{"state", "gone"}}));
  EXPECT_FALSE(wait_for_channel(run_, "short", std::nullopt));
}

}  // namespace
}  // namespace channels
