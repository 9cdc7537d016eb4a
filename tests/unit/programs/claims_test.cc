#include "programs/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace channels {
namespace {

using testing::HasSubstr;

class ClaimsTest : public testing::Test {
 protected:
  ClaimsTest() {
    const Handler keep = [](channels::Run&, const Document&) -> Outcome { return Keep{}; };
    rules_.on(Kind::control).safe("channel", "ready", keep).safe("device", "*", keep);
  }

  std::string refusal(const std::string& owner, const Globs& databases, const std::string& type, const std::string& state) {
    return claims_.refusal(owner, databases, {{Mode::safe, type, state, false}}).value_or("");
  }

  Rules rules_;
  Claims claims_{{rules_, {{Kind::control, {"control-*"}}}, [](Kind, std::string_view type, std::string_view) { return type == "channel"; }}};
};

TEST_F(ClaimsTest, TheSamePairInTheSameDatabasesIsOnePrograms) {
  EXPECT_EQ(refusal("a", {"orders"}, "order", "new"), "");
  EXPECT_EQ(refusal("b", {"stock"}, "order", "new"), "");
  EXPECT_EQ(refusal("b", {"orders"}, "order", "paid"), "");
  EXPECT_EQ(refusal("b", {"orders"}, "order", "*"), "");
  EXPECT_EQ(refusal("c", {"o*"}, "order", "new"), "it wants (order, new), but [channels_handlers] a has it");
}

TEST_F(ClaimsTest, WhatWasRefusedTookNothing) {
  refusal("a", {"orders"}, "order", "new");
  const auto both = claims_.refusal("b", {"orders"}, {{Mode::safe, "order", "paid", false}, {Mode::safe, "order", "new", false}});
  EXPECT_TRUE(both);
  EXPECT_EQ(refusal("c", {"orders"}, "order", "paid"), "");
}

TEST_F(ClaimsTest, ABuiltInRulesDocumentsAreItsOwnButAtExtensionPoints) {
  EXPECT_THAT(refusal("a", {"control-*"}, "device", "new"), HasSubstr("the built-in rule device/* of control-* has it"));
  EXPECT_THAT(refusal("a", {"*"}, "device", "*"), HasSubstr("no extension point"));
  EXPECT_EQ(refusal("a", {"control-*"}, "channel", "ready"), "");
  EXPECT_EQ(refusal("a", {"control-*"}, "order", "new"), "");
  EXPECT_EQ(refusal("a", {"orders"}, "device", "new"), "");
}

}  // namespace
}  // namespace channels
