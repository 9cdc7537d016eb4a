#include "workflows/members.h"

#include <gtest/gtest.h>

#include "unit/support/cases.h"

namespace channels {
namespace {

Document record() {
  return {{"_id", "channel-fun"}, {"type", "channel"}, {"state", "ready"}, {"user", "alice"}, {"created", "2024-05-01T12:39:12Z"}};
}

using Ids = std::vector<std::string>;

TEST(Members, OfARecordWithoutAnyAreItsOwner) {
  EXPECT_EQ(members_of(record()), Ids{"alice"});
  EXPECT_EQ(access_of(record(), "alice"), "owner");
  EXPECT_EQ(access_of(record(), "bob"), "");
  EXPECT_TRUE(members_of({}).empty());
}

TEST(Members, AreChangedOnceForACause) {
  Document doc = record();
  EXPECT_TRUE(change_members(doc, {{"bob", "writer", "i1"}}, now));
  EXPECT_EQ(members_of(doc), (Ids{"alice", "bob"}));
  EXPECT_TRUE(change_members(doc, {{"bob", "none", "r1"}}, now));
  EXPECT_FALSE(change_members(doc, {{"bob", "writer", "i1"}}, now)) << "a run that comes late undoes nothing";
  EXPECT_EQ(access_of(doc, "bob"), "none");
  EXPECT_FALSE(is_member(doc, "bob"));
  EXPECT_EQ(former_members_of(doc), Ids{"bob"});
}

TEST(Members, OfAHandOverChangeAtOnce) {
  Document doc = record();
  change_members(doc, {{"bob", "reader", "i1"}}, now);
  EXPECT_TRUE(change_members(doc, {{"bob", "owner", "h1"}, {"alice", "writer", "h1"}}, now));
  EXPECT_EQ(members_with(doc, "owner"), Ids{"bob"});
  EXPECT_EQ(members_of(doc), (Ids{"bob", "alice"})) << "owners first";
  EXPECT_TRUE(was_handled(doc, "h1"));
  EXPECT_FALSE(was_handled(doc, "h2"));
}

TEST(Members, WhoAreOutKeepWhyUntilTheyAreBack) {
  Document doc = record();
  change_members(doc, {{"bob", "none", "r1", false, true}}, now);
  EXPECT_TRUE(is_true(doc.at("members").at("bob").as_object(), "wipe"));
  change_members(doc, {{"bob", "reader", "i1"}}, now);
  EXPECT_FALSE(doc.at("members").at("bob").as_object().contains("wipe"));
}

TEST(Members, HaveAnAccessSinceTheyFirstGotIt) {
  Document doc = record();
  const auto since = [&](const char* user) { return string_or(*member_entry(doc, user), "since", ""); };
  change_members(doc, {{"bob", "writer", "i1"}}, now);
  change_members(doc, {{"bob", "writer", "c1"}}, now + seconds(60));
  EXPECT_EQ(since("bob"), format_time(now)) << "nothing changed for him";
  change_members(doc, {{"bob", "owner", "c2"}}, now + seconds(120));
  EXPECT_EQ(since("bob"), format_time(now + seconds(120)));
  change_members(doc, {{"bob", "none", "r1", true}}, now + seconds(180));
  change_members(doc, {{"bob", "none", "r2"}}, now + seconds(240));
  EXPECT_EQ(since("bob"), format_time(now + seconds(240))) << "he left, and was put out after that";
}

TEST(Members, RememberOnlyTheLastCauses) {
  Document doc = record();
  for (int i = 0; i < 60; ++i) change_members(doc, {{"bob", "writer", "cause " + std::to_string(i)}}, now);
  EXPECT_EQ(doc.at("handled").as_array().size(), 50u);
  EXPECT_TRUE(was_handled(doc, "cause 59"));
  EXPECT_FALSE(was_handled(doc, "cause 9"));
}

TEST(Members, AreShownUpToALimit) {
  Document doc = record();
  for (const char* user : {"bob", "carol"}) change_members(doc, {{user, "reader", user}}, now);
  const json::array two = shown_members(doc, 2);
  EXPECT_EQ(two, (json::array{{{"user", "alice"}, {"access", "owner"}}, {{"user", "bob"}, {"access", "reader"}}}));
  EXPECT_EQ(shown_members(doc, 9).size(), 3u);
}

Document shared_by_four() {
  Document doc = record();
  doc["named_by"] = "alice";
  change_members(doc, {{"bob", "reader", "b"}}, now);
  change_members(doc, {{"dave", "writer", "d"}}, now + seconds(1));
  change_members(doc, {{"carol", "writer", "c"}}, now + seconds(2));
  return doc;
}

TEST(Members, LeaveAChannelToWhoIsInItLongest) {
  Document doc = shared_by_four();
  EXPECT_EQ(heir_of(doc, "alice"), "dave") << "a writer before a reader, the first before the second";
  EXPECT_EQ(heir_of(doc, "bob"), "alice");
  change_members(doc, {{"carol", "owner", "o"}}, now + seconds(9));
  EXPECT_EQ(heir_of(doc, "alice"), "carol") << "an owner before all";
  EXPECT_EQ(heir_of(record(), "alice"), "");
  change_members(doc, {{"carol", "none", "x"}, {"dave", "none", "x"}}, now);
  EXPECT_EQ(heir_of(doc, "alice"), "bob");
}

TEST(Members, WhoAreForgottenAreNowhereInTheRecord) {
  Document doc = shared_by_four();
  forget_member(doc, "alice", "dave", now);
  EXPECT_EQ(members_with(doc, "owner"), Ids{"dave"});
  Document but_for_the_past = doc;  // entries of the audit stay, by ids
  but_for_the_past.erase("audit");
  EXPECT_EQ(json::serialize(but_for_the_past).find("alice"), std::string::npos) << json::serialize(doc);
  EXPECT_EQ(namer_of(doc), "dave");
  forget_member(doc, "bob", "dave", now);
  EXPECT_EQ(members_of(doc), (Ids{"dave", "carol"}));
  EXPECT_EQ(doc.at("user"), "dave");
}

TEST(Members, OfASpoiledRecordAreNone) {
  for (const char* members : {"{\"bob\": 1}", "{\"bob\": {}}", "{\"bob\": {\"access\": \"king\"}}"}) {
    Document doc = record();
    doc["members"] = json::parse(members);
    EXPECT_TRUE(members_of(doc).empty()) << members;
  }
  Document doc = record();
  doc["members"] = "all";
  EXPECT_EQ(members_of(doc), Ids{"alice"});
}

}  // namespace
}  // namespace channels
