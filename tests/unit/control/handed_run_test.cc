#include "control/handed_run.h"

#include <gtest/gtest.h>

#include "control/control.h"

namespace channels {
namespace {

const WallTime now = *parse_time("2024-05-01T12:00:00Z");
const Document order{{"_id", "a"}, {"_rev", "1-x"}, {"type", "order"}, {"state", "new"}};

std::string answer(const Outcome& outcome) {
  return answer_line(7, outcome, now);
}

TEST(HandedRun, ARunIsReadFromItsLine) {
  const FromDaemon said = parse_from_daemon(
      R"(["handle", 7, {"db": "orders", "mode": "safe", "attempt": 2, "attempt_key": "k", "deadline": "2024-05-01T12:00:20Z", "cookie": "AuthSession=c", "doc": {"_id": "a"}}])");
  EXPECT_EQ(said.verb, FromDaemon::Verb::handle);
  EXPECT_EQ(said.number, 7U);
  EXPECT_EQ(said.database, "orders");
  EXPECT_EQ(said.attempt, 2);
  EXPECT_EQ(said.attempt_key, "k");
  EXPECT_EQ(said.deadline - now, seconds(20));
  EXPECT_EQ(said.cookie, "AuthSession=c");
  EXPECT_EQ(doc_id(said.doc), "a");
  EXPECT_EQ(parse_from_daemon(R"(["cancel", 8])").verb, FromDaemon::Verb::cancel);
  for (const char* line : {"", "x", "[]", R"(["handle", 1])", R"(["handle", "x", {"doc": {}}])", R"(["handle", 1, {"doc": 5}])", R"(["news", 1, {}])"})
    EXPECT_EQ(parse_from_daemon(line).verb, FromDaemon::Verb::other) << line;
}

TEST(HandedRun, EachOutcomeHasItsAnswer) {
  EXPECT_EQ(answer(Save{{{"_id", "a"}, {"state", "b"}}}), "[\"save\",7,{\"_id\":\"a\",\"state\":\"b\"}]\n");
  EXPECT_EQ(answer(Keep{}), "[\"keep\",7]\n");
  EXPECT_EQ(answer(Later{now + seconds(90)}), "[\"error\",7,{\"reason\":\"not yet\",\"retry_after\":90}]\n");
  EXPECT_EQ(answer(Later{now - seconds(90)}), "[\"error\",7,{\"reason\":\"not yet\",\"retry_after\":0}]\n");
  EXPECT_EQ(answer(Failed{"no", std::nullopt}), "[\"error\",7,{\"reason\":\"no\"}]\n");
  EXPECT_EQ(answer(Failed{"no", seconds(3)}), "[\"error\",7,{\"reason\":\"no\",\"retry_after\":3}]\n");
  EXPECT_EQ(answer(Lost{"who knows"}), "[\"error\",7,{\"reason\":\"who knows\",\"lost\":true}]\n");
}

TEST(HandedRun, WhatAHandlerThrowsIsAFailure) {
  Control control;
  control.safe("order", "new", [](channels::Run&, const Document&) -> Outcome { throw std::out_of_range("no such item"); });
  control.safe("order", "down", [](channels::Run& run, const Document&) -> Outcome {
    run.database.get("a");
    return Keep{};
  });
  const auto outcome = try_out(control, order);
  ASSERT_TRUE(outcome && std::holds_alternative<Failed>(*outcome));
  EXPECT_EQ(std::get<Failed>(*outcome).reason, "no such item");
  const auto down = try_out(control, in_state(order, "down"));
  ASSERT_TRUE(down && std::holds_alternative<Failed>(*down));
  EXPECT_NE(std::get<Failed>(*down).reason.find("couchdb_url"), std::string::npos);
  EXPECT_FALSE(try_out(control, in_state(order, "other")));
}

}  // namespace
}  // namespace channels
