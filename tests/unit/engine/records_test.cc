#include "engine/records.h"

#include <gtest/gtest.h>

#include "base/digest.h"
#include "unit/support/fake_couch.h"
#include "unit/support/fake_env.h"

namespace channels {
namespace {

class RecordsTest : public testing::Test {
 protected:
  RecordsTest() {
    couch_.views["revisits_by_due"] = [this](const json::object& query) {
      return revisits_by_due(query);
    };
  }

  // The view of the registry's design document: revisits by due time up to endkey.
  json::array revisits_by_due(const json::object& query) {
    std::map<std::string, json::object> by_due;
    for (const auto& [id, doc] : couch_.docs) {
      if (doc_type(doc) == "revisit")
        by_due[string_or(doc, "due", "") + id] = {
            {"id", id},
            {"key", doc.at("due")},
            {"doc", doc}};
    }
    json::array rows;
    for (auto& [key, row] : by_due) {
      if (string_or(row, "key", "") <= string_or(query, "endkey", "") &&
          rows.size() < static_cast<std::size_t>(int_or(query, "limit", 0)))
        rows.push_back(row);
    }
    return rows;
  }
  std::vector<std::string> due(WallTime until, std::size_t limit = 10) {
    std::vector<std::string> ids;
    for (const Revisit& revisit : records_.due_revisits(until, limit))
      ids.push_back(revisit.database + "/" + revisit.id);
    return ids;
  }
  WallTime in(seconds time) { return env_.wall_now() + time; }
  std::string seq(const std::string& database) { return records_.load_checkpoint(database).seq; }
  static Revisit revisit(const std::string& database, const std::string& id, WallTime due) {
    return {database, id, due, {}, {}};
  }
  static ParkedFailure failure(const std::string& rev, const std::string& reason, int count = 1) {
    Attempts attempts;
    for (int i = 0; i < count; ++i) attempts.add(rev, WallTime(), reason);
    return {"a", "x", "device/new", attempts, {}};
  }
  std::string saved_seq(const std::string& database) {
    const auto found = couch_.docs.find("checkpoint-" + sha256_hex(database));
    return found == couch_.docs.end() ? "(none)" : string_or(found->second, "seq", "");
  }

