// Revision trees: branches, the winner among them, what replication writes and asks, purge.
#include "rules.h"
#include "simulation/couch/replicate.h"

namespace channels::simulation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class Branches : public Rules {
 protected:
  std::vector<std::string> leaves(Database& database, const std::string& id) {
    std::vector<std::string> revs;
    for (const Document& leaf : database.leaves(id)) revs.push_back(doc_rev(leaf));
    return revs;
  }
};
RUN_ON_BOTH(Branches);

TEST_P(Branches, TheLongerOneWins) {
  Database db = make();
  replicated(db, "a", 2, {hash('1'), hash('a')});
  replicated(db, "a", 1, {hash('f')});
  EXPECT_EQ(winner(db, "a"), "2-" + hash('1'));
}

TEST_P(Branches, OfEquallyLongOnesTheHigherHashWins) {
  Database db = make();
  replicated(db, "a", 1, {hash('2')});
  replicated(db, "a", 1, {hash('c')});
  replicated(db, "a", 1, {hash('9')});
  EXPECT_THAT(leaves(db, "a"), ElementsAre("1-" + hash('c'), "1-" + hash('9'), "1-" + hash('2')));
  EXPECT_EQ(winner(db, "a"), "1-" + hash('c'));
  const Answer shown = ask(db, "GET", "a?conflicts=true");
  EXPECT_EQ(shown.body.at("_conflicts"), (json::value{"1-" + hash('9'), "1-" + hash('2')}));
}

TEST_P(Branches, HashesCompareByTheBytesThatTheyStandFor) {
  Database db = make();
  // 16 bytes of 0xff against the text "zz", which is no hex.
  replicated(db, "a", 1, {"zz"});
  replicated(db, "a", 1, {hash('f')});
  EXPECT_EQ(winner(db, "a"), "1-" + hash('f'));
  replicated(db, "b", 1, {"zz"});
  replicated(db, "b", 1, {hash('6')});
  EXPECT_EQ(winner(db, "b"), "1-zz");
}

TEST_P(Branches, ADeletedOneLosesHoweverLong) {
  Database db = make();
  replicated(db, "a", 3, {hash('c'), hash('b'), hash('a')}, {{"_deleted", true}});
  EXPECT_EQ(winner(db, "a"), "");
  replicated(db, "a", 1, {hash('1')});
  EXPECT_EQ(winner(db, "a"), "1-" + hash('1'));
  const Answer shown = ask(db, "GET", "a?deleted_conflicts=true");
  EXPECT_EQ(shown.body.at("_deleted_conflicts"), (json::value{"3-" + hash('c')}));
}

TEST_P(Branches, EachCanBeEditedAndDeleted) {
  Database db = make();
  replicated(db, "a", 1, {hash('1')});
  replicated(db, "a", 1, {hash('2')});
  const std::string longer = saved(db, {{"_id", "a"}, {"_rev", "1-" + hash('1')}, {"n", 1}});
  EXPECT_EQ(winner(db, "a"), longer);
  const std::string stone = saved(db, {{"_id", "a"}, {"_rev", longer}, {"_deleted", true}});
  EXPECT_EQ(winner(db, "a"), "1-" + hash('2'));
  // A deleted branch is a leaf as well, as long as another one lives.
  const std::string again = saved(db, {{"_id", "a"}, {"_rev", stone}, {"n", 2}});
  EXPECT_EQ(winner(db, "a"), again);
  EXPECT_EQ(db.save({{"_id", "a"}, {"_rev", longer}, {"n", 3}}).outcome, Saved::Outcome::conflict);
}

TEST_P(Branches, SomethingNewGoesOnFromTheWinningDeletion) {
  Database db = make();
  replicated(db, "a", 2, {hash('1'), hash('a')}, {{"_deleted", true}});
  replicated(db, "a", 2, {hash('2'), hash('b')}, {{"_deleted", true}});
  const std::string rev = saved(db, {{"_id", "a"}, {"n", 1}});
  const Answer shown = ask(db, "GET", "a?revs=true");
  EXPECT_EQ(shown.body.at("_revisions").at("ids").at(1), json::value(hash('2')));
  EXPECT_EQ(rev.substr(0, 2), "3-");
}

