// Feeds: _changes in its styles, filters and ways to wait, seqs, _db_updates, what a server tells of its databases.
#include <atomic>
#include <thread>

#include "base/errors.h"
#include "rules.h"

namespace channels::simulation {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr seconds patience{30};

class ChangesFeed : public Rules {
 protected:
  static std::vector<std::string> ids(const Changes& changes) {
    std::vector<std::string> found;
    for (const Change& change : changes.rows) found.push_back(change.id);
    return found;
  }
  static std::vector<std::string> ids(const Answer& answer) {
    std::vector<std::string> found;
    for (const json::value& row : answer.rows("results")) found.push_back(string_or(row.as_object(), "id", ""));
    return found;
  }
  static Database::ChangesQuery since(const std::string& seq, std::size_t limit = 500) {
    Database::ChangesQuery query;
    query.since = seq;
    query.limit = limit;
    return query;
  }
  // The lines of a continuous feed until `enough`, and no longer than a test may take.
  std::vector<std::string> lines(const std::string& path, const std::function<bool(const std::vector<std::string>&)>& enough) {
    std::vector<std::string> found;
    std::stop_source stop;
    const MonoTime deadline = env_.mono_now() + patience;
    server_->stream_lines(path, patience, stop.get_token(), [&](std::string_view line) {
      found.emplace_back(line);
      return !enough(found) && env_.mono_now() < deadline;
    });
    return found;
  }
};
RUN_ON_BOTH(ChangesFeed);

TEST_P(ChangesFeed, HasOneRowForEachDocumentAtItsLatestChange) {
  Database db = make();
  const std::string rev = saved(db, {{"_id", "a"}});
  saved(db, {{"_id", "b"}});
  saved(db, {{"_id", "a"}, {"_rev", rev}, {"n", 2}});
  const Changes changes = db.changes({});
  EXPECT_THAT(ids(changes), ElementsAre("b", "a"));
  EXPECT_EQ(changes.rows[1].doc.at("n"), json::value(2));
  EXPECT_EQ(changes.pending, 0);
}

TEST_P(ChangesFeed, WithinARequestChangesComeInTheOrderOfIds) {
  Database db = make();
  db.save_all({{{"_id", "c"}}, {{"_id", "a"}}, {{"_id", "b"}}});
  EXPECT_THAT(ids(db.changes({})), ElementsAre("a", "b", "c"));
}

TEST_P(ChangesFeed, EndsWhereAnIdleDatabaseStands) {
  Database db = make();
  saved(db, {{"_id", "a"}});
  const std::string last = db.changes({}).last_seq;
  EXPECT_EQ(last, db.update_seq());
  EXPECT_EQ(last, db.changes(since(last)).last_seq);
  EXPECT_EQ(last, server_->database_infos({db.name()})[0].update_seq);
  saved(db, {{"_id", "b"}});
  EXPECT_NE(last, db.update_seq());
  EXPECT_THAT(ids(db.changes(since(last))), ElementsAre("b"));
}

TEST_P(ChangesFeed, ReadInPiecesLosesNothing) {
  Database db = make();
  for (const char* id : {"a", "b", "c", "d", "e"}) saved(db, {{"_id", id}});
  const Changes first = db.changes(since("0", 2));
  EXPECT_THAT(ids(first), ElementsAre("a", "b"));
  EXPECT_EQ(first.pending, 3);
  EXPECT_EQ(first.last_seq, first.rows.back().seq);
  EXPECT_THAT(ids(db.changes(since(first.last_seq))), ElementsAre("c", "d", "e"));
  EXPECT_THAT(ids(db.changes(since(first.rows[0].seq, 1))), ElementsAre("b"));
}

TEST_P(ChangesFeed, TellsOfDeletionsAndOfAllLeaves) {
  Database db = make();
  const std::string rev = saved(db, {{"_id", "a"}});
  saved(db, {{"_id", "a"}, {"_rev", rev}, {"_deleted", true}});
  replicated(db, "b", 1, {hash('1')}, {{"n", 1}});
  replicated(db, "b", 1, {hash('2')}, {{"n", 2}});
  const Changes changes = db.changes({});
  ASSERT_THAT(changes.rows, SizeIs(2));
  EXPECT_TRUE(changes.rows[0].deleted);
  EXPECT_TRUE(is_deleted(changes.rows[0].doc));
  EXPECT_THAT(changes.rows[1].revs, ElementsAre("1-" + hash('2'), "1-" + hash('1')));
  EXPECT_EQ(changes.rows[1].doc.at("n"), json::value(2));
  const Answer plain = ask(db, "GET", "_changes");
  EXPECT_THAT(plain.rows("results")[1].at("changes").as_array(), SizeIs(1));
}

TEST_P(ChangesFeed, CanBeOfSomeDocuments) {
  Database db = make();
  for (const char* id : {"a", "b", "_design/x"}) saved(db, {{"_id", id}});
  EXPECT_THAT(ids(ask(db, "POST", "_changes?filter=_doc_ids", {{"doc_ids", {"b", "none"}}})), ElementsAre("b"));
  EXPECT_THAT(ids(ask(db, "GET", "_changes?filter=_doc_ids&doc_ids=%5B%22a%22%5D")), ElementsAre("a"));
  EXPECT_THAT(ids(ask(db, "GET", "_changes?filter=_design")), ElementsAre("_design/x"));
  EXPECT_EQ(string_or(ask(db, "GET", "_changes?filter=_design").body.as_object(), "last_seq", ""), db.update_seq());
}

TEST_P(ChangesFeed, CanBeFilteredByAFunction) {
  Database db = make();
  saved(db, {{"_id", "_design/x"}, {"filters", {{"of", "function (doc, req) { return doc.kind === req.query.kind; }"}}}});
  saved(db, {{"_id", "a"}, {"kind", "red"}});
  saved(db, {{"_id", "b"}, {"kind", "blue"}});
  EXPECT_THAT(ids(ask(db, "GET", "_changes?filter=x/of&kind=blue")), ElementsAre("b"));
  EXPECT_EQ(ask(db, "GET", "_changes?filter=x/none").status, 404);
  EXPECT_EQ(ask(db, "GET", "_changes?filter=none/of").status, 404);
}

TEST_P(ChangesFeed, KnowsItsOwnSeqsOnly) {
  Database db = make();
  saved(db, {{"_id", "a"}});
  EXPECT_THAT(ids(ask(db, "GET", "_changes?since=0")), ElementsAre("a"));
  EXPECT_THAT(ids(ask(db, "GET", "_changes?since=now")), IsEmpty());
  for (const char* seq : {"1", "abc", "1-abc"}) EXPECT_EQ(ask(db, "GET", std::string("_changes?since=") + seq).status, 400) << seq;
}

TEST_P(ChangesFeed, BeginsAnewWhenTheDatabaseWasMadeAnew) {
  Database db = make();
  for (const char* id : {"a", "b", "c"}) saved(db, {{"_id", id}});
  const std::string seq = db.update_seq();
  server_->request("DELETE", db.path());
  make();
  saved(db, {{"_id", "d"}});
  EXPECT_THAT(ids(db.changes(since(seq))), ElementsAre("d"));
}

TEST_P(ChangesFeed, ASecurityObjectIsAChangeOfTheSeqAlone) {
  Database db = make();
  const std::string seq = db.update_seq();
  db.put_security({{"admins", json::object()}, {"members", json::object()}});
  EXPECT_NE(db.update_seq(), seq);
  EXPECT_THAT(db.changes(since(seq)).rows, IsEmpty());
}

// --- waiting

TEST_P(ChangesFeed, ALongPollAnswersAtOnceWhatIsThere) {
  Database db = make();
  saved(db, {{"_id", "a"}});
  Database::ChangesQuery query;
  query.long_poll = patience;
  const MonoTime began = env_.mono_now();
  EXPECT_THAT(ids(db.changes(query)), ElementsAre("a"));
  EXPECT_LT(env_.mono_now() - began, patience);
}

TEST_P(ChangesFeed, ALongPollWakesWithAChange) {
  Database db = make();
  saved(db, {{"_id", "a"}});
  std::atomic<bool> woken{false};
  // The server may be deaf for a moment: so there is more than one change.
  const auto writer = env_.start("writer", [&] {
    for (int i = 0; !woken && i < 200; ++i) {
      db.save({{"_id", "new" + std::to_string(i)}});
      std::this_thread::sleep_for(milliseconds(100));
    }
  });
  Database::ChangesQuery query = since(db.update_seq());
  query.long_poll = patience;
  const Changes changes = db.changes(query);
  woken = true;
  EXPECT_THAT(ids(changes), Contains(HasSubstr("new")));
}

TEST_P(ChangesFeed, ALongPollEndsEmptyAfterItsTime) {
  Database db = make();
  saved(db, {{"_id", "a"}});
  Database::ChangesQuery query = since(db.update_seq());
  query.long_poll = milliseconds(300);
  const Changes changes = db.changes(query);
  EXPECT_THAT(changes.rows, IsEmpty());
  EXPECT_EQ(changes.last_seq, db.update_seq());
}

TEST_P(ChangesFeed, ALongPollIsStopped) {
  Database db = make();
  saved(db, {{"_id", "a"}});
  std::stop_source stop;
  const auto stopper = env_.start("stopper", [&] { stop.request_stop(); });
  Database::ChangesQuery query = since(db.update_seq());
  query.long_poll = patience;
  query.stop = stop.get_token();
  EXPECT_THROW(db.changes(query), Unavailable);
}

TEST_P(ChangesFeed, AContinuousOneBeatsWhileNothingComes) {
  Database db = make();
  saved(db, {{"_id", "a"}});
  const auto found = lines(db.path("_changes?feed=continuous&heartbeat=100"), [](const auto& lines) { return lines.size() >= 3; });
  ASSERT_THAT(found, SizeIs(3));
  EXPECT_THAT(found[0], HasSubstr("\"id\":\"a\""));
  EXPECT_EQ(found[1], "");
  EXPECT_EQ(found[2], "");
}

TEST_P(ChangesFeed, AContinuousOneEndsAtItsLimitAndItsTime) {
  Database db = make();
  for (const char* id : {"a", "b"}) saved(db, {{"_id", id}});
  const auto endless = [](const auto&) { return false; };
  auto limited = lines(db.path("_changes?feed=continuous&limit=1"), endless);
  std::erase(limited, "");
  ASSERT_THAT(limited, SizeIs(2));
  EXPECT_THAT(limited[1], HasSubstr("\"last_seq\""));
  auto timed = lines(db.path("_changes?feed=continuous&timeout=200"), endless);
  std::erase(timed, "");
  ASSERT_THAT(timed, SizeIs(3));
  EXPECT_THAT(timed[2], AllOf(HasSubstr("\"last_seq\""), HasSubstr("\"pending\":0")));
}

// --- the server's

TEST_P(ChangesFeed, UpdatesTellOfEveryDatabase) {
  ask("PUT", "_global_changes");
  const std::string begin = ask("GET", "_db_updates?limit=1").status == 200 ? "now" : "0";
  std::atomic<bool> heard{false};
  const auto writer = env_.start("writer", [&] {
    Database db = make();
    for (int i = 0; !heard && i < 100; ++i) {
      db.save({{"_id", std::to_string(i)}});
      std::this_thread::sleep_for(milliseconds(100));
    }
    server_->request("DELETE", db.path());
  });
  const std::string name = tag_ + "-db";
  const auto told = [&](const std::string& line, const char* event) {
    return line.find("\"" + name + "\"") != std::string::npos && line.find(event) != std::string::npos;
  };
  int stage = 0;
  const char* events[] = {"created", "updated", "deleted"};
  const auto found = lines("_db_updates?feed=continuous&heartbeat=1000&since=" + begin, [&](const auto& lines) {
    if (told(lines.back(), "updated")) heard = true;
    if (stage < 3 && told(lines.back(), events[stage])) ++stage;
    return stage == 3;
  });
  heard = true;
  EXPECT_EQ(stage, 3) << found.size() << " lines";
}

TEST_P(ChangesFeed, DatabasesAreListedFromAName) {
  for (const char* name : {"a", "b", "c"}) make(name);
  EXPECT_THAT(server_->database_names(tag_ + "-a", 2), ElementsAre(tag_ + "-b", tag_ + "-c"));
  const auto infos = server_->database_infos({tag_ + "-b", tag_ + "-none"});
  ASSERT_THAT(infos, SizeIs(2));
  EXPECT_FALSE(infos[0].missing);
  EXPECT_TRUE(infos[1].missing);
  json::array keys(101, "x");
  EXPECT_EQ(ask("POST", "_dbs_info", {{"keys", keys}}).status, 400);
}

TEST_P(ChangesFeed, ADatabaseIsMadeOnce) {
  Database db(*server_, tag_ + "-db");
  EXPECT_FALSE(db.exists());
  EXPECT_EQ(db.create(1), Created::made);
  EXPECT_EQ(db.create(1), Created::existed);
  EXPECT_EQ(db.copies(), 1);
  EXPECT_EQ(ask("PUT", "Upper").error(), "illegal_database_name");
  EXPECT_EQ(ask("DELETE", tag_ + "-none").status, 404);
  EXPECT_EQ(ask("GET", tag_ + "-none/_changes").status, 404);
}

}  // namespace
}  // namespace channels::simulation
