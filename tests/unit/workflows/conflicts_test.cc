// Conflicts in control databases: which leaf decides what, and what is kept of the others.
// tests/e2e/conflicts.test.mjs sees them from devices.
#include "workflows/conflicts.h"

#include <gtest/gtest.h>

#include "unit/support/cases.h"
#include "workflows/extent.h"

namespace channels {
namespace {

const std::string device_id(64, 'a');

Document leaf(std::string_view type, std::string_view rev, std::string_view state,
              const json::object& more = {}) {
  const std::string id = type == "device" ? device_id : "0123456789abcdef0123";
  Document doc{{"_id", id}, {"_rev", rev}, {"type", type}, {"state", state}};
  for (const auto& [key, value] : more) doc[key] = value;
  return doc;
}

Document device(std::string_view rev, std::string_view state, const json::object& more = {}) {
  return leaf("device", rev, state, more);
}
Document channel(std::string_view rev, std::string_view state, const json::object& more = {}) {
  return leaf("channel", rev, state, more);
}
Document subscription(std::string_view rev, std::string_view state, const json::object& more = {}) {
  return leaf("subscription", rev, state, more);
}

Document resolved(const std::vector<Document>& leaves) {
  const auto result = resolve_control_conflict(leaves);
  EXPECT_TRUE(result.has_value());
  return result.value_or(Document{});
}

json::value overruled(const Document& doc) {
  const json::value* list = doc.if_contains("overruled");
  return list == nullptr ? json::value(nullptr) : *list;
}

// --- devices ---

TEST(DeviceConflict, IsSavedOnTheWinner) {
  const Document doc = resolved(
      {device("2-f", "active", {{"name", "B"}}), device("3-a", "active", {{"name", "A"}})});
  EXPECT_EQ(doc_id(doc), device_id);
  EXPECT_EQ(doc_rev(doc), "3-a");
  EXPECT_EQ(string_or(doc, "name", ""), "A");
}

TEST(DeviceConflict, CountsGenerationsAsNumbers) {
  EXPECT_EQ(doc_rev(resolved({device("9-f", "active"), device("10-a", "active")})), "10-a");
}

TEST(DeviceConflict, KeepsTheOverruledName) {
  const Document doc = resolved({device("3-b", "active", {{"name", "Kitchen"}}),
                                 device("3-c", "active", {{"name", "Attic"}})});
  EXPECT_EQ(string_or(doc, "name", ""), "Attic");
  EXPECT_EQ(overruled(doc), json::parse(R"([{"rev": "3-b", "name": "Kitchen"}])"));
}

TEST(DeviceConflict, SaysNothingOfLeavesThatAgree) {
  const Document doc = resolved({device("3-b", "active", {{"name", "x"}, {"user", "1"}}),
                                 device("3-c", "active", {{"name", "x"}, {"user", "2"}})});
  EXPECT_FALSE(doc.contains("overruled"));
  EXPECT_EQ(string_or(doc, "user", ""), "2");
}

TEST(DeviceConflict, LetsARevocationInAnyLeafWin) {
  for (const char* state : {"revoke", "revoked"}) {
    const Document revoking = device("2-a", state, {{"name", "old"}});
    const Document doc = resolved({device("9-f", "active", {{"name", "new"}}), revoking});
    EXPECT_EQ(doc_state(doc), state);
    EXPECT_EQ(string_or(doc, "name", ""), "new");
    EXPECT_FALSE(is_true(doc, "wipe"));
    EXPECT_EQ(overruled(doc), json::parse(R"([{"rev": "2-a", "name": "old"}])"));
  }
}

TEST(DeviceConflict, HasARevocationCarriedOutToTheEnd) {
  EXPECT_EQ(doc_state(resolved({device("3-b", "revoked"), device("3-a", "revoke")})), "revoke");
  EXPECT_EQ(doc_state(resolved({device("3-b", "revoke"), device("3-a", "revoked")})), "revoke");
}

TEST(DeviceConflict, WipesIfAnyRevocationSaysSo) {
  const auto wipe = [](const std::vector<Document>& leaves) {
    return is_true(resolved(leaves), "wipe");
  };
  EXPECT_TRUE(wipe({device("3-c", "active"), device("3-b", "revoke"),
                    device("3-a", "revoke", {{"wipe", true}})}));
  EXPECT_TRUE(wipe(
      {device("3-c", "revoke", {{"wipe", false}}), device("3-b", "revoked", {{"wipe", true}})}));
  EXPECT_FALSE(wipe({device("3-c", "active", {{"wipe", true}}), device("3-b", "revoke")}));
  EXPECT_FALSE(wipe({device("3-c", "revoke"), device("3-b", "revoke", {{"wipe", "true"}})}));
}

TEST(DeviceConflict, IsNotHiddenByALeafOfAnotherType) {
  Document hiding = device("99-f", "any", {{"name", "mine"}});
  hiding["type"] = "note";
  const Document doc = resolved({hiding, device("3-a", "revoke", {{"name", "stolen"}})});
  EXPECT_EQ(doc_type(doc), "device");
  EXPECT_EQ(doc_state(doc), "revoke");
}

// --- channels ---

TEST(ChannelConflict, GoesOnWhereTheFurthestLeafIs) {
  const Document ready =
      channel("2-a", "ready", {{"database", "d"}, {"syncpoint", "s"}, {"name", "n"}});
  const Document fresh =
      channel("3-b", "new", {{"name", "n"}, {"error", json::object{{"error", "x"}}}});
  const Document failed =
      channel("4-c", "error",
              {{"name", "n"}, {"channel", "other"}, {"error", json::object{{"error", "y"}}}});
  const Document doc = resolved({failed, fresh, ready});
  EXPECT_EQ(doc_rev(doc), "4-c");
  EXPECT_EQ(doc_state(doc), "ready");
  EXPECT_EQ(string_or(doc, "database", ""), "d");
  EXPECT_EQ(string_or(doc, "syncpoint", ""), "s");
  EXPECT_FALSE(doc.contains("error"));
  EXPECT_FALSE(doc.contains("channel"));
  EXPECT_FALSE(doc.contains("overruled"));
  EXPECT_EQ(doc_state(resolved({failed, fresh})), "new");
}

TEST(ChannelConflict, IsAnErrorOnlyIfAllAre) {
  const Document first = channel("2-a", "error", {{"error", json::object{{"error", "x"}}}});
  const Document second = channel("2-b", "error", {{"error", json::object{{"error", "y"}}}});
  const Document doc = resolved({first, second});
  EXPECT_EQ(doc_state(doc), "error");
  EXPECT_EQ(doc.at("error").at("error"), "y");
  EXPECT_EQ(doc_state(resolved({second, channel("1-a", "whatever")})), "whatever");
}

TEST(ChannelConflict, TakesTheDatabaseFromALeafThatHasIt) {
  const Document doc =
      resolved({channel("3-b", "ready", {{"database", json::array{}}}),
                channel("3-a", "new", {{"database", "d"}, {"owner", "alice@example.com"}})});
  EXPECT_EQ(string_or(doc, "database", ""), "d");
  EXPECT_EQ(string_or(doc, "owner", ""), "alice@example.com");
}

TEST(ChannelConflict, UnitesTheAppsMembersTheWinnerFirst) {
  const Document doc =
      resolved({channel("3-b", "ready", {{"name", "n"}, {"color", "red"}, {"x", 1}}),
                channel("3-a", "ready", {{"name", "n"}, {"color", "blue"}, {"y", json::array{2}}}),
                channel("2-f", "ready", {{"name", "m"}, {"color", nullptr}, {"y", 3}})});
  EXPECT_EQ(string_or(doc, "color", ""), "red");
  EXPECT_EQ(doc.at("x"), 1);
  EXPECT_EQ(doc.at("y"), json::array{2});
  EXPECT_EQ(
      overruled(doc),
      json::parse(
          R"([{"rev": "3-a", "color": "blue"}, {"rev": "2-f", "name": "m", "color": null, "y": 3}])"));
}

// --- subscriptions ---

TEST(SubscriptionConflict, KeepsTheWinnersChoiceAndTellsOfTheOther) {
  const Document doc = resolved({subscription("3-a", "stopped"), subscription("3-b", "paused")});
  EXPECT_EQ(doc_state(doc), "paused");
  EXPECT_EQ(overruled(doc), json::parse(R"([{"rev": "3-a", "state": "stopped"}])"));
}

TEST(SubscriptionConflict, PrefersAChoiceToAnError) {
  const Document failed =
      subscription("3-b", "error", {{"error", json::object{{"error", "no_member"}}}});
  const Document doc = resolved({failed, subscription("3-a", "active", {{"syncpoint", "s"}})});
  EXPECT_EQ(doc_state(doc), "active");
  EXPECT_EQ(string_or(doc, "syncpoint", ""), "s");
  EXPECT_FALSE(doc.contains("error"));
  EXPECT_FALSE(doc.contains("overruled"));
  EXPECT_EQ(doc_state(resolved({failed, subscription("2-a", "error")})), "error");
}

// --- invitations and members ---

TEST(InvitationConflict, AnEndWinsOverAWishAndAWishOverWaiting) {
  const auto state_of = [](std::string_view winner, std::string_view other) {
    return doc_state(resolved({leaf("invitation", "3-b", winner), leaf("invitation", "3-a", other)}));
  };
  EXPECT_EQ(state_of("accept", "withdrawn"), "withdrawn");
  EXPECT_EQ(state_of("received", "decline"), "decline");
  EXPECT_EQ(state_of("sent", "withdraw"), "withdraw");
  EXPECT_EQ(state_of("error", "new"), "new");
  EXPECT_EQ(state_of("accept", "decline"), "accept") << "of two wishes CouchDB's winner";
}

TEST(InvitationConflict, ShowsTheWishThatWasNotTaken) {
  const Document doc = resolved({leaf("invitation", "3-b", "accept"), leaf("invitation", "3-a", "decline")});
  EXPECT_EQ(overruled(doc), (json::array{{{"rev", "3-a"}, {"state", "decline"}}}));
}

TEST(MemberConflict, KeepsOneWishWhole) {
  const Document doc = resolved({leaf("member", "3-b", "error", {{"channel", "x"}, {"user", "bob"}, {"access", "reader"}}),
                                 leaf("member", "3-a", "remove", {{"channel", "y"}, {"user", "carol"}})});
  EXPECT_EQ(doc_state(doc), "remove");
  EXPECT_EQ(string_or(doc, "channel", ""), "y");
  EXPECT_EQ(string_or(doc, "user", ""), "carol");
  EXPECT_FALSE(doc.contains("access"));
}

TEST(LinkConflict, KeepsOneLinkWholeAndItsEnd) {
  const Document doc = resolved({leaf("link", "3-b", "open", {{"channel", "x"}, {"code", "1"}, {"uses", 5}}),
                                 leaf("link", "3-a", "close", {{"channel", "y"}, {"code", "2"}})});
  EXPECT_EQ(doc_state(doc), "close");
  EXPECT_EQ(string_or(doc, "channel", ""), "y");
  EXPECT_EQ(string_or(doc, "code", ""), "2");
  EXPECT_FALSE(doc.contains("uses"));
  EXPECT_EQ(doc_state(resolved({leaf("link", "3-b", "close"), leaf("link", "3-a", "used")})), "used");
}

TEST(JoinConflict, KeepsWhatWasDone) {
  const Document doc = resolved({leaf("join", "3-b", "new", {{"channel", "x"}, {"code", "1"}}),
                                 leaf("join", "3-a", "joined", {{"channel", "y"}})});
  EXPECT_EQ(doc_state(doc), "joined");
  EXPECT_EQ(string_or(doc, "channel", ""), "y");
  EXPECT_FALSE(doc.contains("code"));
}

TEST(ChannelConflict, TakesTheAccessWithTheStateThatItBelongsTo) {
  const Document doc = resolved({channel("4-b", "new", {{"access", "owner"}}), channel("3-a", "removed", {{"left", true}})});
  EXPECT_EQ(doc_state(doc), "removed");
  EXPECT_TRUE(is_true(doc, "left"));
  EXPECT_FALSE(doc.contains("access"));
}

TEST(ChannelConflict, KeepsThatANameCameTooLateBesideAnotherWishToDelete) {
  const json::object late{{"error", "deleted"}, {"reason", "This channel is deleted. The name \"Attic\" was not taken."}};
  const Document told = channel("5-a", "deleted", {{"error", late}});
  EXPECT_EQ(resolved({told, channel("3-b", "delete")}).at("error"), json::value(late));
  EXPECT_FALSE(resolved({told, channel("6-b", "undelete")}).contains("error"));
}

// --- what is left alone ---

TEST(Conflict, OfOtherDocumentsIsLeftAlone) {
  for (const char* type : {"doorbell", "note", ""})
    EXPECT_FALSE(resolve_control_conflict({leaf(type, "2-a", "x"), leaf(type, "2-b", "y")}))
        << type;
  EXPECT_FALSE(resolve_control_conflict({channel("2-a", "ready"), leaf("note", "2-b", "y")}));
  EXPECT_FALSE(resolve_control_conflict({leaf("note", "2-a", "y"), channel("2-b", "ready")}));
  EXPECT_FALSE(resolve_control_conflict(
      {{{"_id", "x"}, {"_rev", "1-a"}}, {{"_id", "x"}, {"_rev", "1-b"}, {"type", 1}}}));
}

TEST(Conflict, OfOneLeafIsNone) {
  EXPECT_FALSE(resolve_control_conflict({}));
  EXPECT_FALSE(resolve_control_conflict({channel("2-a", "ready")}));
}

TEST(Conflict, ThatWouldMakeTooLargeADocumentIsLeftAlone) {
  const std::string notes(27900, 'x');
  EXPECT_FALSE(resolve_control_conflict(
      {channel("3-b", "ready", {{"notes", notes}, {"name", "a"}}),
       channel("3-a", "ready", {{"notes", "short"}, {"name", std::string(200, 'b')}})}));
  // One that was so large before, and becomes no larger, may stay so.
  const std::string more(50000, 'x');
  const Document large = channel("3-b", "ready", {{"notes", more}});
  EXPECT_TRUE(same_content(resolved({large, channel("3-a", "ready", {{"notes", more}})}), large));
}

// --- overruled ---

TEST(Overruled, KeepsEarlierEntriesOnceEachTheNewestFirst) {
  const auto entries = [](const char* text) {
    return json::object{{"name", "n"}, {"overruled", json::parse(text)}};
  };
  const Document doc =
      resolved({channel("5-b", "ready",
                        entries(R"([{"rev": "4-a", "name": "x"}, {"rev": "10-c", "color": 1}])")),
                channel("5-a", "ready",
                        entries(R"([{"rev": "4-a", "name": "x"}, {"rev": "2-e", "name": "z"}])"))});
  EXPECT_EQ(
      overruled(doc),
      json::parse(
          R"([{"rev": "10-c", "color": 1}, {"rev": "4-a", "name": "x"}, {"rev": "2-e", "name": "z"}])"));
}

TEST(Overruled, IsKeptWhenTheLoserIsDeletedLater) {
  const Document loser = channel("3-a", "ready", {{"name", "lost"}});
  Document saved = resolved({channel("3-b", "ready", {{"name", "kept"}}), loser});
  saved["_rev"] = "4-c";
  saved["name"] = "lost";  // the person has taken it after all
  const Document doc = resolved({saved, loser});
  EXPECT_TRUE(same_content(doc, saved));
}

TEST(Overruled, HasAtMostTenEntriesAndSaysThatThereWereMore) {
  std::vector<Document> leaves;
  for (int i = 10; i < 25; ++i)
    leaves.push_back(
        channel("3-" + std::to_string(i), "ready", {{"name", "n" + std::to_string(i)}}));
  const json::array list = overruled(resolved(leaves)).as_array();
  ASSERT_EQ(list.size(), 11U);
  EXPECT_EQ(list.front(), json::parse(R"({"rev": "3-23", "name": "n23"})"));
  EXPECT_EQ(list[9], json::parse(R"({"rev": "3-14", "name": "n14"})"));
  EXPECT_EQ(list.back(), json::parse(R"({"more": true})"));
}

TEST(Overruled, NamesWhatDoesNotFit) {
  const Document doc = resolved(
      {channel("3-b", "ready", {{"notes", ""}, {"tree", 1}, {"rev", 1}}),
       channel(
           "3-a", "ready",
           {{"notes", std::string(5000, 'x')}, {"tree", nested(18)}, {"rev", 2}, {"name", "n"}})});
  EXPECT_EQ(overruled(doc),
            json::parse(R"([{"rev": "3-a", "left_out": ["notes", "tree", "rev"]}])"));
  EXPECT_EQ(string_or(doc, "name", ""), "n");
}

TEST(Overruled, NamesSomeOfVeryManyMembers) {
  json::object many;
  for (int i = 0; i < 3000; ++i) many["member" + std::to_string(i)] = nullptr;
  json::object others = many;
  for (auto& [key, value] : others) value = "x";
  const Document doc = resolved({channel("3-b", "ready", {{"m", 1}, {std::string(200, 'k'), 1}}),
                                 channel("3-a", "ready", many), channel("2-a", "ready", others)});
  EXPECT_LE(extent_of(doc.at("overruled")).characters, 8100U);
  for (const json::value& entry : doc.at("overruled").as_array()) {
    if (!entry.as_object().contains("rev")) continue;
    EXPECT_EQ(entry.at("left_out").as_array().size(), 21U);
    EXPECT_EQ(entry.at("left_out").as_array().back(), "*");
  }
}

TEST(Overruled, GivesUpWhatIsNoEntry) {
  for (const char* forged : {"1", "{}", "[[], 1, null, {}, {\"rev\": 1, \"name\": \"x\"}]",
                             "[{\"rev\": \"1-a\"}]", "\"x\""}) {
    const Document doc = resolved(
        {channel("3-b", "ready", {{"overruled", json::parse(forged)}}), channel("3-a", "ready")});
    EXPECT_FALSE(doc.contains("overruled")) << forged;
  }
}

TEST(Overruled, IsNotPushedOutByALongRev) {
  const json::array forged{{{"rev", "9-" + std::string(9000, 'f')}, {"name", "x"}}};
  const Document doc = resolved({channel("3-b", "ready", {{"name", "b"}, {"overruled", forged}}),
                                 channel("3-a", "ready", {{"name", "a"}})});
  EXPECT_EQ(overruled(doc), json::parse(R"([{"rev": "3-a", "name": "a"}, {"more": true}])"));
}

// --- strange members ---

TEST(Conflict, TakesAMemberInItsRightFormBeforeAStrangeOne) {
  const Document doc = resolved({channel("3-b", "ready", {{"name", json::array{"x"}}}),
                                 channel("3-a", "ready", {{"name", "n"}})});
  EXPECT_EQ(string_or(doc, "name", ""), "n");
  EXPECT_EQ(overruled(doc), json::parse(R"([{"rev": "3-b", "name": ["x"]}])"));
}

TEST(Conflict, TakesOverNoMemberThatValidationWouldRefuse) {
  const json::object strange{{"name", std::string(201, 'x')},
                             {"to", 5},
                             {"access", json::array{}},
                             {"deep", nested(20)},
                             {"_attachments", json::object{{"a", 1}}}};
  const Document doc = resolved({device("3-b", "active"), device("3-a", "active", strange)});
  for (const auto& [key, value] : strange) EXPECT_FALSE(doc.contains(key)) << key;
  EXPECT_EQ(string_or(resolved({device("3-b", "active"), device("3-a", "active", {{"name", "n"}})}),
                      "name", ""),
            "n");
  // 200 characters as JavaScript counts them, in 600 bytes.
  std::string euros;
  for (int i = 0; i < 200; ++i) euros += "€";
  EXPECT_EQ(
      string_or(resolved({device("3-b", "active"), device("3-a", "active", {{"name", euros}})}),
                "name", ""),
      euros);
}

TEST(Conflict, SurvivesVeryDeepMembers) {
  const Document doc = resolved({channel("3-b", "ready", {{"name", nested(990)}}),
                                 channel("3-a", "ready", {{"x", nested(990)}})});
  EXPECT_FALSE(doc.contains("x"));
}

}  // namespace
}  // namespace channels