TEST_P(Branches, WhatIsKnownAlreadyIsNoChange) {
  Database db = make();
  replicated(db, "a", 2, {hash('b'), hash('a')}, {{"n", 1}});
  const std::string seq = db.update_seq();
  EXPECT_THAT(replicated(db, "a", 2, {hash('b'), hash('a')}, {{"n", 1}}).body.as_array(), IsEmpty());
  EXPECT_EQ(db.update_seq(), seq);
}

TEST_P(Branches, AHistoryIsJoinedWhereItMeetsTheTree) {
  Database db = make();
  replicated(db, "a", 1, {hash('a')});
  replicated(db, "a", 4, {hash('d'), hash('c'), hash('b'), hash('a')});
  EXPECT_THAT(leaves(db, "a"), ElementsAre("4-" + hash('d')));
  replicated(db, "a", 3, {hash('e'), hash('b'), hash('a')});
  EXPECT_THAT(leaves(db, "a"), ElementsAre("4-" + hash('d'), "3-" + hash('e')));
  // Known by its hash, not by its body.
  const Answer lacks = ask(db, "GET", "a?open_revs=%5B%223-" + hash('c') + "%22%5D");
  EXPECT_EQ(lacks.body, (json::value{{{"missing", "3-" + hash('c')}}}));
  EXPECT_EQ(ask(db, "GET", "a?rev=3-" + hash('c')).status, 404);
}

TEST_P(Branches, AReplicatedRevisionNeedsItsRev) {
  Database db = make();
  const Answer refused = ask(db, "POST", "_bulk_docs", {{"new_edits", false}, {"docs", {{{"_id", "a"}}}}});
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(ask(db, "POST", "_bulk_docs", {{"new_edits", 7}, {"docs", json::array()}}).status, 400);
  const Answer odd = ask(db, "POST", "_bulk_docs",
                         {{"new_edits", false}, {"docs", {{{"_id", "a"}, {"_revisions", {{"start", "x"}, {"ids", json::array()}}}}}}});
  EXPECT_EQ(odd.error(), "doc_validation");
}

TEST_P(Branches, OneDocumentCanBePutAsReplicated) {
  Database db = make();
  const Answer put = ask(db, "PUT", "a?new_edits=false", {{"_rev", "5-" + hash('5')}, {"n", 1}});
  EXPECT_EQ(put.status, 201);
  EXPECT_EQ(put.rev(), "5-" + hash('5'));
  EXPECT_EQ(winner(db, "a"), put.rev());
}

TEST_P(Branches, OpenRevsAnswersForEveryLeaf) {
  Database db = make();
  replicated(db, "a", 1, {hash('1')}, {{"n", 1}});
  replicated(db, "a", 1, {hash('2')}, {{"_deleted", true}});
  const Answer all = ask(db, "GET", "a?open_revs=all&revs=true");
  ASSERT_THAT(all.body.as_array(), SizeIs(2));
  for (const json::value& row : all.body.as_array()) EXPECT_EQ(row.at("ok").at("_revisions").at("start"), json::value(1));
  EXPECT_EQ(ask(db, "GET", "none?open_revs=all").status, 404);
  const Answer none = ask(db, "GET", "none?open_revs=%5B%221-abc%22%5D");
  EXPECT_EQ(none.body, (json::value{{{"missing", "1-abc"}}}));
}

TEST_P(Branches, RevsDiffTellsWhatIsLacking) {
  Database db = make();
  replicated(db, "a", 2, {hash('b'), hash('a')});
  const Answer diff = ask(db, "POST", "_revs_diff",
                          {{"a", {"1-" + hash('a'), "2-" + hash('b'), "3-" + hash('c')}}, {"none", {"1-x"}}, {"b", json::array()}});
  EXPECT_EQ(diff.body, (json::value{{"a", {{"missing", {"3-" + hash('c')}}, {"possible_ancestors", {"2-" + hash('b')}}}},
                                    {"none", {{"missing", {"1-x"}}}}}));
}

