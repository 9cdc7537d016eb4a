#include "device_role/replications.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace channels {
namespace {

const DeviceOptions options{"channels-handshake", "channels-registry", "control-", "channel-", 1};
constexpr const char* id = "0123456789abcdef";

Document pairing() {
  return {{"device", "d1"}, {"cloud", "https://sync.example.com/"},
          {"secret", "s1"}, {"local_secret", "l1"},
          {"user", "a1"},   {"syncpoint", "https://sync.example.com/control-a1"}};
}

Document subscription(const std::string& channel, const char* state = "active") {
  return {{"_id", channel + "-sub-a1"},
          {"type", "subscription"},
          {"state", state},
          {"channel", channel},
          {"syncpoint", "https://sync.example.com/channel-" + channel}};
}

std::vector<Document> wanted_for(const std::vector<Document>& subscriptions) {
  std::vector<Document> wanted;
  for (const SyncPair& pair : sync_pairs(options, pairing(), subscriptions)) {
    if (!pair.is_wanted()) continue;
    for (const Direction direction : {Direction::push, Direction::pull})
      wanted.push_back(replication(pairing(), pair, direction, "http://127.0.0.1:5984/"));
  }
  return wanted;
}

// As CouchDB gives it back.
std::vector<Document> as_saved(std::vector<Document> docs) {
  for (Document& doc : docs) {
    doc["_rev"] = "1-a";
    doc["owner"] = "admin";
  }
  return docs;
}

TEST(Replications, AreTwoForTheControlDatabaseAndTwoForEachActiveSubscription) {
  EXPECT_EQ(wanted_for({}).size(), 2u);
  EXPECT_EQ(wanted_for({subscription(id)}).size(), 4u);
  EXPECT_EQ(wanted_for({subscription(id, "paused")}).size(), 2u);
  EXPECT_EQ(wanted_for({subscription(id, "stopped")}).size(), 2u);
}

TEST(Replications, JoinASecondChannelOfAName) {
  constexpr const char* second = "fedcba9876543210";
  Document duplicate{{"_id", second}, {"type", "channel"}, {"state", "error"}, {"error", {{"error", "duplicate"}}}, {"channel", id}};
  const std::vector<Document> docs = wanted_for({subscription(id), duplicate});
  ASSERT_EQ(docs.size(), 6u);
  const std::string push = json::serialize(docs[4]);
  EXPECT_EQ(docs[4].at("source").at("url"), "http://127.0.0.1:5984/channel-fedcba9876543210");
  EXPECT_EQ(docs[4].at("target").at("url"), "http://127.0.0.1:5984/channel-0123456789abcdef");
  EXPECT_EQ(docs[4].at("source"), docs[5].at("target"));
  EXPECT_EQ(push.find("s1"), push.npos) << "the cloud's password goes nowhere";
  // Not one that is a channel of its own all the same, nor by what is no id.
  EXPECT_EQ(wanted_for({subscription(id), subscription(second), duplicate}).size(), 6u);
  for (const char* first : {"../_users", second, ""}) {
    duplicate["channel"] = first;
    EXPECT_EQ(wanted_for({subscription(id), duplicate}).size(), 4u);
  }
  duplicate["channel"] = id;
  duplicate["state"] = "new";
  EXPECT_EQ(wanted_for({subscription(id), duplicate}).size(), 4u);
}

TEST(Replications, GiveEachSideItsOwnPassword) {
  const std::vector<Document> docs = wanted_for({subscription(id)});
  const Document& push = docs[2];
  const Document& pull = docs[3];
  EXPECT_EQ(push.at("source"), pull.at("target"));
  EXPECT_EQ(push.at("target"), pull.at("source"));
  const std::string cloud = json::serialize(pull.at("source"));
  const std::string local = json::serialize(pull.at("target"));
  EXPECT_NE(cloud.find("\"s1\""), std::string::npos);
  EXPECT_EQ(cloud.find("\"l1\""), std::string::npos);
  EXPECT_NE(local.find("http://127.0.0.1:5984/channel-0123456789abcdef"), std::string::npos);
  EXPECT_EQ(local.find("\"s1\""), std::string::npos);
}

TEST(Replications, OfABentSubscriptionAreNotMadeAndSayWhy) {
  Document elsewhere = subscription(id);
  elsewhere["syncpoint"] = "https://evil.example/channel-0123456789abcdef";
  Document another = subscription(id);
  another["channel"] = "fedcba9876543210";
  for (const Document& bent : {elsewhere, another}) {
    const auto pairs = sync_pairs(options, pairing(), {bent});
    ASSERT_EQ(pairs.size(), 2u);
    EXPECT_FALSE(pairs[1].is_wanted());
    EXPECT_FALSE(pairs[1].refused.empty());
  }
}

TEST(Replications, LeaveAnotherUsersSubscriptionAndAStrangeIdOut) {
  Document of_bob = subscription(id);
  of_bob["_id"] = std::string(id) + "-sub-b2";
  Document strange = subscription("../../_users-0000");
  EXPECT_EQ(sync_pairs(options, pairing(), {of_bob, strange}).size(), 1u);
}

TEST(Replications, StayAsTheyAreWhereNothingChanged) {
  const auto wanted = wanted_for({subscription(id)});
  EXPECT_TRUE(changes_to(wanted, as_saved(wanted)).save.empty());
}

TEST(Replications, ThatAreNotWantedEndAndStrangeOnesAreLeftAlone) {
  auto there = as_saved(wanted_for({subscription(id)}));
  there.push_back({{"_id", "a-replication-of-mine"}, {"_rev", "1-a"}});
  there.push_back({{"_id", "channels-mine-push"}, {"_rev", "1-a"}});
  const auto changes = changes_to(wanted_for({}), there);
  EXPECT_EQ(changes.made, 0);
  ASSERT_EQ(changes.ended, 2);
  for (const Document& doc : changes.save)
    EXPECT_TRUE(is_deleted(doc) && is_replication_id(doc_id(doc)));
}

TEST(Replications, ThatSomebodyChangedArePutRight) {
  const auto wanted = wanted_for({});
  auto there = as_saved(wanted);
  there[0]["source"].as_object()["url"] = "https://evil.example/";
  const auto changes = changes_to(wanted, there);
  ASSERT_EQ(changes.save.size(), 1u);
  EXPECT_EQ(doc_rev(changes.save[0]), "1-a");
  EXPECT_EQ(changes.save[0].at("source"), wanted[0].at("source"));
}

TEST(Replications, AreNamedByDeviceDatabaseAndDirection) {
  std::set<std::string> ids;
  for (const Document& doc : wanted_for({subscription(id)})) ids.insert(doc_id(doc));
  EXPECT_EQ(ids.size(), 4u);
  EXPECT_TRUE(std::all_of(ids.begin(), ids.end(), is_replication_id));
  Document other = pairing();
  other["device"] = "d2";
  const SyncPair control = sync_pairs(options, pairing(), {})[0];
  EXPECT_NE(replication_id(pairing(), control, Direction::push),
            replication_id(other, control, Direction::push));
}

}  // namespace
}  // namespace channels
