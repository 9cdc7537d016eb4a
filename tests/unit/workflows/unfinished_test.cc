// Runs that stopped halfway, and what the next one makes of it.
#include <gtest/gtest.h>

#include "base/errors.h"
#include "unit/support/workflow_test.h"
#include "workflows/control_device.h"
#include "workflows/device_documents.h"
#include "workflows/device_mirror.h"
#include "workflows/device_states.h"
#include "workflows/revocation.h"

namespace channels {
namespace {

// A user with one device.
class UnfinishedTest : public WorkflowTest {
 protected:
  void SetUp() override {
    registry().views["groups_by_user"] = [](const json::object&) { return json::array{}; };
  }
  FakeCouch& registry() { return couch_.databases["registry"]; }
  std::string state_in(const std::string& database) {
    const auto& docs = couch_.databases[database].docs;
    const auto found = docs.find(device_);
    return found == docs.end() ? "missing" : doc_state(found->second);
  }
  Document& has_record(const std::string& state) {
    Document& record = registry().docs["device-" + device_];
    record = {{"_id", "device-" + device_}, {"_rev", "1-d"}, {"type", "device"}, {"state", state}, {"user", "u"}};
    return record;
  }
  Outcome tell(const Document& doc) {
    channels::Run run{env_, log_, services_.handshake, 1, "", MonoTime::max(), false};
    return tell_address(services_, run, doc);
  }

  const std::string device_ = std::string(64, 'd');
};

// Its activation stopped before the control database heard of it, and a repeated confirm put the handshake's copy right:
// no rule for `confirmed` applies any more.
TEST_F(UnfinishedTest, ADeviceThatTheHandshakeShowsActiveGetsItsControlCopy) {
  Document& record = has_record("active");
  record["device_code"] = "BCDF-GHJK";
  registry().docs["code-BCDF-GHJK"] = {{"_id", "code-BCDF-GHJK"}, {"_rev", "1-c"}};
  Document shown = handshake_copy(record, {"control-u", "http://couch/control-u"});
  shown["_rev"] = "4-a";
  tell(shown);
  EXPECT_EQ(state_in("control-u"), "active");
  EXPECT_FALSE(registry().docs.contains("code-BCDF-GHJK"));
}

// "yes, sign out all others" that stopped right after the record of another device said `revoked`.
TEST_F(UnfinishedTest, ARevocationThatStoppedHalfwayIsFinishedByTheNextRun) {
  has_record("revoked")["tell"] = "revoked";
  couch_.databases["handshake"].docs[device_] = {
      {"_id", device_}, {"_rev", "4-a"}, {"type", "device"}, {"state", "active"}};
  registry().views["devices_by_user"] = [&](const json::object& query) -> json::array {
    if (query.at("key") != json::value{"u", "revoked"}) return {};
    return {json::object{{"id", "device-" + device_}}};
  };
  revoke_others(services_, "u", "another");
  EXPECT_EQ(state_in("handshake"), "revoked");
  EXPECT_EQ(state_in("control-u"), "revoked");
}

// A confirm recorded its answer and was slow; meanwhile the device became active, here and there.
TEST_F(UnfinishedTest, ASlowRunNeverTakesACopyBackToAnOlderState) {
  Document& record = has_record("active");
  Document older = record;
  older["state"] = "confirmed";
  couch_.databases["handshake"].docs[device_] = handshake_copy(record, {"control-u", "http://couch/control-u"});
  push_device_copy(services_, older);
  EXPECT_EQ(state_in("handshake"), "active");
  put_control_copy(services_, "u", older);
  EXPECT_EQ(state_in("control-u"), "active");
}

// The user revokes a device in the moment in which its activation puts the copy right.
TEST_F(UnfinishedTest, ACopyThatIsPutRightNeverOverwritesARevoke) {
  const Document record = has_record("active");
  Document asked = control_copy(record, {});
  asked["_rev"] = "2-b";
  asked["state"] = "revoke";
  couch_.databases["control-u"].docs[device_] = asked;
  put_control_copy(services_, "u", record);
  EXPECT_EQ(state_in("control-u"), "revoke");
  has_record("revoked");
  put_control_copy(services_, "u", record);
  EXPECT_EQ(state_in("control-u"), "revoked");
}

// Slow answers have eaten up the run's time: another worker may have the lease by now, and send the same.
TEST_F(UnfinishedTest, ARunWhoseTimeIsOverSendsNoMail) {
  Document& record = has_record("active");
  record["tell"] = "active";
  record["address"] = "digest";
  registry().docs[address_record_id("digest")] = {
      {"_id", address_record_id("digest")}, {"_rev", "1-e"}, {"type", "address"}, {"address", "alice@example.com"}};
  Document shown = handshake_copy(record, {"control-u", "http://couch/control-u"});
  shown["_rev"] = "4-a";
  channels::Run run{env_, log_, services_.handshake, 1, "", env_.mono_now(), false};
  EXPECT_THROW(tell_address(services_, run, shown), Unavailable);  // and NoMailer was not called
}

// A server that restarts right after a mail went out must not have the mail sent again.
TEST_F(UnfinishedTest, WhatFollowsAnActIsTriedAgainUntilTheRunIsOver) {
  has_record("new");
  int away = 3;
  const auto change = [&](Document& record) {
    if (away-- > 0) throw Unavailable("away");
    record["state"] = "confirming";
    return true;
  };
  const Document saved = services_.registry.update_after_act(env_.mono_now() + seconds(20), "device-" + device_, change);
  EXPECT_EQ(doc_state(saved), "confirming");
  away = 1000;
  EXPECT_THROW(services_.registry.update_after_act(env_.mono_now() + seconds(20), "device-" + device_, change), Unavailable);
  EXPECT_GT(away, 900);
}

}  // namespace
}  // namespace channels
