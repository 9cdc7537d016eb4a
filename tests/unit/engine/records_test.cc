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
            {"value", {{"database", doc.at("database")}, {"id", doc.at("id")}}}};
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
  EXPECT_EQ(records_.load_checkpoint("a"), "0");
  EXPECT_EQ(records_.checkpoints({"a"}), (std::vector<std::optional<std::string>>{std::nullopt}));
}

TEST_F(RecordsTest, CheckpointsAreWrittenBehindInOneRequest) {
  records_.put_checkpoint("a", "5-x");
  records_.put_checkpoint("b", "6-y");
  records_.put_checkpoint("a", "7-z");
  EXPECT_TRUE(couch_.requests.empty());
  EXPECT_EQ(records_.load_checkpoint("a"), "7-z");
  records_.flush_checkpoints();
  EXPECT_EQ(couch_.requests, Strings{"POST _bulk_docs"});
  EXPECT_EQ(saved_seq("a"), "7-z");
  EXPECT_EQ(saved_seq("b"), "6-y");
  EXPECT_TRUE(same_content(couch_.docs.at("checkpoint-" + sha256_hex("a")),
                           {{"_id", "checkpoint-" + sha256_hex("a")},
                            {"type", "checkpoint"},
                            {"database", "a"},
                            {"seq", "7-z"}}));
  records_.flush_checkpoints();
  EXPECT_EQ(couch_.requests.size(), 1U);  // nothing is new
}

TEST_F(RecordsTest, CheckpointIsSavedAgainWithoutReadingItsRev) {
  for (const std::string seq : {"1", "2", "3"}) {
    records_.put_checkpoint("a", seq);
    records_.flush_checkpoints();
    EXPECT_EQ(saved_seq("a"), seq);
  }
  EXPECT_EQ(couch_.requests, (Strings{"POST _bulk_docs", "POST _bulk_docs", "POST _bulk_docs"}));
}

TEST_F(RecordsTest, CheckpointGoesOverAnothersRevision) {
  Records other(env_, registry_);
  records_.put_checkpoint("a", "1");
  records_.flush_checkpoints();
  other.put_checkpoint("a", "2");
  other.flush_checkpoints();
  EXPECT_EQ(saved_seq("a"), "2");
  records_.put_checkpoint("a", "3");
  records_.flush_checkpoints();
  EXPECT_EQ(saved_seq("a"), "3");
  EXPECT_EQ(other.load_checkpoint("a"), "3");
}

TEST_F(RecordsTest, CheckpointIsMadeAgainIfSomebodyRemovedIt) {
  records_.put_checkpoint("a", "1");
  records_.flush_checkpoints();
  couch_.docs.clear();
  records_.put_checkpoint("a", "2");
  records_.flush_checkpoints();
  EXPECT_EQ(saved_seq("a"), "2");
}

TEST_F(RecordsTest, CheckpointsSurviveAServerThatIsDown) {
  records_.put_checkpoint("a", "1");
  records_.put_checkpoint("b", "1");
  couch_.before = [this](const HttpRequest&) {
    records_.put_checkpoint("a", "2");  // a newer one meanwhile
    throw Unavailable("down");
  };
  EXPECT_THROW(records_.flush_checkpoints(), Unavailable);
  couch_.before = nullptr;
  EXPECT_EQ(records_.load_checkpoint("a"), "2");
  EXPECT_EQ(records_.load_checkpoint("b"), "1");
  records_.flush_checkpoints();
  EXPECT_EQ(saved_seq("a"), "2");
  EXPECT_EQ(saved_seq("b"), "1");
}

TEST_F(RecordsTest, CheckpointsOfManyDatabasesAreCutIntoSeveralSaves) {
  for (int i = 0; i < 1200; ++i)
    records_.put_checkpoint("db" + std::to_string(i), std::to_string(i));
  records_.flush_checkpoints();
  EXPECT_EQ(couch_.requests.size(), 3U);
  EXPECT_EQ(couch_.docs.size(), 1200U);
  EXPECT_EQ(records_.checkpoints({"db0", "nothing", "db1199"}),
            (std::vector<std::optional<std::string>>{"0", std::nullopt, "1199"}));
}

