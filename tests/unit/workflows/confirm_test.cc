#include "workflows/confirm.h"

#include <gtest/gtest.h>

#include <functional>

#include "unit/support/workflow_test.h"
#include "workflows/device_documents.h"

namespace channels {
namespace {

// One pending device, and answers about it that come while another is under way.
class ConfirmTest : public WorkflowTest {
 protected:
  ConfirmTest() {
    registry().docs["codes-key"] = {{"_id", "codes-key"}, {"_rev", "1-k"}, {"key", key_}};
    registry().docs["device-" + device_] = {{"_id", "device-" + device_},
                                            {"_rev", "1-d"},
                                            {"type", "device"},
                                            {"state", "confirming"},
                                            {"device_code", device_code_},
                                            {"expires", "2024-05-02T12:00:00Z"}};
  }

  FakeCouch& registry() { return couch_.databases["registry"]; }
  const Document& record() { return registry().docs.at("device-" + device_); }

  // The daemon's answer to a right confirm: "used", or the error's word.
  std::string answer(std::string_view said) { return answer(said, device_code_); }
  std::string answer(std::string_view said, std::string_view device_code) {
    const std::string proof = proof_for(confirm_code(key_, device_, 1), said, device_code);
    const Document doc{{"_id", confirm_id_for(device_, said, proof)},
                       {"_rev", "1-c"},
                       {"type", "confirm"},
                       {"state", "clicked"},
                       {"device", device_},
                       {"answer", said},
                       {"proof", proof}};
    channels::Run run{env_, log_, services_.handshake, 1, "", MonoTime::max(), false};
    const Outcome outcome = use_confirm(services_, proofs_, run, doc);
    const Save* saved = std::get_if<Save>(&outcome);
    if (saved == nullptr) return std::holds_alternative<Later>(outcome) ? "later" : "kept";
    const json::object* error = get_object(saved->doc, "error");
    return error == nullptr ? doc_state(saved->doc) : string_or(*error, "error", "");
  }

  // The device is in `state` now, and was answered `said`, if at all.
  void is(std::string_view state, std::string_view said = "") {
    Document& record = registry().docs.at("device-" + device_);
    record["state"] = state;
    record.erase("answer");
    if (!said.empty()) record["answer"] = said;
  }

  // What `first` and `second` are told, where `second` is answered as a whole just before the
  // `nth` save that `first` makes in the registry.
  std::pair<std::string, std::string> race(std::string_view first, std::string_view second, int nth = 1) {
    std::string told_second = "never came";
    registry().before = [&, saves = 0](const HttpRequest& request) mutable {
      if (!request.url.ends_with("_bulk_docs") || ++saves != nth) return;
      told_second = answer(second);
    };
    const std::string told_first = answer(first);
    registry().before = nullptr;
    return {told_first, told_second};
  }

  const std::string key_ = std::string(64, 'a');
  const std::string device_ = std::string(64, 'd');
  const std::string device_code_ = device_code_candidate(key_, device_, 0);
  SharedProofs proofs_{env_};
};

using Told = std::pair<std::string, std::string>;

TEST_F(ConfirmTest, TakesTheCodeThatTheDeviceShows) {
  registry().docs.at("device-" + device_)["device_code"] = device_code_candidate(key_, device_, 2);
  EXPECT_EQ(answer("yes"), "wrong_proof") << "another device shows that one";
  EXPECT_EQ(answer("yes", device_code_candidate(key_, device_, 2)), "used");
}

TEST_F(ConfirmTest, TellsAWrongCodeWithoutARequest) {
  EXPECT_EQ(answer("yes", device_code_candidate(key_, device_, 1)), "wrong_proof");
  registry().requests.clear();
  for (const char* said : {"yes", "yes, sign out all others"}) EXPECT_EQ(answer(said, "BCDF-GHJK"), "wrong_proof");
  EXPECT_EQ(registry().requests, std::vector<std::string>());
}

TEST_F(ConfirmTest, OfTwoAnswersAtOnceOneCounts) {
  EXPECT_EQ(race(answer_yes, answer_yes_alone), Told("already_answered", "used"));
  EXPECT_EQ(doc_state(record()), "confirmed");
  EXPECT_EQ(string_or(record(), "answer", ""), answer_yes_alone);
}

TEST_F(ConfirmTest, TheSameAnswerTwiceAtOnceIsUsedTwice) {
  EXPECT_EQ(race(answer_yes, answer_yes), Told("used", "used"));
  EXPECT_EQ(doc_state(record()), "confirmed");
}

TEST_F(ConfirmTest, NotMeThatMeetsAYesSignsTheDeviceOut) {
  EXPECT_EQ(race(answer_not_me, answer_yes), Told("used", "used"));
  EXPECT_EQ(doc_state(record()), "revoked");
}

// Should "not me" take more than one save: a yes between any two of them counts no more.
TEST_F(ConfirmTest, YesThatMeetsANotMeConfirmsNothing) {
  EXPECT_EQ(race(answer_yes, answer_not_me), Told("rejected", "used"));
  EXPECT_EQ(doc_state(record()), "rejected");
}

TEST_F(ConfirmTest, NotMeIsNeverOverruledHalfway) {
  race(answer_not_me, answer_yes, 2);
  EXPECT_EQ(string_or(record(), "answer", ""), answer_not_me);
  EXPECT_NE(doc_state(record()), "confirmed");
}

TEST_F(ConfirmTest, MeetsWhatTheDeviceIsByThen) {
  struct Case {
    std::string_view state;
    std::string_view said_before;
    std::string_view answer;
    std::string_view told;
    std::string_view becomes;
  };
  for (const Case& c : {Case{"new", "", answer_yes, "later", "new"},
                        Case{"confirming", "", answer_yes, "used", "confirmed"},
                        Case{"confirming", "", answer_not_me, "used", "rejected"},
                        Case{"confirmed", answer_yes, answer_yes, "used", "confirmed"},
                        Case{"confirmed", answer_yes, answer_yes_alone, "already_answered", "confirmed"},
                        Case{"confirmed", answer_yes, answer_not_me, "used", "revoked"},
                        Case{"active", answer_yes, answer_yes, "used", "active"},
                        Case{"active", answer_yes_alone, answer_yes, "already_answered", "active"},
                        Case{"rejected", answer_not_me, answer_not_me, "used", "rejected"},
                        Case{"rejected", answer_not_me, answer_yes, "rejected", "rejected"},
                        Case{"expired", "", answer_yes, "expired", "expired"},
                        Case{"expired", "", answer_not_me, "expired", "expired"},
                        Case{"revoked", answer_not_me, answer_not_me, "used", "revoked"},
                        Case{"revoked", answer_not_me, answer_yes, "revoked", "revoked"}}) {
    is(c.state, c.said_before);
    EXPECT_EQ(answer(c.answer), c.told) << c.state << ": " << c.answer;
    EXPECT_EQ(doc_state(record()), c.becomes) << c.state << ": " << c.answer;
    registry().docs.at("device-" + device_)["device_code"] = device_code_;
    registry().docs.at("device-" + device_)["expires"] = "2024-05-02T12:00:00Z";
  }
}

TEST_F(ConfirmTest, OfAMailThatIsTooOldIsExpiredAlsoBeforeTheDeviceSaysSo) {
  registry().docs.at("device-" + device_)["expires"] = "2024-05-01T12:39:12Z";
  EXPECT_EQ(answer(answer_yes), "expired");
  EXPECT_EQ(answer(answer_not_me), "expired");
  EXPECT_EQ(doc_state(record()), "confirming");
}

}  // namespace
}  // namespace channels
