// Views: the order of keys, ranges of them, what a row is, and that rows follow the documents.
#include "provision/design_docs.h"
#include "rules.h"
#include "simulation/couch/collation.h"

namespace channels::simulation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ViewRows : public Rules {
 protected:
  // With a view `by_key`, which has one row for each of a document's `keys`.
  Database with_view() {
    Database database = make();
    saved(database, {{"_id", "_design/channels"},
                     {"views", {{"by_key", {{"map", "function (doc) { for (var i in doc.keys) emit(doc.keys[i], doc.n || null); }"}}},
                                {"counted", {{"map", "function (doc) { emit(doc.keys, 1); }"}, {"reduce", "_count"}}}}}});
    return database;
  }
  static std::vector<std::string> ids(const std::vector<json::object>& rows) {
    std::vector<std::string> found;
    for (const json::object& row : rows) found.push_back(string_or(row, "id", ""));
    return found;
  }
  static std::vector<json::value> keys(const std::vector<json::object>& rows) {
    std::vector<json::value> found;
    for (const json::object& row : rows) found.push_back(row.at("key"));
    return found;
  }
};
RUN_ON_BOTH(ViewRows);

TEST_P(ViewRows, KeysOfAllKindsHaveOneOrder) {
  Database db = with_view();
  const json::array ordered{nullptr, false, true, -1, 0, 1.5, 10, "", " ", "0", "a", "A", "aa", "b", "B", "ba",
                            json::array(), json::array{"a"}, json::array{"a", 1}, json::array{"b"}, json::array{json::array()},
                            json::object(), json::object{{"a", 1}}, json::object{{"a", 2}}, json::object{{"b", 1}}};
  saved(db, {{"_id", "a"}, {"keys", json::array(ordered.rbegin(), ordered.rend())}});
  EXPECT_EQ(keys(db.view("by_key", json::object())), std::vector<json::value>(ordered.begin(), ordered.end()));
}

TEST_P(ViewRows, TextOfAsciiIsOrderedAsTheServerDoesIt) {
  Database db = with_view();
  json::array texts;
  for (char c = ' '; c <= '~'; ++c) {
    texts.emplace_back(std::string(1, c));
    texts.emplace_back(std::string("a") + c + "z");
    texts.emplace_back(std::string("A") + c);
  }
  for (const char* text : {"co-op", "coop", "CO-OP", "co op", "\ttab", "2026-11-24T12:00:00Z", "2026-11-24T12:00:00.5Z", "a\u0001b"})
    texts.emplace_back(text);
  saved(db, {{"_id", "a"}, {"keys", texts}});
  const auto found = keys(db.view("by_key", json::object()));
  ASSERT_THAT(found, SizeIs(texts.size()));
  for (std::size_t i = 1; i < found.size(); ++i)
    EXPECT_LE(collate(found[i - 1], found[i]), 0) << json::serialize(found[i - 1]) << " " << json::serialize(found[i]);
}

TEST_P(ViewRows, OneKeyHasItsRowsInTheOrderOfIds) {
  Database db = with_view();
  for (const char* id : {"b", "B", "a"}) saved(db, {{"_id", id}, {"keys", {"x", "y"}}});
  EXPECT_THAT(ids(db.view("by_key", {{"key", "x"}})), ElementsAre("B", "a", "b"));
  EXPECT_THAT(ids(db.view("by_key", {{"startkey", "x"}, {"startkey_docid", "a"}, {"endkey", "x"}})), ElementsAre("a", "b"));
  EXPECT_THAT(ids(db.view("by_key", {{"startkey", "x"}, {"endkey", "x"}, {"endkey_docid", "a"}})), ElementsAre("B", "a"));
}

TEST_P(ViewRows, RangesAreInclusive) {
  Database db = with_view();
  saved(db, {{"_id", "a"}, {"keys", {1, 2, 3, 4}}});
  EXPECT_THAT(keys(db.view("by_key", {{"startkey", 2}, {"endkey", 3}})), ElementsAre(2, 3));
  EXPECT_THAT(keys(db.view("by_key", {{"startkey", 2}, {"endkey", 4}, {"inclusive_end", false}})), ElementsAre(2, 3));
  EXPECT_THAT(keys(db.view("by_key", {{"skip", 1}, {"limit", 2}})), ElementsAre(2, 3));
  EXPECT_THAT(keys(db.view("by_key", {{"descending", true}, {"startkey", 3}, {"limit", 2}})), ElementsAre(3, 2));
  EXPECT_THAT(keys(db.view("by_key", {{"keys", {4, 9, 1}}})), ElementsAre(4, 1));
  const Answer by_query = ask(db, "GET", "_design/channels/_view/by_key?startkey=3&endkey=3");
  EXPECT_THAT(by_query.rows(), SizeIs(1));
}

