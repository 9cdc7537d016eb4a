// What a copy in a control database says of the people in a channel.
#include <gtest/gtest.h>

#include "unit/support/workflow_test.h"
#include "workflows/group_sharing.h"
#include "workflows/sharing.h"

namespace channels {
namespace {

class ShownTest : public WorkflowTest {
 protected:
  // With an owner and so many readers.
  static Document record(std::string_view type, int readers) {
    json::object members{{"alice", {{"access", "owner"}}}};
    for (int i = 0; i < readers; ++i) members["reader-" + std::to_string(i)] = {{"access", "reader"}};
    members["gone"] = {{"access", "none"}};
    return {{"_id", "channel-0123456789abcdef"}, {"type", type}, {"state", "ready"}, {"user", "alice"}, {"name", "Fun"}, {"members", members}};
  }
  Document copy_for_alice(const Document& channel) {
    Introductions introductions(services_);
    return channel_copy(services_, introductions, channel, {"owner", true}, {{"_id", "0123456789abcdef"}});
  }

};

TEST_F(ShownTest, AListThatIsCutSaysHowManyThereAre) {
  const Document copy = copy_for_alice(record("channel", 249));
  EXPECT_EQ(copy.at("members").as_array().size(), 200U);
  EXPECT_EQ(copy.at("member_count"), 250);
  const Document group = group_copy(record("group", 249), json::array(), "alice", {});
  EXPECT_EQ(group.at("member_count"), 250);
}

TEST_F(ShownTest, WhoIsOutOrOnlyFollowsLearnsNoNumber) {
  Introductions introductions(services_);
  const Document known = copy_for_alice(record("channel", 3));
  EXPECT_EQ(known.at("member_count"), 4);
  EXPECT_FALSE(channel_copy(services_, introductions, record("channel", 3), {"none"}, known).contains("member_count"));
  EXPECT_FALSE(channel_copy(services_, introductions, record("channel", 3), {"reader"}, known).contains("member_count"));
  EXPECT_FALSE(group_copy(record("group", 3), json::array(), "gone", known).contains("member_count"));
}

// Of fifty groups the names of all would make a copy that no device could edit any more.
TEST_F(ShownTest, NamesOfGroupsAreShownWithThoseOfPeopleAndAsFarAsThereIsRoom) {
  Document channel = record("channel", 0);
  json::object groups;
  for (int i = 10; i < 60; ++i) {
    const std::string id = "group-0123456789-" + std::to_string(i);
    groups[id] = {{"access", "reader"}};
    couch_.databases["registry"].docs["channel-" + id] = {
        {"_id", "channel-" + id}, {"_rev", "1-a"}, {"type", "group"}, {"state", "ready"}, {"name", std::string(200, 'n')}};
  }
  channel["groups"] = groups;
  const auto named = [&] {
    int count = 0;
    const Document copy = copy_for_alice(channel);
    for (const json::value& group : copy.at("groups").as_array()) count += group.as_object().contains("name") ? 1 : 0;
    return count;
  };
  EXPECT_EQ(named(), 0);
  channel["shows"] = "names";
  EXPECT_EQ(named(), 9);
}

}  // namespace
}  // namespace channels
