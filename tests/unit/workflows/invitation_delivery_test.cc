// How an invitation comes to somebody whose first device became active in the same moment.
#include <gtest/gtest.h>

#include "unit/support/workflow_test.h"
#include "workflows/invitation.h"
#include "workflows/invitation_documents.h"
#include "workflows/mail_slots.h"

namespace channels {
namespace {

// Alice has invited Bob, who became a user right after that.
class InvitationDeliveryTest : public WorkflowTest {
 protected:
  void SetUp() override {
    registry().docs[id_] = {{"_id", id_}, {"_rev", "1-a"}, {"type", "invitation"}, {"state", "sent"}, {"user", "alice"}, {"document", "to-bob"},
                            {"channel", "0123456789abcdef"}, {"access", "writer"}, {"address", "digest"}, {"name", "Fun"},
                            {"sent", format_time(env_.wall_now())}, {"expires", format_time(env_.wall_now() + seconds(14 * 86400))}};
    Document& address = registry().docs[address_record_id("digest")];
    address = {{"_id", address_record_id("digest")}, {"_rev", "1-b"}, {"type", "address"}, {"user", "bob"}};
    ASSERT_TRUE(take_place(address, "invitations", id_, 50, env_.wall_now()));
    // Answered by a copy that has not heard of the invitation yet.
    registry().views["invitations_by_address"] = [](const json::object&) { return json::array{}; };
  }
  FakeCouch& registry() { return couch_.databases["registry"]; }
  bool has_bob_it() { return couch_.databases["control-bob"].docs.contains(id_); }
  Outcome look_at_alices() {
    Document& doc = couch_.databases["control-alice"].docs["to-bob"];
    doc = inviters_copy(registry().docs[id_], {{"_id", "to-bob"}, {"_rev", "2-c"}, {"type", "invitation"}, {"to", "bob@example.com"}});
    channels::Run run{env_, log_, Database(server_, "control-alice"), 1, "", MonoTime::max(), false};
    return settle_invitation(services_, run, doc);
  }

  const std::string id_ = invitation_id("alice", "to-bob");
};

TEST_F(InvitationDeliveryTest, WhatWasSentWithinTheHourNeedsNoView) {
  deliver_invitations(services_, "digest");
  EXPECT_TRUE(has_bob_it());
}

TEST_F(InvitationDeliveryTest, WhatIsNotSentYetWaitsForItsMail) {
  registry().docs[id_]["state"] = "new";
  deliver_invitations(services_, "digest");
  EXPECT_FALSE(has_bob_it());
}

TEST_F(InvitationDeliveryTest, WhatAViewDidNotTellIsFoundByTheInvitersDocumentWithinADay) {
  const Outcome outcome = look_at_alices();
  EXPECT_TRUE(has_bob_it());
  EXPECT_EQ(std::get<Later>(outcome).due, env_.wall_now() + seconds(86400));
  registry().docs[id_]["expires"] = format_time(env_.wall_now() + seconds(60));
  EXPECT_EQ(std::get<Later>(look_at_alices()).due, *parse_time(format_time(env_.wall_now() + seconds(60))));
}

}  // namespace
}  // namespace channels