  FakeEnv env_;
  FakeCouch couch_;
  NoCredentials nobody_;
  Server server_{couch_, nobody_, "http://couch"};
  Database registry_{server_, "registry"};
  Records records_{env_, registry_};
};

using Strings = std::vector<std::string>;

// --- checkpoints ---

TEST_F(RecordsTest, CheckpointIsZeroAtFirst) {
  EXPECT_EQ(seq("a"), "0");
  EXPECT_EQ(records_.load_checkpoint("a").counter, 0);
  EXPECT_FALSE(records_.checkpoints({"a"}).at(0));
}

TEST_F(RecordsTest, CheckpointsAreWrittenBehindInOneRequest) {
  records_.put_checkpoint("a", {"5-x", 4, 2});
  records_.put_checkpoint("b", {"6-y", 4, 2});
  records_.put_checkpoint("a", {"7-z", 4, 2});
  EXPECT_TRUE(couch_.requests.empty());
  EXPECT_EQ(seq("a"), "7-z");
  records_.flush_checkpoints();
  EXPECT_EQ(couch_.requests, Strings{"POST _bulk_docs"});
  EXPECT_EQ(saved_seq("a"), "7-z");
  EXPECT_EQ(saved_seq("b"), "6-y");
  EXPECT_TRUE(same_content(couch_.docs.at("checkpoint-" + sha256_hex("a")),
                           {{"_id", "checkpoint-" + sha256_hex("a")},
                            {"type", "checkpoint"},
                            {"database", "a"},
                            {"seq", "7-z"},
                            {"counter", 4},
                            {"design_version", 2}}));
  records_.flush_checkpoints();
  EXPECT_EQ(couch_.requests.size(), 1U);  // nothing is new
}

TEST_F(RecordsTest, CheckpointIsSavedAgainWithoutReadingItsRev) {
  for (const std::string seq : {"1", "2", "3"}) {
    records_.put_checkpoint("a", {seq, 4, 2});
    records_.flush_checkpoints();
    EXPECT_EQ(saved_seq("a"), seq);
  }
  EXPECT_EQ(couch_.requests, (Strings{"POST _bulk_docs", "POST _bulk_docs", "POST _bulk_docs"}));
}

TEST_F(RecordsTest, CheckpointGoesOverAnothersRevision) {
  Records other(env_, registry_);
  records_.put_checkpoint("a", {"1", 4, 2});
  records_.flush_checkpoints();
  other.put_checkpoint("a", {"2", 4, 2});
  other.flush_checkpoints();
  EXPECT_EQ(saved_seq("a"), "2");
  records_.put_checkpoint("a", {"3", 4, 2});
  records_.flush_checkpoints();
  EXPECT_EQ(saved_seq("a"), "3");
  EXPECT_EQ(other.load_checkpoint("a").seq, "3");
}

// Read along with another's, and wanted only when somebody else has followed the database meanwhile.
TEST_F(RecordsTest, CheckpointReadAheadIsNotBelievedForLong) {
  Records other(env_, registry_);
  records_.load_checkpoint("a", {"b", "c"});
  other.put_checkpoint("b", {"7", 26, 2});
  other.put_checkpoint("c", {"8", 4, 2});
  other.flush_checkpoints();
  EXPECT_EQ(seq("c"), "0") << "at once: what was read along";
  env_.advance(seconds(6));
  EXPECT_EQ(records_.load_checkpoint("b").counter, 26);
}

TEST_F(RecordsTest, CheckpointIsMadeAgainIfSomebodyRemovedIt) {
  records_.put_checkpoint("a", {"1", 4, 2});
  records_.flush_checkpoints();
  couch_.docs.clear();
  records_.put_checkpoint("a", {"2", 4, 2});
  records_.flush_checkpoints();
  EXPECT_EQ(saved_seq("a"), "2");
}

TEST_F(RecordsTest, CheckpointsSurviveAServerThatIsDown) {
  records_.put_checkpoint("a", {"1", 4, 2});
  records_.put_checkpoint("b", {"1", 4, 2});
  couch_.before = [this](const HttpRequest&) {
    records_.put_checkpoint("a", {"2", 4, 2});  // a newer one meanwhile
    throw Unavailable("down");
  };
  EXPECT_THROW(records_.flush_checkpoints(), Unavailable);
  couch_.before = nullptr;
  EXPECT_EQ(seq("a"), "2");
  EXPECT_EQ(seq("b"), "1");
  records_.flush_checkpoints();
  EXPECT_EQ(saved_seq("a"), "2");
  EXPECT_EQ(saved_seq("b"), "1");
}

// The answer to an earlier try was lost; and one that a validation function doesn't let in.
TEST_F(RecordsTest, WhatGoesBesideTheCheckpointsIsTriedOnceAndHoldsThemUpInNoCase) {
  couch_.docs["audit-1"] = {{"_id", "audit-1"}, {"_rev", "1-a"}, {"what", "first"}};
  couch_.refused = {"audit-2"};
  records_.put_checkpoint("a", {"1", 4, 2});
  const auto refused = records_.flush_checkpoints({{{"_id", "audit-1"}, {"what", "again"}}, {{"_id", "audit-2"}}, {{"_id", "audit-3"}}});
  EXPECT_EQ(refused, Strings{"audit-2"});
  EXPECT_EQ(couch_.requests, Strings{"POST _bulk_docs"});
  EXPECT_EQ(saved_seq("a"), "1");
  EXPECT_EQ(string_or(couch_.docs.at("audit-1"), "what", ""), "first");
  EXPECT_TRUE(couch_.docs.contains("audit-3"));
}

TEST_F(RecordsTest, CheckpointsOfManyDatabasesAreCutIntoSeveralSaves) {
  for (int i = 0; i < 1200; ++i)
    records_.put_checkpoint("db" + std::to_string(i), {std::to_string(i), 4, 2});
  records_.flush_checkpoints();
  EXPECT_EQ(couch_.requests.size(), 3U);
  EXPECT_EQ(couch_.docs.size(), 1200U);
  const auto found = records_.checkpoints({"db0", "nothing", "db1199"});
  EXPECT_EQ(found.at(0)->seq, "0");
  EXPECT_FALSE(found.at(1));
  EXPECT_EQ(found.at(2)->seq, "1199");
  EXPECT_EQ(found.at(2)->counter, 4);
}

// --- revisits ---

TEST_F(RecordsTest, RevisitsAreDueInTheOrderOfTheirTimes) {
  records_.put_revisits({revisit("a", "late", in(seconds(30))),
                         revisit("b", "early", in(seconds(10))),
                         revisit("a", "middle", in(seconds(20)))});
  EXPECT_EQ(due(in(seconds(9))), Strings{});
  EXPECT_EQ(due(in(seconds(20))), (Strings{"b/early", "a/middle"}));
  EXPECT_EQ(due(in(seconds(60)), 2), (Strings{"b/early", "a/middle"}));
  EXPECT_EQ(records_.due_revisits(in(seconds(10)), 1).at(0).due, in(seconds(10)));
}

TEST_F(RecordsTest, RevisitIsOneForADocument) {
  records_.put_revisits({revisit("a", "x", in(seconds(10)))});
  records_.put_revisits({revisit("a", "x", in(seconds(50)))});
  EXPECT_EQ(due(in(seconds(10))), Strings{});
  EXPECT_EQ(due(in(seconds(50))), Strings{"a/x"});
  EXPECT_EQ(couch_.docs.size(), 1U);
}

TEST_F(RecordsTest, RevisitsAreReadPageByPage) {
  records_.put_revisits({revisit("a", "x", in(seconds(1))), revisit("a", "y", in(seconds(2)))});
  json::object asked;
  couch_.views["revisits_by_due"] = [&](const json::object& query) {
    asked = query;
    return revisits_by_due(query);
  };
  const auto first = records_.due_revisits(in(seconds(9)), 1);
  EXPECT_FALSE(asked.contains("skip"));
  records_.due_revisits(in(seconds(9)), 1, &first.front());
  EXPECT_EQ(string_or(asked, "startkey", ""), format_time(in(seconds(1))));
  EXPECT_EQ(string_or(asked, "startkey_docid", ""), "revisit-" + sha256_hex("a\nx"));
  EXPECT_EQ(asked.at("skip"), 1);
}

TEST_F(RecordsTest, RevisitKeepsTheAttempts) {
  Revisit failed = revisit("a", "x", in(seconds(1)));
  failed.attempts.add("3-c", env_.wall_now(), "no");
  failed.attempts.add("3-c", env_.wall_now(), "never");
  records_.put_revisits({failed});
  const Revisit found = records_.due_revisits(in(seconds(1)), 1).at(0);
  EXPECT_EQ(found.attempts.rev, "3-c");
  EXPECT_EQ(found.attempts.count, 2);
  ASSERT_EQ(found.attempts.history.size(), 2U);
  EXPECT_EQ(found.attempts.history[1].reason, "never");
}

TEST_F(RecordsTest, RevisitsThatAreSettledGo) {
  records_.put_revisits({revisit("a", "x", in(seconds(1))), revisit("b", "y", in(seconds(1)))});
  const auto found = records_.due_revisits(in(seconds(1)), 10);
  ASSERT_EQ(found.size(), 2U);
  records_.remove_revisits({found[0]});
  EXPECT_EQ(due(in(seconds(1))).size(), 1U);
}

// Another worker put it off meanwhile: what was read before must not take that away.
TEST_F(RecordsTest, RevisitPutAgainMeanwhileStays) {
  records_.put_revisits({revisit("a", "x", in(seconds(1)))});
  const auto found = records_.due_revisits(in(seconds(1)), 10);
  Records other(env_, registry_);
  other.put_revisits({revisit("a", "x", in(seconds(2)))});
  records_.remove_revisits(found);
  EXPECT_EQ(due(in(seconds(2))), Strings{"a/x"});
}

// --- failures ---

TEST_F(RecordsTest, FailureTellsWhatAPersonNeeds) {
  records_.put_failures({failure("3-c", "why", 12)});
  const std::string id = "failure-" + sha256_hex("a\nx");
  EXPECT_EQ(couch_.ids(), Strings{id});
  const Document& doc = couch_.docs.at(id);
  EXPECT_EQ(doc.at("rule"), "device/new");
  EXPECT_EQ(doc.at("reason"), "why");
  EXPECT_EQ(doc.at("parked"), true);
  EXPECT_EQ(doc.at("last_time"), "2024-05-01T12:39:12Z");
  EXPECT_EQ(doc.at("attempts").at("rev"), "3-c");
  EXPECT_EQ(doc.at("attempts").at("count"), 12);
  EXPECT_EQ(doc.at("attempts").at("history").as_array().size(), 10U);
  records_.put_failures({failure("4-d", "again")});
  EXPECT_EQ(couch_.ids(), Strings{id});
  EXPECT_EQ(couch_.docs.at(id).at("attempts").at("rev"), "4-d");
}

TEST_F(RecordsTest, FailureBroughtBackIsDueAtOnceWithoutItsAttempts) {
  records_.put_failures({failure("3-c", "why", 12)});
  const auto found = records_.failures(10);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].attempts.count, 12);
  records_.bring_back(found);
  EXPECT_TRUE(records_.failures(10).empty());
  const auto back = records_.due_revisits(in(seconds(0)), 10);
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].id, "x");
  EXPECT_EQ(back[0].attempts.count, 0);
}

TEST_F(RecordsTest, RecordsThatChangeAllTheTimeAreUnavailable) {
  Records other(env_, registry_);
  bool inside = false;
  int other_saves = 0;
  couch_.before = [&](const HttpRequest& request) {
    if (inside || !request.url.ends_with("_bulk_docs")) return;
    inside = true;
    other.put_failures({failure(std::to_string(++other_saves), "theirs")});
    inside = false;
  };
  EXPECT_THROW(records_.put_failures({failure("1-a", "ours")}), Unavailable);
  EXPECT_LT(other_saves, 20);
}

}  // namespace
}  // namespace channels
