// Saving and reading documents: edits, conflicts, deletions, _local documents, what is no document.
#include "rules.h"

namespace channels::simulation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class Documents : public Rules {};
RUN_ON_BOTH(Documents);

std::vector<std::string> errors(const json::value& rows) {
  std::vector<std::string> found;
  for (const json::value& row : rows.as_array()) found.push_back(string_or(row.as_object(), "error", "ok"));
  return found;
}

TEST_P(Documents, IdenticalEditsHaveAnIdenticalRev) {
  Database db = make();
  const std::string rev = saved(db, {{"_id", "a"}, {"n", 1}});
  EXPECT_THAT(rev, StartsWith("1-"));
  EXPECT_EQ(saved(db, {{"_id", "b"}, {"n", 1}}), rev);
  EXPECT_NE(saved(db, {{"_id", "c"}, {"n", 2}}), rev);
}

TEST_P(Documents, AnEditNeedsTheCurrentRev) {
  Database db = make();
  const std::string first = saved(db, {{"_id", "a"}, {"n", 1}});
  EXPECT_THAT(saved(db, {{"_id", "a"}, {"_rev", first}, {"n", 2}}), StartsWith("2-"));
  EXPECT_EQ(db.save({{"_id", "a"}, {"_rev", first}, {"n", 3}}).outcome, Saved::Outcome::conflict);
  EXPECT_EQ(db.save({{"_id", "a"}, {"n", 4}}).outcome, Saved::Outcome::conflict);
  const Answer refused = ask(db, "PUT", "a", {{"_rev", first}, {"n", 5}});
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.error(), "conflict");
  EXPECT_EQ(db.get("a")->at("n"), json::value(2));
}

TEST_P(Documents, ThePathAndTheQueryMayCarryIdAndRev) {
  Database db = make();
  const Answer made = ask(db, "PUT", "a%2Fb", {{"n", 1}});
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(ask(db, "PUT", "a%2Fb?rev=" + made.rev(), {{"n", 2}}).status, 201);
  EXPECT_EQ(doc_id(*db.get("a/b")), "a/b");
  const Answer posted = ask("POST", db.path(), {{"n", 3}});
  EXPECT_EQ(posted.status, 201);
  EXPECT_EQ(db.get(posted.member("id"))->at("n"), json::value(3));
}

TEST_P(Documents, ADeletionIsARevisionOfItsOwn) {
  Database db = make();
  const std::string first = saved(db, {{"_id", "a"}, {"n", 1}});
  const std::string second = saved(db, {{"_id", "a"}, {"_rev", first}, {"_deleted", true}, {"why", "no use"}});
  const Answer gone = ask(db, "GET", "a");
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(gone.reason(), "deleted");
  const Answer stone = ask(db, "GET", "a?rev=" + second);
  EXPECT_TRUE(is_deleted(stone.body.as_object()));
  EXPECT_EQ(stone.member("why"), "no use");
  EXPECT_EQ(ask(db, "GET", "b").reason(), "missing");
}

TEST_P(Documents, DeletedByItsPathTheAnswerIs200) {
  Database db = make();
  const std::string rev = saved(db, {{"_id", "a"}});
  EXPECT_EQ(ask(db, "DELETE", "a").status, 409);
  EXPECT_EQ(ask(db, "DELETE", "a?rev=" + rev).status, 200);
  EXPECT_EQ(ask(db, "DELETE", "b").status, 404);
  EXPECT_EQ(ask(db, "DELETE", "a?rev=" + rev).status, 404);
}

TEST_P(Documents, SomethingNewGoesOnFromTheDeletion) {
  Database db = make();
  const std::string first = saved(db, {{"_id", "a"}, {"n", 1}});
  const std::string stone = saved(db, {{"_id", "a"}, {"_rev", first}, {"_deleted", true}});
  EXPECT_EQ(db.save({{"_id", "a"}, {"_rev", stone}, {"n", 2}}).outcome, Saved::Outcome::conflict);
  EXPECT_EQ(db.save({{"_id", "a"}, {"_deleted", true}}).outcome, Saved::Outcome::conflict);
  EXPECT_THAT(saved(db, {{"_id", "a"}, {"n", 3}}), StartsWith("3-"));
  const Answer whole = ask(db, "GET", "a?revs=true");
  EXPECT_THAT(whole.body.at("_revisions").at("ids").as_array(), SizeIs(3));
}

