// Claims of names, with another run in between at the worst moment: a name that a channel has is that channel's.
#include "workflows/channel_claims.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/errors.h"
#include "unit/support/workflow_test.h"
#include "workflows/channel_ends.h"

namespace channels {
namespace {

// A user u with channels.
class ChannelClaimsTest : public WorkflowTest {
 protected:
  void SetUp() override {
    for (const char* id : {"x", "y"}) {
      couch_.databases["channel-" + std::string(id)].before = [](const HttpRequest&) {
        throw Unavailable("what follows a change of the record is not looked at here");
      };
    }
  }
  FakeCouch& registry() { return couch_.databases["registry"]; }
  Document record(const std::string& id) { return registry().docs.at("channel-" + id); }
  void has_channel(const std::string& id, const std::string& state, const std::string& name = "Fun") {
    registry().docs["channel-" + id] = {{"_id", "channel-" + id},
                                        {"_rev", "1-" + id},
                                        {"type", "channel"},
                                        {"state", state},
                                        {"user", "u"},
                                        {"name", name},
                                        {"members", {{"u", {{"access", "owner"}, {"since", "2024-05-01T12:00:00Z"}}}}},
                                        {"until", "2024-06-01T12:00:00Z"}};
  }
  static ChannelWish wish(const std::string& id, const std::string& name = "Fun") { return {id, name, "u"}; }
  // Whose the name is; "" for nobody's.
  std::string holder(const std::string& name = "Fun") {
    for (const auto& [id, doc] : registry().docs) {
      if (id.starts_with("channelname-") && id == claim_ids_[name]) return string_or(doc, "channel", "");
    }
    return "";
  }
  std::string claim(const std::string& id, const std::string& name = "Fun") {
    const std::string first = claim_channel_name(services_, wish(id, name));
    for (const auto& [doc_id, doc] : registry().docs) {
      if (doc_id.starts_with("channelname-") && string_or(doc, "channel", "") == first && !is_known(doc_id)) claim_ids_[name] = doc_id;
    }
    return first;
  }
  // Gives its fault.
  std::string end(const std::string& id, const std::string& kind) {
    try {
      const EndResult result = carry_out_end(services_, record(id), {kind, "u", kind + " of " + id});
      return result.fault ? result.fault->error : "";
    } catch (const Unavailable&) {
      return "";
    }
  }
  // Once, right before a document of the registry is saved that has this in it.
  void before_save_of(std::string text, std::function<void()> act) {
    registry().before = [this, text = std::move(text), act = std::move(act)](const HttpRequest& request) {
      if (request.body.find(text) == std::string::npos || request.body.find("\"docs\"") == std::string::npos) return;
      const auto once = act;  // what follows ends this function
      registry().before = nullptr;
      once();
    };
  }


 private:
  bool is_known(const std::string& doc_id) const {
    return std::any_of(claim_ids_.begin(), claim_ids_.end(), [&](const auto& known) { return known.second == doc_id; });
  }
  std::map<std::string, std::string> claim_ids_;  // by name
};

TEST_F(ChannelClaimsTest, ADeletedChannelsNameIsFree) {
  has_channel("x", "ready");
  ASSERT_EQ(claim("x"), "x");
  EXPECT_EQ(end("x", "delete"), "");
  EXPECT_EQ(holder(), "");
  has_channel("y", "claimed");
  EXPECT_EQ(claim("y"), "y");
  EXPECT_EQ(end("x", "undelete"), "duplicate");
  EXPECT_EQ(doc_state(record("x")), "deleted");
}

TEST_F(ChannelClaimsTest, ALateReleaseLeavesTheNameToAChannelThatCameBack) {
  has_channel("x", "ready");
  ASSERT_EQ(claim("x"), "x");
  before_save_of("\"_deleted\":true", [&] { EXPECT_EQ(end("x", "undelete"), ""); });
  EXPECT_EQ(end("x", "delete"), "");
  EXPECT_EQ(doc_state(record("x")), "ready");
  EXPECT_EQ(holder(), "x");
}

TEST_F(ChannelClaimsTest, AChannelThatComesBackClaimsItsNameAgainIfItIsReleasedMeanwhile) {
  has_channel("x", "deleted");
  ASSERT_EQ(claim("x"), "x");
  before_save_of("\"state\":\"ready\"", [&] { release_channel_name(services_, wish("x")); });
  EXPECT_EQ(end("x", "undelete"), "");
  EXPECT_EQ(doc_state(record("x")), "ready");
  EXPECT_EQ(holder(), "x");
}

TEST_F(ChannelClaimsTest, AChannelDoesNotComeBackWhoseNameIsTakenMeanwhile) {
  has_channel("x", "deleted");
  ASSERT_EQ(claim("x"), "x");
  has_channel("y", "claimed");
  before_save_of("\"state\":\"ready\"", [&] {
    release_channel_name(services_, wish("x"));
    EXPECT_EQ(claim_channel_name(services_, wish("y")), "y");
  });
  EXPECT_EQ(end("x", "undelete"), "duplicate");
  EXPECT_EQ(doc_state(record("x")), "deleted");
  EXPECT_EQ(holder(), "y");
}

// Its channel is deleted, and whoever deleted it has not come to the name yet.
TEST_F(ChannelClaimsTest, ALeftOverClaimGoesToWhoWantsTheName) {
  has_channel("x", "ready");
  ASSERT_EQ(claim("x"), "x");
  has_channel("y", "claimed");
  EXPECT_EQ(claim("y"), "x") << "it is not left over";
  has_channel("x", "deleted");
  EXPECT_EQ(claim("y"), "y");
  EXPECT_EQ(holder(), "y");
}

// Of a rename that was wished otherwise before it was carried out.
TEST_F(ChannelClaimsTest, AClaimOfANameThatItsChannelDoesNotHaveGoesToWhoWantsIt) {
  has_channel("x", "ready");
  ASSERT_EQ(claim("x", "Funny"), "x");
  has_channel("y", "claimed", "Funny");
  EXPECT_EQ(claim("y", "Funny"), "y");
}

}  // namespace
}  // namespace channels
