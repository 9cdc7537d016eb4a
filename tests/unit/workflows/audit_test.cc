// Entries of the audit, and their way from the record that holds one to a document of its own.
#include "workflows/audit.h"

#include <gmock/gmock.h>

#include "unit/support/fake_couch.h"
#include "unit/support/fake_env.h"
#include "workflows/members.h"
#include "workflows/registry.h"

namespace channels {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

const WallTime moment = std::chrono::system_clock::from_time_t(1714567152) + milliseconds(7);

TEST(Audit, AnEntryHasItsTimeInItsIdAndSaysWhatItIsAbout) {
  const Document entry = audit_entry({"channel made", "alice", {{"channel", "fun"}, {"device", ""}}}, moment);
  EXPECT_THAT(doc_id(entry), StartsWith("audit-2024-05-01T12:39:12.007Z-"));
  Document content = entry;
  content.erase("_id");
  EXPECT_EQ(content, (Document{{"type", "audit"}, {"at", "2024-05-01T12:39:12.007Z"}, {"what", "channel made"}, {"by", "alice"}, {"channel", "fun"}}));
}

TEST(Audit, AnEntryThatWasChangedShowsIt) {
  Document entry = audit_entry({"member removed", "alice", {{"channel", "fun"}, {"user", "bob"}, {"wipe", true}}}, moment);
  entry["_rev"] = "1-a";
  const Document other_order{{"user", "bob"},   {"wipe", true}, {"channel", "fun"}, {"by", "alice"}, {"what", "member removed"},
                             {"type", "audit"}, {"_id", entry.at("_id")}, {"at", entry.at("at")}};
  EXPECT_TRUE(is_as_written(other_order));
  for (const auto& [key, value] : entry) {
    if (key == "_rev") continue;
    Document changed = entry;
    changed[key] = "carol";
    EXPECT_FALSE(is_as_written(changed)) << key;
  }
  entry["more"] = 1;
  EXPECT_FALSE(is_as_written(entry));
}

TEST(Audit, IsNotedOnceForAChangeOfARecordAndAgainForTheNext) {
  Document record{{"_id", "channel-fun"}, {"_rev", "4-a"}};
  const Deed deed{"channel renamed", "alice", {{"channel", "fun"}}};
  note_audit(record, deed, moment);
  note_audit(record, deed, moment);
  EXPECT_THAT(noted_audits(record), SizeIs(1));
  record["_rev"] = "5-b";
  note_audit(record, deed, moment);
  EXPECT_THAT(noted_audits(record), SizeIs(2)) << "the same within one millisecond";
}

TEST(Audit, OfASpoiledRecordIsNoEntry) {
  for (const char* spoiled : {"1", "[1, {}, {\"_id\": \"channel-fun\"}]", "{\"_id\": \"audit-x\"}"}) {
    Document record{{"_id", "channel-fun"}, {"audit", json::parse(spoiled)}};
    EXPECT_THAT(noted_audits(record), IsEmpty()) << spoiled;
    note_audit(record, {"channel renamed", "alice", {}}, moment);
    EXPECT_THAT(noted_audits(record), SizeIs(1)) << spoiled;
  }
}

std::vector<std::string> told(const Document& record) {
  std::vector<std::string> lines;
  for (const Document& entry : noted_audits(record))
    lines.push_back(string_or(entry, "what", "") + " by " + string_or(entry, "by", "") + ": " + string_or(entry, "user", "") + " " + string_or(entry, "access", "-"));
  return lines;
}

TEST(Audit, TellsOfEachChangeOfMembersOnce) {
  Document record{{"_id", "channel-fun"}, {"type", "channel"}, {"state", "ready"}, {"user", "alice"}};
  const std::string invitation = "invitation-" + std::string(64, 'a');
  change_members(record, {{"bob", "reader", invitation, false, false, "bob"}}, moment);
  EXPECT_EQ(string_or(noted_audits(record).front(), "invitation", ""), invitation);
  EXPECT_EQ(string_or(noted_audits(record).front(), "channel", ""), "fun");
  change_members(record, {{"bob", "reader", invitation, false, false, "bob"}}, moment);
  change_members(record, {{"bob", "writer", "c1", false, false, "alice"}}, moment);
  change_members(record, {{"bob", "owner", "h1", false, false, "alice", "member handed over"}, {"alice", "writer", "h1", false, false, "alice"}}, moment);
  change_members(record, {{"alice", "none", "l1", true, false, "alice"}}, moment);
  change_members(record, {{"alice", "writer", "g1"}}, moment);
  change_members(record, {{"alice", "none", "r1", false, true, "bob"}}, moment);
  EXPECT_THAT(told(record), ElementsAre("member added by bob: bob reader", "member access by alice: bob writer", "member handed over by alice: bob owner",
                                        "member access by alice: alice writer", "member left by alice: alice -", "member added by daemon: alice writer",
                                        "member removed by bob: alice -"));
  EXPECT_TRUE(is_true(noted_audits(record).back(), "wipe"));
}

// --- on its way --------------------------------------------------------------------------------

class AuditedRegistry : public testing::Test {
 protected:
  std::function<bool(Document&)> made() {
    return [this](Document& record) {
      if (record.contains("made")) return false;
      record["made"] = true;
      note_audit(record, {"channel made", "alice", {{"channel", "fun"}}}, env_.wall_now());
      return true;
    };
  }
  bool touch(const std::string& id) {
    return registry_.update(id, [](Document& record) { return record["touched"] = true, true; }).contains("audit");
  }
  // As the engine does it, once a second.
  void write_behind() {
    std::vector<std::string> there;
    const auto taken = registry_.audits().take();
    for (const Saved& saved : Database(server_, "registry").save_all(taken)) there.push_back(saved.id);
    registry_.audits().written(there);
  }
  std::vector<std::string> entries() {
    std::vector<std::string> ids;
    for (const auto& [id, doc] : couch_.docs) {
      if (id.starts_with("audit-")) ids.push_back(id);
    }
    return ids;
  }

