#include "couch/database.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "unit/support/fake_transport.h"
#include "unit/support/text.h"

namespace channels {
namespace {

class DatabaseTest : public testing::Test {
 protected:
  std::string last() const {
    return transport_.last().method + " " +
           transport_.last().url.substr(std::string_view("http://couch").size());
  }

  FakeTransport transport_;
  NoCredentials nobody_;
  Server server_{transport_, nobody_, "http://couch"};
  Database database_{server_, "control-a/b"};
};

TEST_F(DatabaseTest, IsMadeOnce) {
  transport_.answers(201, "{\"ok\": true}")
      .answers(412, "{\"error\": \"file_exists\"}")
      .answers(202, "{\"ok\": true}");
  EXPECT_EQ(database_.create(2), Created::made);
  EXPECT_EQ(last(), "PUT /control-a%2Fb?q=2");
  EXPECT_EQ(database_.create(2), Created::existed);
  EXPECT_EQ(database_.create(2), Created::made);
  transport_.answers(400, "{\"error\": \"illegal_database_name\"}");
  EXPECT_THROW(database_.create(2), Refused);
}

TEST_F(DatabaseTest, ExistsOrNot) {
  transport_.answers(200, "{}").answers(404, "{}").answers(401, "{}").answers(500, "{}");
  EXPECT_TRUE(database_.exists());
  EXPECT_FALSE(database_.exists());
  EXPECT_THROW(database_.exists(), Refused);
  EXPECT_THROW(database_.exists(), Unavailable);
}

TEST_F(DatabaseTest, HasAnOpaqueSeq) {
  transport_.answers(200, "{\"update_seq\": \"12-g1AAAA\"}").answers(200, "{\"update_seq\": 12}");
  EXPECT_EQ(database_.update_seq(), "12-g1AAAA");
  EXPECT_EQ(database_.update_seq(), "12");
}

TEST_F(DatabaseTest, GetsADocumentOrNone) {
  transport_.answers(200, "{\"_id\": \"a/b\", \"_rev\": \"1-x\"}")
      .answers(404, "{}")
      .answers(503, "{}");
  EXPECT_EQ(database_.get("a/b"), (Document{{"_id", "a/b"}, {"_rev", "1-x"}}));
  EXPECT_EQ(last(), "GET /control-a%2Fb/a%2Fb");
  EXPECT_EQ(database_.get("a/b"), std::nullopt);
  EXPECT_THROW(database_.get("a/b"), Unavailable);
}

TEST_F(DatabaseTest, GivesLeavesWinnerFirst) {
  transport_.answers(
      200,
      R"([{"ok": {"_rev": "9-a", "_deleted": true}}, {"ok": {"_rev": "2-f"}}, {"missing": "3-q"},
                              {"ok": {"_rev": "10-a"}}, {"ok": {"_rev": "10-b"}}, {"ok": {"_rev": "11-a", "_deleted": true}}])");
  std::vector<std::string> revs;
  for (const Document& leaf : database_.leaves("x")) revs.push_back(doc_rev(leaf));
  EXPECT_EQ(revs, (std::vector<std::string>{"10-b", "10-a", "2-f", "11-a", "9-a"}));
  EXPECT_EQ(last(), "GET /control-a%2Fb/x?open_revs=all");
  transport_.answers(404, "{}");
  EXPECT_TRUE(database_.leaves("x").empty());
}

TEST_F(DatabaseTest, TellsTheRevisionsOfLeavesWithoutTheirBodies) {
  transport_.answers(200, R"({"_rev": "3-a", "_conflicts": ["2-f", "2-a"], "_deleted_conflicts": ["9-b"]})");
  const LeafRevs revs = database_.leaf_revs("x");
  EXPECT_EQ(revs.live, (std::vector<std::string>{"3-a", "2-f", "2-a"}));
  EXPECT_EQ(revs.deleted, (std::vector<std::string>{"9-b"}));
  EXPECT_EQ(last(), "GET /control-a%2Fb/x?conflicts=true&deleted_conflicts=true");
  transport_.answers(404, "{}").answers(200, R"([{"ok": {"_rev": "2-a"}}, {"ok": {"_rev": "3-a"}}, {"missing": "2-f"}])");
  EXPECT_TRUE(database_.leaf_revs("x").live.empty());
  EXPECT_EQ(doc_rev(database_.leaves("x", revs.live).front()), "3-a");
  EXPECT_EQ(last(), "GET /control-a%2Fb/x?open_revs=%5B%223-a%22%2C%222-f%22%2C%222-a%22%5D");
}

TEST_F(DatabaseTest, FindsALeafBesideSomeThatCannotBeRead) {
  const std::string deep = "[{\"ok\": {\"a\": " + std::string(2000, '[') + std::string(2000, ']') + "}}]";
  transport_.answers(200, R"({"_rev": "3-a", "_conflicts": ["2-f"], "_deleted_conflicts": ["1-b"]})")
      .answers(200, deep)
      .answers(200, R"([{"ok": {"_rev": "3-a"}}])")
      .answers(200, deep)
      .answers(200, R"([{"ok": {"_rev": "1-b", "state": "revoke", "_deleted": true}}])");
  const auto found = database_.find_leaf("x", [](const Document& leaf) { return doc_state(leaf) == "revoke"; });
  ASSERT_TRUE(found);
  EXPECT_EQ(doc_rev(*found), "1-b");
}

TEST_F(DatabaseTest, GetsManyInTheirOrder) {
  transport_.answers(200, R"({"rows": [
      {"id": "a", "key": "a", "doc": {"_id": "a"}},
      {"key": "b", "error": "not_found"},
      {"id": "c", "key": "c", "value": {"rev": "2-x", "deleted": true}, "doc": null},
      {"id": "a", "key": "a", "doc": {"_id": "a"}}]})");
  const auto docs = database_.get_many({"a", "b", "c", "a"});
  EXPECT_EQ(transport_.last().body, R"({"keys":["a","b","c","a"]})");
  const std::vector<std::optional<Document>> expected = {Document{{"_id", "a"}}, std::nullopt,
                                                         std::nullopt, Document{{"_id", "a"}}};
  EXPECT_EQ(docs, expected);
  EXPECT_TRUE(database_.get_many({}).empty());  // without a request
  EXPECT_EQ(transport_.requests.size(), 1U);
}