TEST_P(Documents, WithoutValidationAnUnknownRevOfAnUnknownDocumentIsTaken) {
  Database db = make();
  // A new database looks for validation functions at its first write.
  EXPECT_EQ(db.save({{"_id", "a"}, {"_rev", "1-abc"}}).outcome, Saved::Outcome::conflict);
  saved(db, {{"_id", "first"}});
  EXPECT_THAT(saved(db, {{"_id", "a"}, {"_rev", "1-abc"}}), StartsWith("2-"));
  saved(db, {{"_id", "_design/x"}, {"validate_doc_update", "function () {}"}});
  // Each try with an id of its own: one that was taken is in conflict in any case.
  int tries = 0;
  expect_soon([&] { return db.save({{"_id", "b" + std::to_string(++tries)}, {"_rev", "1-abc"}}).outcome; }, Saved::Outcome::conflict);
}

TEST_P(Documents, OfTwoEditsInOneRequestTheFirstWins) {
  Database db = make();
  const std::string rev = saved(db, {{"_id", "a"}});
  const Answer both = ask(db, "POST", "_bulk_docs",
                          {{"docs", {{{"_id", "a"}, {"_rev", rev}, {"n", 1}}, {{"_id", "a"}, {"_rev", rev}, {"n", 2}},
                                     {{"_id", "b"}, {"n", 1}}, {{"_id", "b"}, {"n", 1}}}}});
  EXPECT_EQ(both.status, 201);
  EXPECT_THAT(errors(both.body), ElementsAre("ok", "conflict", "ok", "conflict"));
}

TEST_P(Documents, AnEditDoesNotSeeTheRestOfItsRequest) {
  Database db = make();
  saved(db, {{"_id", "_design/x"}, {"validate_doc_update", "function () {}"}});
  const std::string rev = saved(db, {{"_id", "a"}});
  const Answer both = ask(db, "POST", "_bulk_docs",
                          {{"docs", {{{"_id", "a"}, {"_rev", rev}, {"_deleted", true}}, {{"_id", "a"}, {"n", 2}}}}});
  EXPECT_THAT(errors(both.body), ElementsAre("ok", "conflict"));
}

TEST_P(Documents, WhatIsNoDocumentIsRefusedWhole) {
  Database db = make();
  const auto refused = [&](const json::value& doc) {
    const Answer answer = ask(db, "POST", "_bulk_docs", {{"docs", {{{"_id", "good"}}, doc}}});
    EXPECT_EQ(answer.status, 400) << json::serialize(doc);
    return answer.error();
  };
  EXPECT_EQ(refused(json::object{{"_id", "x"}, {"_own", 1}}), "doc_validation");
  EXPECT_EQ(refused(json::object{{"_id", "_x"}}), "illegal_docid");
  EXPECT_EQ(refused(json::object{{"_id", ""}}), "illegal_docid");
  EXPECT_EQ(refused(json::object{{"_id", 7}}), "illegal_docid");
  EXPECT_EQ(refused(json::object{{"_id", "x"}, {"_rev", "abc"}}), "bad_request");
  EXPECT_EQ(refused("text"), "bad_request");
  EXPECT_EQ(ask(db, "POST", "_bulk_docs", json::object()).status, 400);
  EXPECT_EQ(ask(db, "GET", "good").status, 404);
  EXPECT_EQ(ask(db, "GET", "x?rev=abc").status, 400);
}

TEST_P(Documents, WhatIsTooLargeIsRefused) {
  Database db = make();
  const Answer refused = ask(db, "POST", "_bulk_docs",
                             {{"docs", {{{"_id", "small"}}, {{"_id", "large"}, {"text", std::string(8'000'001, 'x')}}}}});
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(refused.error(), "document_too_large");
  EXPECT_EQ(refused.reason(), "large");
  EXPECT_EQ(winner(db, "small"), "");
}

TEST_P(Documents, AnOldBodyIsThereUntilCompaction) {
  Database db = make();
  const std::string first = saved(db, {{"_id", "a"}, {"n", 1}});
  saved(db, {{"_id", "a"}, {"_rev", first}, {"n", 2}});
  EXPECT_EQ(ask(db, "GET", "a?rev=" + first).body.at("n"), json::value(1));
  db.compact();
  // The server compacts in the background.
  const MonoTime deadline = env_.mono_now() + seconds(30);
  int status = 200;
  while (status == 200 && env_.mono_now() < deadline) status = ask(db, "GET", "a?rev=" + first).status;
  EXPECT_EQ(status, 404);
  EXPECT_EQ(ask(db, "GET", "a?revs=true").body.at("_revisions").at("ids").as_array().size(), 2u);
  const Answer infos = ask(db, "GET", "a?revs_info=true");
  EXPECT_EQ(infos.body.at("_revs_info").at(1).at("status"), json::value("missing"));
}