TEST_P(ViewRows, ARowHasItsDocumentWhenAskedFor) {
  Database db = with_view();
  saved(db, {{"_id", "a"}, {"keys", {"x"}}, {"n", 7}});
  const auto plain = db.view("by_key", json::object());
  EXPECT_EQ(plain[0], (json::object{{"id", "a"}, {"key", "x"}, {"value", 7}}));
  EXPECT_EQ(db.view("by_key", {{"include_docs", true}})[0].at("doc").at("n"), json::value(7));
}

TEST_P(ViewRows, FollowTheDocuments) {
  Database db = with_view();
  std::string rev = saved(db, {{"_id", "a"}, {"keys", {"x"}}});
  EXPECT_THAT(db.view("by_key", json::object()), SizeIs(1));
  rev = saved(db, {{"_id", "a"}, {"_rev", rev}, {"keys", {"y", "z"}}});
  EXPECT_THAT(keys(db.view("by_key", json::object())), ElementsAre("y", "z"));
  rev = saved(db, {{"_id", "a"}, {"_rev", rev}, {"_deleted", true}, {"keys", {"q"}}});
  EXPECT_THAT(db.view("by_key", json::object()), IsEmpty());
  saved(db, {{"_id", "b"}, {"keys", {"p"}}});
  EXPECT_THAT(db.view("by_key", json::object()), SizeIs(1));
  db.purge({{"b", {winner(db, "b")}}});
  EXPECT_THAT(db.view("by_key", json::object()), IsEmpty());
}

TEST_P(ViewRows, ShowTheNextLeafWhenTheWinnerIsPurged) {
  Database db = with_view();
  replicated(db, "a", 1, {hash('1')}, {{"keys", {"one"}}});
  replicated(db, "a", 1, {hash('2')}, {{"keys", {"two"}}});
  EXPECT_THAT(keys(db.view("by_key", json::object())), ElementsAre("two"));
  db.purge({{"a", {"1-" + hash('2')}}});
  EXPECT_THAT(keys(db.view("by_key", json::object())), ElementsAre("one"));
}

TEST_P(ViewRows, AreMadeAnewWithANewFunction) {
  Database db = with_view();
  saved(db, {{"_id", "a"}, {"keys", {"x"}}});
  EXPECT_THAT(keys(db.view("by_key", json::object())), ElementsAre("x"));
  Document design = *db.get("_design/channels");
  design["views"] = json::object{{"by_key", {{"map", "function (doc) { emit(doc._id); }"}}}};
  saved(db, design);
  expect_soon([&] { return keys(db.view("by_key", json::object())); }, std::vector<json::value>{"a"});
}

TEST_P(ViewRows, AreCountedByGroups) {
  Database db = with_view();
  for (const char* id : {"a", "b", "c"}) saved(db, {{"_id", id}, {"keys", {id[0] == 'c' ? "y" : "x", id}}});
  const auto row = [](const json::value& key, int value) { return json::object{{"key", key}, {"value", value}}; };
  EXPECT_THAT(db.view("counted", json::object()), ElementsAre(row(nullptr, 3)));
  EXPECT_THAT(db.view("counted", {{"group_level", 1}}), ElementsAre(row(json::array{"x"}, 2), row(json::array{"y"}, 1)));
  EXPECT_THAT(db.view("counted", {{"group", true}}), SizeIs(3));
  EXPECT_THAT(db.view("counted", {{"reduce", false}}), SizeIs(3));
}

TEST_P(ViewRows, OfWhatIsNotThereAre404) {
  Database db = with_view();
  EXPECT_EQ(ask(db, "GET", "_design/channels/_view/none").status, 404);
  EXPECT_EQ(ask(db, "GET", "_design/none/_view/by_key").status, 404);
}

TEST_P(ViewRows, TheRegistrysViewsFindTheirRecords) {
  Database db = make();
  saved(db, design_doc("registry"));
  saved(db, {{"_id", "device-1"}, {"type", "device"}, {"state", "confirming"}, {"address", "a@b"}, {"device_code", "B"}, {"user", "u"}});
  saved(db, {{"_id", "revisit-2"}, {"type", "revisit"}, {"due", "2026-01-02T00:00:00Z"}});
  saved(db, {{"_id", "revisit-1"}, {"type", "revisit"}, {"due", "2026-01-01T00:00:00Z"}});
  saved(db, {{"_id", "lease-1"}, {"type", "lease"}, {"taken_at", "2026-01-01T00:00:00Z"}, {"parked", true}});
  EXPECT_THAT(ids(db.view("revisits_by_due", {{"endkey", "2026-01-01T12:00:00Z"}})), ElementsAre("revisit-1"));
  EXPECT_THAT(ids(db.view("devices_by_user", {{"key", {"u", "confirming"}}})), ElementsAre("device-1"));
  EXPECT_THAT(ids(db.view("pending_by_address", {{"key", {"a@b", "B"}}})), ElementsAre("device-1"));
  EXPECT_THAT(db.view("leases_by_taken", json::object()), IsEmpty());
}

}  // namespace
}  // namespace channels::simulation
