// Conflicts in control databases: which leaf decides what, what is kept of the others, and that
// every worker comes to the same (invariant 8). tests/e2e/conflicts.test.mjs sees them from
// devices.
#include "workflows/conflicts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

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

json::value nested(int levels) {
  json::value value = 1;
  for (int i = 0; i < levels; ++i) value = json::array{value};
  return value;
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

// --- what is left alone ---

TEST(Conflict, OfOtherDocumentsIsLeftAlone) {
  for (const char* type : {"invitation", "doorbell", "note", ""})
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

// --- properties over random leaves ---

class RandomLeaves {
 public:
  explicit RandomLeaves(unsigned seed) : random_(seed) {}

  std::vector<Document> operator()() {
    const std::string type = pick<std::string>({"device", "channel", "subscription"});
    std::vector<Document> leaves;
    const int count = number(2, 13);
    for (int i = 0; i < count; ++i) {
      const std::string rev = std::to_string(number(1, 12)) + "-" + std::to_string(100 + i);
      Document doc = leaf(type, rev,
                          pick<std::string>({"active", "revoke", "revoked", "new", "ready", "error",
                                             "paused", "stopped"}));
      for (const char* key : {"name", "wipe", "user", "database", "syncpoint", "owner", "error",
                              "channel", "color", "notes", "left_out"})
        if (number(0, 2) > 0) doc[key] = value();
      if (number(0, 3) == 0) doc["overruled"] = entries();
      leaves.push_back(std::move(doc));
    }
    return leaves;
  }

  std::mt19937& generator() { return random_; }

 private:
  int number(int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random_);
  }
  template <class T>
  T pick(const std::vector<T>& values) {
    return values[static_cast<std::size_t>(number(0, static_cast<int>(values.size()) - 1))];
  }
  json::value value() {
    return pick<json::value>(
        {"a", "b", "a\n\"b", 1, 1.5, true, nullptr, json::array{"a"}, json::object{{"k", "v"}},
         nested(16), nested(17), nested(18), nested(19), nested(25), std::string(210, 'x'),
         std::string(3000, '\n'), std::string(900, 'y'), std::string(9000, 'z')});
  }
  json::array entries() {
    json::array list;
    for (int i = number(0, 12); i > 0; --i) {
      json::object entry{
          {"rev", std::to_string(number(1, 12)) + "-" + std::to_string(number(100, 112))},
          {"name", value()},
          {"x", value()}};
      if (number(0, 4) == 0) entry["left_out"] = json::array{"notes", value()};
      list.emplace_back(pick<json::value>({entry, entry, entry, value()}));
    }
    return list;
  }

  std::mt19937 random_;
};

// Of a losing leaf, each member that a person owns: kept, or in its entry, or named there, or the
// list says that it is not whole.
void expect_nothing_lost_silently(const Document& result, const Document& leaf) {
  const json::array* list = get_array(result, "overruled");
  json::object entry;
  bool more = false;
  for (const json::value& element : list == nullptr ? json::array{} : *list) {
    more = more || is_true(element.as_object(), "more");
    if (string_or(element.as_object(), "rev", "") == doc_rev(leaf)) entry = element.as_object();
  }
  for (const char* key : {"name", "color", "notes", "left_out"}) {
    const json::value* value = leaf.if_contains(key);
    if (value == nullptr || more) continue;
    const json::value* kept = result.if_contains(key);
    const json::array* left_out = get_array(entry, "left_out");
    const bool named =
        left_out != nullptr &&
        std::any_of(left_out->begin(), left_out->end(), [&](const json::value& name) {
          return name == json::value(key) || name == "*";
        });
    EXPECT_TRUE((kept != nullptr && *kept == *value) || entry.contains(key) || named)
        << key << " of " << doc_rev(leaf);
  }
}

TEST(Conflict, ComesToTheSameInAnyOrderTwiceAndLosesNothingSilently) {
  RandomLeaves random(20240501);
  int settled = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<Document> leaves = random();
    const auto result = resolve_control_conflict(leaves);
    for (int i = 0; i < 5; ++i) {
      std::shuffle(leaves.begin(), leaves.end(), random.generator());
      const auto again = resolve_control_conflict(leaves);
      ASSERT_EQ(again.has_value(), result.has_value());
      if (result) ASSERT_EQ(json::serialize(*again), json::serialize(*result));
    }
    if (!result) continue;
    ++settled;
    for (const Document& leaf : leaves) expect_nothing_lost_silently(*result, leaf);

    // Saved on the winner: beside the same losers it is as it should be.
    const auto winner = std::find_if(leaves.begin(), leaves.end(), [&](const Document& leaf) {
      return doc_rev(leaf) == doc_rev(*result);
    });
    ASSERT_NE(winner, leaves.end());
    const std::size_t before = size_without(*winner, "");
    *winner = *result;
    (*winner)["_rev"] = std::to_string(parse_rev(doc_rev(*result)).generation + 1) + "-f";
    const auto twice = resolve_control_conflict(leaves);
    ASSERT_TRUE(twice.has_value());
    ASSERT_TRUE(same_content(*twice, *winner)) << json::serialize(*twice) << "\n"
                                               << json::serialize(*winner);

    ASSERT_LE(size_without(*result, ""), std::max<std::size_t>(before, 28000));
    if (const json::value* list = result->if_contains("overruled")) {
      ASSERT_LE(extent_of(*list).levels, 19);
      ASSERT_LE(list->as_array().size(), 11U);
      ASSERT_LE(extent_of(*list).characters, 8100U);
    }
  }
  EXPECT_GT(settled, 1000);
}

}  // namespace
}  // namespace channels