TEST_F(DatabaseTest, TellsADeletedDocumentFromOneThatNeverWas) {
  transport_.answers(200, R"({"rows": [
      {"id": "a", "key": "a", "value": {"rev": "1-a"}, "doc": {"_id": "a"}},
      {"key": "b", "error": "not_found"},
      {"id": "c", "key": "c", "value": {"rev": "2-x", "deleted": true}, "doc": null}]})");
  const auto found = database_.winners({"a", "b", "c"});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].rev, "1-a");
  EXPECT_EQ(found[0].doc, (Document{{"_id", "a"}}));
  EXPECT_EQ(found[1].rev, "");
  EXPECT_FALSE(found[1].doc);
  EXPECT_EQ(found[2].rev, "2-x");
  EXPECT_TRUE(found[2].deleted);
  EXPECT_FALSE(found[2].doc);
}

TEST_F(DatabaseTest, TellsWhatBecameOfEachSave) {
  transport_.answers(201, R"([{"ok": true, "id": "a", "rev": "1-a"},
                              {"ok": true, "id": "b", "rev": "1-b", "accepted": true},
                              {"id": "c", "error": "conflict", "reason": "Document update conflict."},
                              {"id": "d", "error": "forbidden", "reason": "no such state"},
                              {"id": "e", "error": "unauthorized", "reason": "log in"}])");
  const auto saved = database_.save_all(
      {{{"_id", "a"}}, {{"_id", "b"}}, {{"_id", "c"}}, {{"_id", "d"}}, {{"_id", "e"}}});
  EXPECT_EQ(last(), "POST /control-a%2Fb/_bulk_docs");
  EXPECT_EQ(transport_.last().body,
            R"({"docs":[{"_id":"a"},{"_id":"b"},{"_id":"c"},{"_id":"d"},{"_id":"e"}]})");
  using Outcome = Saved::Outcome;
  const std::tuple<Outcome, std::string, std::string, std::string> expected[] = {
      {Outcome::saved, "a", "1-a", ""},
      {Outcome::accepted, "b", "1-b", ""},
      {Outcome::conflict, "c", "", "Document update conflict."},
      {Outcome::rejected, "d", "", "no such state"},
      {Outcome::rejected, "e", "", "log in"},
  };
  ASSERT_EQ(saved.size(), std::size(expected));
  for (std::size_t i = 0; i < saved.size(); ++i) {
    EXPECT_EQ(std::make_tuple(saved[i].outcome, saved[i].id, saved[i].rev, saved[i].reason),
              expected[i]);
    EXPECT_EQ(saved[i].ok(), i < 2);
  }
}

TEST_F(DatabaseTest, TellsWhatFailedBesideWhatWasSaved) {
  transport_.answers(201, R"([{"ok": true, "id": "a", "rev": "1-a"}, {"id": "b", "error": "TypeError", "reason": "n.x is undefined"}])");
  const std::vector<Document> docs{{{"_id", "a"}}, {{"_id", "b"}}};
  const auto saved = database_.save_each(docs);
  ASSERT_EQ(saved.size(), 2U);
  EXPECT_TRUE(saved[0].ok());
  EXPECT_EQ(saved[1].outcome, Saved::Outcome::failed);
  EXPECT_EQ(saved[1].reason, "TypeError: n.x is undefined");
}

TEST_F(DatabaseTest, IsUnavailableIfOneSaveMetAnError) {
  transport_.answers(201, R"([{"id": "a", "error": "internal_server_error", "reason": "x"}])");
  EXPECT_THROW(database_.save({{"_id", "a"}}), Unavailable);
}

TEST_F(DatabaseTest, SavesNothingWithoutARequest) {
  EXPECT_TRUE(database_.save_all({}).empty());
  EXPECT_TRUE(transport_.requests.empty());
}

