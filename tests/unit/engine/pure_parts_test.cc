// Back-off and rebase: functions of their arguments alone.
#include <gtest/gtest.h>

#include "engine/backoff.h"
#include "engine/rebase.h"

namespace channels {
namespace {

TEST(Backoff, DoublesFromASecondToFiveMinutes) {
  const std::pair<int, seconds> cases[] = {
      {0, seconds(1)},    {1, seconds(1)},    {2, seconds(2)},
      {3, seconds(4)},    {8, seconds(128)},  {9, seconds(256)},
      {10, seconds(300)}, {11, seconds(300)}, {1000000, seconds(300)}};
  for (const auto& [failures, delay] : cases) EXPECT_EQ(backoff(failures, 0.5), delay) << failures;
}

TEST(Backoff, IsSpreadOverHalfOfItself) {
  EXPECT_EQ(backoff(5, 0), seconds(12));
  EXPECT_EQ(backoff(5, 0.5), seconds(16));
  EXPECT_LE(backoff(5, 0.999999), seconds(20));
  EXPECT_GT(backoff(5, 0.999999), milliseconds(19900));
}

TEST(Backoff, ParksAfterAboutHalfAnHour) {
  milliseconds sum{0};
  for (int failures = 1; failures < attempts_before_parking; ++failures)
    sum += backoff(failures, 0.5);
  EXPECT_GT(sum, std::chrono::minutes(15));
  EXPECT_LT(sum, std::chrono::minutes(45));
}

const Document trigger = {{"_id", "a"}, {"_rev", "1-a"}, {"type", "t"}, {"state", "new"},
                          {"kept", 1},  {"changed", 1},  {"removed", 1}};
const Document wanted = {{"_id", "a"}, {"_rev", "1-a"}, {"type", "t"}, {"state", "done"},
                         {"kept", 1},  {"changed", 2},  {"added", 1}};

Document trigger_with(const json::object& more) {
  Document doc = trigger;
  for (const auto& [key, value] : more) doc[key] = value;
  return doc;
}

TEST(Rebase, PutsTheHandlersChangesOnWhatIsThereNow) {
  struct Case {
    const char* what;
    Document fresh;
    Document merged;
  };
  const Case cases[] = {
      {"nothing but a new revision",
       trigger_with({{"_rev", "2-b"}}),
       {{"_id", "a"},
        {"_rev", "2-b"},
        {"type", "t"},
        {"state", "done"},
        {"kept", 1},
        {"changed", 2},
        {"added", 1}}},
      {"a member of somebody else's",
       trigger_with({{"_rev", "2-b"}, {"theirs", 7}}),
       {{"_id", "a"},
        {"_rev", "2-b"},
        {"type", "t"},
        {"state", "done"},
        {"kept", 1},
        {"changed", 2},
        {"added", 1},
        {"theirs", 7}}},
      {"a member that the handler left alone",
       trigger_with({{"_rev", "2-b"}, {"kept", 9}}),
       {{"_id", "a"},
        {"_rev", "2-b"},
        {"type", "t"},
        {"state", "done"},
        {"kept", 9},
        {"changed", 2},
        {"added", 1}}},
      {"a member that the handler changed",
       trigger_with({{"_rev", "2-b"}, {"changed", 9}}),
       {{"_id", "a"},
        {"_rev", "2-b"},
        {"type", "t"},
        {"state", "done"},
        {"kept", 1},
        {"changed", 2},
        {"added", 1}}},
      {"a member that the handler removed",
       trigger_with({{"_rev", "2-b"}, {"removed", 9}}),
       {{"_id", "a"},
        {"_rev", "2-b"},
        {"type", "t"},
        {"state", "done"},
        {"kept", 1},
        {"changed", 2},
        {"added", 1}}},
  };
  for (const auto& [what, fresh, merged] : cases)
    EXPECT_EQ(rebase(trigger, wanted, fresh), merged) << what;
}

TEST(Rebase, KeepsWhatAPersonTookAway) {
  Document fresh = trigger_with({{"_rev", "2-b"}});
  fresh.erase("kept");
  EXPECT_FALSE(rebase(trigger, wanted, fresh)->contains("kept"));
}

TEST(Rebase, DoesNotApplyToAnotherState) {
  EXPECT_EQ(rebase(trigger, wanted, trigger_with({{"state", "revoked"}})), std::nullopt);
  EXPECT_EQ(rebase(trigger, wanted, trigger_with({{"type", "other"}})), std::nullopt);
  EXPECT_EQ(rebase(trigger, wanted, {{"_id", "a"}, {"_rev", "2-b"}, {"_deleted", true}}),
            std::nullopt);
  EXPECT_EQ(rebase(trigger, wanted, trigger_with({{"state", "done"}})), std::nullopt);
}

}  // namespace
}  // namespace channels
