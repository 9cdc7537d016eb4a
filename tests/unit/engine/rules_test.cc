#include "engine/rules.h"

#include <gtest/gtest.h>

namespace channels {
namespace {

Handler nothing() {
  return [](Run&, const Document&) -> Outcome { return Keep{}; };
}

std::string found(const RuleTable& table, std::string_view type, std::string_view state) {
  const Rule* rule = table.find(type, state);
  return rule == nullptr ? "(none)" : rule->name;
}

TEST(Rules, AreLookedUpFromTheClosestToTheWidest) {
  RuleTable table;
  table.safe("device", "new", nothing());
  EXPECT_EQ(found(table, "device", "new"), "device/new");
  EXPECT_EQ(found(table, "device", "old"), "(none)");
  EXPECT_EQ(found(table, "channel", "new"), "(none)");

  table.safe("*", "*", nothing());
  EXPECT_EQ(found(table, "device", "new"), "device/new");
  EXPECT_EQ(found(table, "device", "old"), "*/*");
  EXPECT_EQ(found(table, "", ""), "*/*");

  table.safe("*", "old", nothing());
  EXPECT_EQ(found(table, "device", "old"), "*/old");
  EXPECT_EQ(found(table, "device", "other"), "*/*");

  table.safe("device", "*", nothing());
  EXPECT_EQ(found(table, "device", "old"), "device/*");
  EXPECT_EQ(found(table, "channel", "old"), "*/old");
  EXPECT_EQ(found(table, "device", "new"), "device/new");
}

TEST(Rules, CompareWholeWords) {
  RuleTable table;
  table.safe("device", "new", nothing());
  for (const auto& [type, state] : {std::pair("devic", "enew"),
                                    {"device", "ne"},
                                    {"Device", "new"},
                                    {"device", "*"},
                                    {"*", "new"}})
    EXPECT_EQ(found(table, type, state), "(none)") << type << state;
}

TEST(Rules, CarryTheirModeAndOptions) {
  RuleTable table;
  table.safe("a", "x", nothing());
  table.unsafe("b", "x", nothing(), {.on_lost = OnLost::retry, .time_limit = seconds(3)});
  table.unsafe("c", "x", nothing());
  EXPECT_EQ(table.find("a", "x")->mode, Mode::safe);
  EXPECT_EQ(table.find("b", "x")->mode, Mode::unsafe);
  EXPECT_EQ(table.find("b", "x")->options.on_lost, OnLost::retry);
  EXPECT_EQ(table.find("b", "x")->options.time_limit, seconds(3));
  // Never twice, unless a rule says otherwise.
  EXPECT_EQ(table.find("c", "x")->options.on_lost, OnLost::park);
}

TEST(Rules, ForDeletedAndDesignDocumentsStandApart) {
  RuleTable table;
  table.safe("*", "*", nothing());
  EXPECT_EQ(table.for_deleted(), nullptr);
  EXPECT_EQ(table.for_design(), nullptr);
  table.deleted(nothing());
  table.design(nothing());
  EXPECT_EQ(table.for_deleted()->name, "deleted");
  EXPECT_EQ(table.for_deleted()->mode, Mode::safe);
  EXPECT_EQ(table.for_design()->name, "design document");
}

TEST(Rules, BelongToAKindOfDatabase) {
  Rules rules;
  rules.on(Kind::control).safe("channel", "new", nothing());
  rules.on(Kind::handshake).safe("device", "new", nothing());
  EXPECT_EQ(rules.find(Kind::channel), nullptr);
  EXPECT_EQ(found(*rules.find(Kind::control), "device", "new"), "(none)");
  EXPECT_EQ(found(*rules.find(Kind::handshake), "device", "new"), "device/new");
  EXPECT_EQ(found(*rules.find(Kind::control), "channel", "new"), "channel/new");
}

TEST(Rules, TwiceForOnePairAreABug) {
  RuleTable table;
  table.safe("a", "x", nothing()).deleted(nothing()).design(nothing());
  EXPECT_DEATH(table.unsafe("a", "x", nothing()), "bug: two rules");
  EXPECT_DEATH(table.deleted(nothing()), "bug: two rules");
  EXPECT_DEATH(table.design(nothing()), "bug: two rules");
}

class Nowhere : public Elsewhere {
 public:
  std::size_t places(Mode) const override { return 1; }
  void begin(Task, Ended ended) override { ended(Keep{}); }
};

TEST(Rules, ForNamedDatabasesComeBesideThoseOfTheirKind) {
  Rules rules;
  rules.on(Kind::control).safe("device", "*", nothing());
  const auto place = std::make_shared<Nowhere>();
  rules.on(Globs{"control-*", "orders"}).elsewhere(Mode::unsafe, "device", "active", "app", place);
  rules.on(Globs{"orders", "o*"}).elsewhere(Mode::safe, "order", "new", "app", place);

  const RuleTable& control = *rules.find(Kind::control, "control-alice");
  EXPECT_EQ(found(control, "order", "new"), "(none)");
  EXPECT_EQ(found(control, "device", "new"), "device/*");
  ASSERT_NE(control.find("device", "active"), nullptr);
  EXPECT_EQ(control.find("device", "active")->name, "device/*");
  ASSERT_NE(control.find("device", "active")->extension, nullptr);
  EXPECT_EQ(control.find("device", "active")->extension->name, "app device/active");
  EXPECT_EQ(control.find("device", "new")->extension, nullptr);
  EXPECT_EQ(rules.find(Kind::control, "control-alice"), &control) << "made once";

  const RuleTable& orders = *rules.find(Kind::followed, "orders");
  EXPECT_EQ(found(orders, "order", "new"), "app order/new");
  EXPECT_EQ(found(orders, "device", "active"), "app device/active");
  EXPECT_EQ(rules.find(Kind::followed, "elsewhere"), nullptr);
  EXPECT_EQ(rules.find(Kind::control, "else"), rules.find(Kind::control));
  EXPECT_EQ(rules.elsewheres().size(), 1U);
}

TEST(Rules, NothingOfTheHandshakeGoesElsewhere) {
  Rules rules;
  rules.on(Kind::handshake).safe("device", "new", nothing());
  rules.on(Globs{"*"}).elsewhere(Mode::safe, "*", "*", "app", std::make_shared<Nowhere>());
  EXPECT_EQ(found(*rules.find(Kind::handshake, "channels-handshake"), "order", "new"), "(none)");
}

}  // namespace
}  // namespace channels