// --- revisits ---

TEST_F(RecordsTest, RevisitsAreDueInTheOrderOfTheirTimes) {
  records_.put_revisits({{"a", "late", in(seconds(30))},
                         {"b", "early", in(seconds(10))},
                         {"a", "middle", in(seconds(20))}});
  EXPECT_EQ(due(in(seconds(9))), Strings{});
  EXPECT_EQ(due(in(seconds(20))), (Strings{"b/early", "a/middle"}));
  EXPECT_EQ(due(in(seconds(60)), 2), (Strings{"b/early", "a/middle"}));
  EXPECT_EQ(records_.due_revisits(in(seconds(10)), 1).at(0).due, in(seconds(10)));
}

TEST_F(RecordsTest, RevisitIsOneForADocument) {
  records_.put_revisits({{"a", "x", in(seconds(10))}});
  records_.put_revisits({{"a", "x", in(seconds(50))}});
  EXPECT_EQ(due(in(seconds(10))), Strings{});
  EXPECT_EQ(due(in(seconds(50))), Strings{"a/x"});
  EXPECT_EQ(couch_.docs.size(), 1U);
}

TEST_F(RecordsTest, RevisitsThatAreSettledGo) {
  records_.put_revisits(
      {{"a", "x", in(seconds(1))}, {"a", "y", in(seconds(1))}, {"b", "x", in(seconds(1))}});
  records_.remove_revisits("a", {"x", "never there"});
  EXPECT_EQ(due(in(seconds(1))).size(), 2U);
  records_.remove_revisits("a", {"y"});
  EXPECT_EQ(due(in(seconds(1))), Strings{"b/x"});
}

TEST_F(RecordsTest, RevisitPutAgainMeanwhileStays) {
  records_.put_revisits({{"a", "x", in(seconds(1))}});
  Records other(env_, registry_);
  int bulk_saves = 0;
  couch_.before = [&](const HttpRequest& request) {
    if (request.url.ends_with("_bulk_docs") && bulk_saves++ == 0)
      other.put_revisits({{"a", "x", in(seconds(2))}});
  };
  records_.remove_revisits("a", {"x"});
  EXPECT_EQ(due(in(seconds(2))), Strings{"a/x"});
}

// --- failures ---

TEST_F(RecordsTest, FailureTellsWhatAPersonNeeds) {
  records_.put_failures({{"a", "x", "3-c", "device/new", 12, "why"}});
  const std::string id = "failure-" + sha256_hex("a\nx");
  EXPECT_EQ(couch_.ids(), Strings{id});
  EXPECT_TRUE(same_content(couch_.docs.at(id), {{"_id", id},
                                                {"type", "failure"},
                                                {"database", "a"},
                                                {"id", "x"},
                                                {"rev", "3-c"},
                                                {"rule", "device/new"},
                                                {"attempts", 12},
                                                {"reason", "why"},
                                                {"parked", true},
                                                {"last_time", "2024-05-01T12:39:12Z"}}))
      << json::serialize(couch_.docs.at(id));
  records_.put_failures({{"a", "x", "4-d", "device/new", 12, "again"}});
  EXPECT_EQ(couch_.ids(), Strings{id});
  EXPECT_EQ(couch_.docs.at(id).at("rev"), "4-d");
}

TEST_F(RecordsTest, RecordsThatChangeAllTheTimeAreUnavailable) {
  Records other(env_, registry_);
  bool inside = false;
  int other_saves = 0;
  couch_.before = [&](const HttpRequest& request) {
    if (inside || !request.url.ends_with("_bulk_docs")) return;
    inside = true;
    other.put_failures({{"a", "x", std::to_string(++other_saves), "r", 1, "theirs"}});
    inside = false;
  };
  EXPECT_THROW(records_.put_failures({{"a", "x", "1-a", "r", 1, "ours"}}), Unavailable);
  EXPECT_LT(other_saves, 20);
}

}  // namespace
}  // namespace channels