TEST_P(Branches, BulkGetReadsRevisions) {
  Database db = make();
  replicated(db, "a", 2, {hash('b'), hash('a')}, {{"n", 1}});
  const Answer got = ask(db, "POST", "_bulk_get?revs=true",
                         {{"docs", {{{"id", "a"}, {"rev", "2-" + hash('b')}}, {{"id", "a"}, {"rev", "2-" + hash('f')}}, {{"id", "a"}}}}});
  const json::array results = got.rows("results");
  ASSERT_THAT(results, SizeIs(3));
  EXPECT_EQ(results[0].at("docs").at(0).at("ok").at("_revisions").at("ids"), (json::value{hash('b'), hash('a')}));
  EXPECT_EQ(results[1].at("docs").at(0).at("error").at("error"), json::value("not_found"));
  EXPECT_EQ(results[2].at("docs").at(0).at("ok").at("n"), json::value(1));
}

TEST_P(Branches, ReplicationBringsAllLeavesOnce) {
  Database source = make("source");
  Database target = make("target");
  replicated(source, "a", 2, {hash('b'), hash('a')}, {{"n", 1}});
  replicated(source, "a", 2, {hash('c'), hash('a')}, {{"n", 2}});
  saved(source, {{"_id", "b"}, {"n", 3}});
  saved(target, {{"_id", "b"}, {"n", 4}});
  const std::vector<std::string> only{"b"};
  EXPECT_EQ(replicate(source, target, {.ids = &only}).written, 1);
  EXPECT_EQ(replicate(source, target).written, 2);
  EXPECT_EQ(replicate(source, target).written, 0);
  EXPECT_EQ(replicate(target, source).written, 1);
  EXPECT_EQ(leaves(source, "a"), leaves(target, "a"));
  EXPECT_THAT(leaves(source, "b"), SizeIs(2));
  EXPECT_EQ(winner(source, "b"), winner(target, "b"));
}

// --- purge

TEST_P(Branches, PurgedWholeADocumentWasNeverThere) {
  Database db = make();
  const std::string first = saved(db, {{"_id", "a"}});
  const std::string second = saved(db, {{"_id", "a"}, {"_rev", first}, {"n", 1}});
  const std::string seq = db.update_seq();
  const Answer purged = ask(db, "POST", "_purge", {{"a", {second}}, {"none", {"1-abc"}}});
  EXPECT_EQ(purged.status, 201);
  EXPECT_EQ(purged.body.at("purged"), (json::value{{"a", {second}}, {"none", json::array()}}));
  EXPECT_EQ(ask(db, "GET", "a").reason(), "missing");
  EXPECT_EQ(ask(db, "GET", "a?rev=" + first).status, 404);
  EXPECT_THAT(db.changes({}).rows, IsEmpty());
  EXPECT_NE(db.update_seq(), seq);
  EXPECT_THAT(saved(db, {{"_id", "a"}}), first);
}

TEST_P(Branches, PurgedInPartTheNextLeafWins) {
  Database db = make();
  replicated(db, "a", 3, {hash('c'), hash('b'), hash('a')});
  replicated(db, "a", 2, {hash('d'), hash('a')});
  const std::string seq = db.update_seq();
  // What is no leaf stays.
  EXPECT_EQ(ask(db, "POST", "_purge", {{"a", {"2-" + hash('b')}}}).body.at("purged").at("a").as_array().size(), 0u);
  db.purge({{"a", {"3-" + hash('c')}}});
  EXPECT_EQ(winner(db, "a"), "2-" + hash('d'));
  EXPECT_EQ(ask(db, "POST", "_revs_diff", {{"a", {"2-" + hash('b'), "1-" + hash('a')}}}).body.at("a").at("missing"),
            (json::value{"2-" + hash('b')}));
  Database::ChangesQuery query;
  query.since = seq;
  EXPECT_THAT(db.changes(query).rows, SizeIs(1));
}

TEST_P(Branches, APurgeTakesAHundredIds) {
  Database db = make();
  json::object revs;
  for (int i = 0; i < 101; ++i) revs[std::to_string(i)] = json::array{"1-abc"};
  EXPECT_EQ(ask(db, "POST", "_purge", revs).status, 400);
  revs.erase("0");
  EXPECT_EQ(ask(db, "POST", "_purge", revs).status, 201);
}

}  // namespace
}  // namespace channels::simulation