TEST_F(DatabaseTest, ReadsChanges) {
  transport_.answers(200, R"({"results": [
      {"seq": "1-a", "id": "x", "changes": [{"rev": "3-c"}, {"rev": "2-b"}], "doc": {"_id": "x"}},
      {"seq": 2, "id": "y", "changes": [{"rev": "2-y"}], "deleted": true, "doc": {"_id": "y", "_deleted": true}},
      {"seq": "3-c", "id": "z", "changes": []}], "last_seq": "3-c", "pending": 4})");
  Database::ChangesQuery query;
  query.since = "0-a/b";
  query.limit = 3;
  const Changes changes = database_.changes(query);
  EXPECT_EQ(last(),
            "GET /control-a%2Fb/_changes?style=all_docs&limit=3&since=0-a%2Fb&include_docs=true");
  EXPECT_EQ(changes.last_seq, "3-c");
  EXPECT_EQ(changes.pending, 4);
  ASSERT_EQ(changes.rows.size(), 3U);
  const Change& first = changes.rows[0];
  EXPECT_EQ(first.seq, "1-a");
  EXPECT_EQ(first.id, "x");
  EXPECT_FALSE(first.deleted);
  EXPECT_EQ(first.revs, (std::vector<std::string>{"3-c", "2-b"}));
  EXPECT_EQ(first.doc, (Document{{"_id", "x"}}));
  EXPECT_EQ(changes.rows[1].seq, "2");
  EXPECT_TRUE(changes.rows[1].deleted);
  EXPECT_EQ(changes.rows[2].seq, "3-c");
  EXPECT_TRUE(changes.rows[2].doc.empty());
}

TEST_F(DatabaseTest, WaitsForChangesLongerThanTheServer) {
  transport_.answers(200, R"({"results": [], "last_seq": "5"})");
  Database::ChangesQuery query;
  query.include_docs = false;
  query.long_poll = seconds(20);
  EXPECT_EQ(database_.changes(query).last_seq, "5");
  EXPECT_EQ(
      last(),
      "GET /control-a%2Fb/_changes?style=all_docs&limit=500&since=0&feed=longpoll&timeout=20000");
  EXPECT_GT(transport_.last().timeout, seconds(20));
}

TEST_F(DatabaseTest, ReadsAView) {
  transport_.answers(
      200,
      R"({"total_rows": 9, "rows": [{"id": "a", "key": ["k", 1], "value": null}, {"id": "b", "key": 2, "value": 3}]})");
  const auto rows = database_.view("pending/x", {{"limit", 2}});
  EXPECT_EQ(last(), "POST /control-a%2Fb/_design/channels/_view/pending%2Fx");
  EXPECT_EQ(transport_.last().body, R"({"limit":2})");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0], (json::object{{"id", "a"}, {"key", json::array{"k", 1}}, {"value", nullptr}}));
  EXPECT_EQ(rows[1].at("id"), "b");
}

TEST_F(DatabaseTest, KeepsItsSecurity) {
  transport_.answers(200, R"({"admins": {"roles": ["_admin"]}})")
      .answers(200, "{\"ok\": true}");
  EXPECT_EQ(database_.security(), (json::object{{"admins", {{"roles", json::array{"_admin"}}}}}));
  database_.put_security({{"members", json::object()}});
  EXPECT_EQ(last(), "PUT /control-a%2Fb/_security");
  EXPECT_EQ(transport_.last().body, R"({"members":{}})");
}

TEST_F(DatabaseTest, PurgesAndCompacts) {
  transport_.answers(201, R"({"purged": {}})").answers(202, R"({"ok": true})");
  database_.purge({{"a", json::array{"1-x"}}});
  EXPECT_EQ(last(), "POST /control-a%2Fb/_purge");
  EXPECT_EQ(transport_.last().body, R"({"a":["1-x"]})");
  database_.compact();
  EXPECT_EQ(last(), "POST /control-a%2Fb/_compact");
}

TEST_F(DatabaseTest, IsUnavailableIfTheAnswerIsNotCouchDbs) {
  for (const std::string body :
       {"{}", "[]", "null", "\"ok\"", "[1]", R"({"rows": [1]})", R"({"results": {}})"}) {
    for (int i = 0; i < 6; ++i) transport_.answers(200, body);
    const auto throws_unavailable = [&](const std::string& call, const std::function<void()>& act) {
      try {
        act();
      } catch (const Unavailable&) {
      } catch (const std::exception& other) {
        ADD_FAILURE() << call << " of " << body << ": " << other.what();
      }
    };
    throws_unavailable("leaves", [&] { database_.leaves("x"); });
    throws_unavailable("changes", [&] { database_.changes({}); });
    throws_unavailable("view", [&] { database_.view("v", {}); });
    throws_unavailable("update_seq", [&] { database_.update_seq(); });
    throws_unavailable("names", [&] { server_.database_names("", 5); });
    throws_unavailable("infos", [&] { server_.database_infos({"a"}); });
  }
}

}  // namespace
}  // namespace channels
