#include "workflows/groups.h"

#include <gtest/gtest.h>

#include "unit/support/cases.h"
#include "workflows/members.h"

namespace channels {
namespace {

TEST(Groups, GiveNobodyMoreThanTheyHaveThemselves) {
  EXPECT_EQ(access_through("writer", "owner"), "writer") << "through a group nobody owns a channel";
  EXPECT_EQ(access_through("writer", "writer"), "writer");
  EXPECT_EQ(access_through("writer", "reader"), "reader");
  EXPECT_EQ(access_through("reader", "owner"), "reader");
  EXPECT_EQ(access_through("reader", "reader"), "reader");
  EXPECT_EQ(access_through("none", "writer"), "none");
  EXPECT_EQ(access_through("writer", "none"), "none");
  EXPECT_EQ(access_through("writer", ""), "");
  EXPECT_EQ(access_through("", "owner"), "");
}

TEST(Groups, OfTwoWaysTheHigherCounts) {
  EXPECT_EQ(higher_access("reader", "writer"), "writer");
  EXPECT_EQ(higher_access("owner", "writer"), "owner");
  EXPECT_EQ(higher_access("none", "reader"), "reader");
  EXPECT_EQ(higher_access("", "none"), "none");
  EXPECT_EQ(higher_access("", ""), "");
}

TEST(Groups, HaveARoleForWhoWritesAndOneForWhoReads) {
  using Roles = std::vector<std::string>;
  EXPECT_EQ(roles_in_group("g", "owner"), Roles{"group:g"});
  EXPECT_EQ(roles_in_group("g", "writer"), Roles{"group:g"});
  EXPECT_EQ(roles_in_group("g", "reader"), Roles{"group-reader:g"});
  EXPECT_TRUE(roles_in_group("g", "none").empty());
  EXPECT_TRUE(roles_in_group("g", "").empty());
}

TEST(Groups, AreShownWhileTheyHaveTheChannel) {
  Document channel{{"_id", "channel-fun"}, {"type", "channel"}};
  change_group(channel, "g", "writer", false, "cause 1", now);
  change_group(channel, "h", "reader", false, "cause 2", now);
  EXPECT_EQ(group_access(channel, "g"), "writer");
  change_group(channel, "g", "none", true, "cause 3", now);
  EXPECT_TRUE(is_true(channel.at("groups").at("g").as_object(), "wipe"));
  EXPECT_EQ(group_access(channel, "g"), "none");
  EXPECT_EQ(shown_groups(channel), (json::array{{{"group", "h"}, {"access", "reader"}}}));
  EXPECT_EQ(groups_of(channel), (std::vector<std::string>{"g", "h"})) << "those that had it, too: their members are told";
  EXPECT_TRUE(was_handled(channel, "cause 2"));
  EXPECT_EQ(group_access(channel, "nobody"), "");
}

}  // namespace
}  // namespace channels