TEST_P(Documents, ManyAreReadByTheirIds) {
  Database db = make();
  saved(db, {{"_id", "a"}, {"n", 1}});
  const std::string rev = saved(db, {{"_id", "b"}});
  const std::string stone = saved(db, {{"_id", "b"}, {"_rev", rev}, {"_deleted", true}});
  const auto docs = db.get_many({"b", "none", "a"});
  ASSERT_THAT(docs, SizeIs(3));
  EXPECT_FALSE(docs[0]);
  EXPECT_FALSE(docs[1]);
  EXPECT_EQ(docs[2]->at("n"), json::value(1));
  const Answer rows = ask(db, "POST", "_all_docs", {{"keys", {"b", "none"}}});
  EXPECT_EQ(rows.rows()[0].at("value"), (json::value{{"rev", stone}, {"deleted", true}}));
  EXPECT_EQ(rows.rows()[1], (json::value{{"key", "none"}, {"error", "not_found"}}));
}

TEST_P(Documents, AllOfThemComeInTheOrderOfTheBytes) {
  Database db = make();
  for (const char* id : {"b", "a", "B", "a-", "~", "_design/x"}) saved(db, {{"_id", id}});
  std::vector<std::string> ids;
  for (const json::value& row : ask(db, "GET", "_all_docs").rows()) ids.push_back(string_or(row.as_object(), "id", ""));
  EXPECT_THAT(ids, ElementsAre("B", "_design/x", "a", "a-", "b", "~"));
  ids.clear();
  for (const json::object& row : db.all_docs({{"startkey", "a"}, {"endkey", "b"}, {"limit", 2}, {"skip", 1}}))
    ids.push_back(string_or(row, "id", ""));
  EXPECT_THAT(ids, ElementsAre("a-", "b"));
  ids.clear();
  const Answer back = ask(db, "GET", "_all_docs?descending=true&limit=2&startkey=%22b%22");
  for (const json::value& row : back.rows()) ids.push_back(string_or(row.as_object(), "id", ""));
  EXPECT_THAT(ids, ElementsAre("b", "a-"));
}

// --- _local documents

TEST_P(Documents, ALocalOneCountsFromTheRevThatWasSent) {
  Database db = make();
  EXPECT_EQ(ask(db, "PUT", "_local/x", {{"n", 1}}).rev(), "0-1");
  EXPECT_EQ(ask(db, "PUT", "_local/x", {{"n", 2}}).rev(), "0-1");
  EXPECT_EQ(ask(db, "PUT", "_local/x", {{"n", 3}, {"_rev", "0-7"}}).rev(), "0-8");
  EXPECT_EQ(*db.get("_local/x"), (json::object{{"_id", "_local/x"}, {"_rev", "0-8"}, {"n", 3}}));
  EXPECT_EQ(ask(db, "DELETE", "_local/x").status, 200);
  EXPECT_FALSE(db.get("_local/x"));
}

TEST_P(Documents, LocalOnesAreSavedBesideOthersAndFeedsDoNotTellOfThem) {
  Database db = make();
  const Answer both = ask(db, "POST", "_bulk_docs", {{"docs", {{{"_id", "_local/x"}, {"n", 1}}, {{"_id", "a"}}}}});
  EXPECT_EQ(both.body.at(0), (json::value{{"ok", true}, {"id", "_local/x"}, {"rev", "0-1"}}));
  const std::string seq = db.update_seq();
  ask(db, "POST", "_bulk_docs", {{"docs", {{{"_id", "_local/x"}, {"n", 2}}}}});
  EXPECT_EQ(db.update_seq(), seq);
  EXPECT_THAT(db.changes({}).rows, SizeIs(1));
  EXPECT_EQ(db.get("_local/x")->at("n"), json::value(2));
  const Answer old = ask(db, "POST", "_bulk_docs", {{"new_edits", false}, {"docs", {{{"_id", "_local/x"}, {"_rev", "0-3"}}}}});
  EXPECT_THAT(old.body.as_array(), IsEmpty());
  EXPECT_EQ(doc_rev(*db.get("_local/x")), "0-4");
}

}  // namespace
}  // namespace channels::simulation