  FakeEnv env_;
  FakeCouch couch_;
  NoCredentials nobody_;
  Server server_{couch_, nobody_, "http://couch"};
  Registry registry_{env_, Database(server_, "registry")};
};

TEST_F(AuditedRegistry, AnEntryIsSavedWithItsChangeAndWrittenWithoutARequestOfItsOwn) {
  registry_.update("channel-fun", made());
  EXPECT_THAT(noted_audits(couch_.docs.at("channel-fun")), SizeIs(1));
  EXPECT_THAT(couch_.requests, ElementsAre("GET channel-fun", "POST _bulk_docs"));
  write_behind();
  EXPECT_THAT(entries(), SizeIs(1));
  EXPECT_FALSE(touch("channel-fun")) << "who saves the record next takes it out";
  EXPECT_FALSE(couch_.docs.at("channel-fun").contains("audit"));
  EXPECT_THAT(registry_.audits().take(), IsEmpty());
}

TEST_F(AuditedRegistry, AChangeThatLostARaceLeavesNoEntry) {
  couch_.docs["channel-fun"] = {{"_id", "channel-fun"}, {"_rev", "1-a"}};
  const Document known = couch_.docs["channel-fun"];
  couch_.docs["channel-fun"]["_rev"] = "2-b";
  couch_.docs["channel-fun"]["made"] = true;  // by another worker, which has its entry
  registry_.update(known, made());
  EXPECT_THAT(registry_.audits().take(), IsEmpty());
}

TEST_F(AuditedRegistry, WhatAKilledProcessLeftIsWrittenByTheNextRunOnce) {
  registry_.update("channel-fun", made());
  const Document entry = registry_.audits().take().front();
  Registry next(env_, Database(server_, "registry"));
  next.update("channel-fun", made());  // changes nothing, it was made
  const auto left = next.audits().take();
  ASSERT_THAT(left, SizeIs(1));
  EXPECT_EQ(left.front(), entry);
  EXPECT_EQ(next.write_audits(left), 1U);
  EXPECT_EQ(next.write_audits(left), 1U) << "there already is as good";
  EXPECT_THAT(entries(), ElementsAre(doc_id(entry)));
}

TEST_F(AuditedRegistry, ALostAnswerLeavesOneEntry) {
  bool lost = false;
  couch_.after = [&](const HttpRequest& request) {
    if (request.method == "POST" && !std::exchange(lost, true)) throw Unavailable("the answer is lost");
  };
  EXPECT_THROW(registry_.update("channel-fun", made()), Unavailable);
  EXPECT_THAT(registry_.audits().take(), IsEmpty()) << "nobody knows whether it was saved";
  registry_.update("channel-fun", made());
  write_behind();
  EXPECT_THAT(entries(), SizeIs(1));
}

TEST_F(AuditedRegistry, WhatWasPutBackIsGivenAgain) {
  registry_.update("channel-fun", made());
  auto taken = registry_.audits().take();
  EXPECT_THAT(registry_.audits().take(), IsEmpty());
  registry_.audits().put_back(taken);
  EXPECT_EQ(registry_.audits().take(), taken);
}

TEST_F(AuditedRegistry, ARecordDoesNotGrowWhereNobodyTakesTheEntriesAlong) {
  for (int i = 0; i < 120; ++i) {
    registry_.update("channel-fun", [&](Document& record) {
      note_audit(record, {"channel renamed", "alice", {{"channel", "fun"}}}, env_.wall_now());
      return true;
    });
    EXPECT_LE(noted_audits(couch_.docs.at("channel-fun")).size(), 51U);
  }
  write_behind();
  EXPECT_THAT(entries(), SizeIs(120));
}

}  // namespace
}  // namespace channels
