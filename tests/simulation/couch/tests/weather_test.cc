// What only the in-memory server can be made to do: the weather, its life, and what checkers hear. On virtual time.
#include <gmock/gmock.h>

#include <set>

#include "base/errors.h"
#include "couch/database.h"
#include "provision/design_docs.h"
#include "simulation/couch/model_transport.h"
#include "story_env.h"

namespace channels::simulation {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

ModelOptions options(std::uint64_t seed) {
  ModelOptions options;
  options.seed = seed;
  options.secret = "cookie secret";
  options.admin_salt = "salt";
  return options;
}

struct World {
  explicit World(std::uint64_t seed = 1) : couch(env, options(seed)), transport(env, couch) {
    database.create(1);
  }
  Changes changes(const std::string& since, milliseconds long_poll = milliseconds(0), std::size_t limit = 500) {
    Database::ChangesQuery query;
    query.since = since;
    query.long_poll = long_poll;
    query.limit = limit;
    return database.changes(query);
  }

  StoryEnv env;
  ModelCouch couch;
  ModelTransport transport;
  BasicCredentials admin{"admin", "secret"};
  Server server{transport, admin, "http://in-memory"};
  Database database{server, "db"};
};

class WeatherRules : public ::testing::Test, public World {};

// --- quorum

TEST_F(WeatherRules, OfTwoRacingEditsTheSecondIsAcceptedAsABranch) {
  const std::string rev = database.save({{"_id", "a"}}).rev;
  couch.weather.split_vote = 1;
  EXPECT_EQ(database.save({{"_id", "a"}, {"_rev", rev}, {"by", 1}}).outcome, Saved::Outcome::saved);
  EXPECT_EQ(database.save({{"_id", "a"}, {"_rev", rev}, {"by", 2}}).outcome, Saved::Outcome::accepted);
  EXPECT_EQ(database.save({{"_id", "a"}, {"_rev", rev}, {"by", 2}}).outcome, Saved::Outcome::conflict);
  EXPECT_THAT(database.leaves("a"), SizeIs(2));
  env.advance(seconds(1));
  EXPECT_EQ(database.save({{"_id", "a"}, {"_rev", rev}, {"by", 3}}).outcome, Saved::Outcome::conflict);
}

TEST_F(WeatherRules, TwoThatMakeADocumentRaceAsWell) {
  database.save(design_doc("channel"));
  couch.weather.split_vote = 1;
  EXPECT_EQ(database.save({{"_id", "a"}, {"by", 1}}).outcome, Saved::Outcome::saved);
  EXPECT_EQ(database.save({{"_id", "a"}, {"by", 2}}).outcome, Saved::Outcome::accepted);
  EXPECT_THAT(database.leaves("a"), SizeIs(2));
  const Reply reply = server.request("PUT", "db/a", json::object{{"by", 3}});
  EXPECT_EQ(reply.status, 202);
}

TEST_F(WeatherRules, BelowQuorumEveryWriteIsAccepted) {
  couch.weather.below_quorum = true;
  EXPECT_EQ(database.save({{"_id", "a"}}).outcome, Saved::Outcome::accepted);
  const Reply reply = server.request("POST", "db/_bulk_docs", json::object{{"docs", {{{"_id", "b"}}}}});
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.body.at(0).at("accepted"), json::value(true));
  couch.weather = {};
  couch.weather.unsure_win = 1;
  EXPECT_EQ(database.save({{"_id", "c"}}).outcome, Saved::Outcome::accepted);
}

// --- feeds

TEST_F(WeatherRules, RowsThatAreShuffledAndReplayedLoseNothing) {
  bool disordered = false;
  bool repeated = false;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    World world(seed);
    std::vector<std::string> wanted;
    for (char id = 'a'; id <= 'p'; ++id) wanted.push_back(std::string(1, id));
    for (const std::string& id : wanted) world.database.save({{"_id", id}});
    world.couch.weather.shuffled_rows = 0.4;
    world.couch.weather.replayed_rows = 0.4;
    std::vector<std::string> seen;
    for (std::string since = "0"; since != world.database.update_seq();) {
      const Changes page = world.changes(since, milliseconds(0), 3);
      for (const Change& change : page.rows) seen.push_back(change.id);
      // Whoever goes on from a row in the middle misses nothing either.
      since = page.rows.size() > 1 && seed % 2 == 0 && !page.rows[1].seq.empty() ? page.rows[1].seq : page.last_seq;
      if (seen.size() > 500) break;
    }
    EXPECT_THAT(std::set<std::string>(seen.begin(), seen.end()), SizeIs(wanted.size())) << seed;
    disordered = disordered || !std::is_sorted(seen.begin(), seen.end());
    repeated = repeated || seen.size() > wanted.size();
  }
  EXPECT_TRUE(disordered);
  EXPECT_TRUE(repeated);
}

TEST_F(WeatherRules, ADeafPollHearsOfAChangeWithTheNextOne) {
  database.save({{"_id", "a"}});
  const std::string since = database.update_seq();
  couch.weather.deaf_poll = 1;
  env.after(milliseconds(0), [this] { database.save({{"_id", "missed"}}); });
  env.after(seconds(10), [this] { database.save({{"_id", "heard"}}); });
  const MonoTime began = env.mono_now();
  EXPECT_THAT(changes(since, seconds(60)).rows, SizeIs(2));
  EXPECT_EQ(env.mono_now() - began, seconds(10));
}

TEST_F(WeatherRules, APollWithGoodEarsHearsAtOnce) {
  const std::string since = database.update_seq();
  env.after(seconds(3), [this] { database.save({{"_id", "heard"}}); });
  const MonoTime began = env.mono_now();
  EXPECT_THAT(changes(since, seconds(60)).rows, SizeIs(1));
  EXPECT_EQ(env.mono_now() - began, seconds(3));
  EXPECT_THAT(changes(database.update_seq(), seconds(7)).rows, IsEmpty());
  EXPECT_EQ(env.mono_now() - began, seconds(10));
}

TEST_F(WeatherRules, AStalledFeedIsGivenUpForItsSilence) {
  couch.weather.stalled_feed = 1;
  env.after(seconds(1), [this] { database.save({{"_id", "a"}}); });
  env.after(seconds(2), [this] { database.save({{"_id", "b"}}); });
  std::string heard;
  const auto take = [&](std::string_view line) {
    heard += line;
    return true;
  };
  EXPECT_THROW(server.stream_lines("db/_changes?feed=continuous&heartbeat=1000", seconds(30), {}, take), Unavailable);
  EXPECT_THAT(heard, HasSubstr("\"a\""));
  EXPECT_THAT(heard, Not(HasSubstr("\"b\"")));
}

// --- hints

class Hints : public WeatherRules {
 protected:
  Hints() { Database(server, "_global_changes").create(1); }
  std::vector<std::string> told() {
    std::vector<std::string> found;
    Reply reply = server.request("GET", "_db_updates");
    for (const json::value& row : reply.body.at("results").as_array())
      found.push_back(string_or(row.as_object(), "type", "") + " " + string_or(row.as_object(), "db_name", ""));
    return found;
  }
};

TEST_F(Hints, ComeAWhileAfterTheChange) {
  env.advance(seconds(1));
  told();
  database.save({{"_id", "a"}});
  env.advance(milliseconds(299));
  EXPECT_THAT(told(), Not(Contains("updated db")));
  env.advance(milliseconds(1));
  EXPECT_THAT(told(), Contains("updated db"));
}

TEST_F(Hints, WakeAFeedWhenTheyAreDue) {
  env.advance(seconds(1));
  told();
  env.after(seconds(1), [this] { database.save({{"_id", "a"}}); });
  const MonoTime began = env.mono_now();
  server.stream_lines("_db_updates?feed=continuous&heartbeat=10000&since=now", seconds(30), {},
                      [](std::string_view line) { return line.find("updated") == std::string_view::npos; });
  EXPECT_EQ(env.mono_now() - began, milliseconds(1300));
}

TEST_F(Hints, MayBeLost) {
  couch.weather.lost_hint = 1;
  database.save({{"_id", "a"}});
  env.advance(seconds(10));
  EXPECT_THAT(told(), Not(Contains("updated db")));
}

TEST_F(Hints, AreKeptAcrossARestartOnceTheyAreWritten) {
  database.save({{"_id", "a"}});
  env.advance(seconds(1));
  EXPECT_THAT(told(), Contains("updated db"));
  Database other(server, "other");
  other.create(1);
  couch.restart();
  env.advance(seconds(1));
  EXPECT_THAT(told(), Contains("updated db"));
  EXPECT_THAT(told(), Not(Contains("created other")));
}

TEST_F(Hints, NeedTheirDatabase) {
  server.request("DELETE", "_global_changes");
  EXPECT_EQ(server.request("GET", "_db_updates", nullptr, {404}).status, 404);
}

// --- the server's life

TEST_F(WeatherRules, ARestartEndsEveryFeed) {
  env.after(seconds(1), [this] { couch.restart(); });
  EXPECT_THROW(changes(database.update_seq(), seconds(60)), Unavailable);
  database.save({{"_id", "a"}});
  EXPECT_THAT(changes("0").rows, SizeIs(1));
}

TEST_F(WeatherRules, InMaintenanceItIsNotUp) {
  couch.weather.maintenance = true;
  EXPECT_FALSE(server.is_up());
  EXPECT_THROW(database.get("a"), Unavailable);
  EXPECT_TRUE(server.session().is_admin);
  couch.weather.maintenance = false;
  EXPECT_TRUE(server.is_up());
}

TEST_F(WeatherRules, WhenItIsDownNothingHappens) {
  couch.weather.down = true;
  EXPECT_THROW(database.save({{"_id", "a"}}), Unavailable);
  couch.weather.down = false;
  EXPECT_FALSE(database.get("a"));
}

TEST_F(WeatherRules, ALateAnswerIsLostButTheServerActed) {
  couch.weather.late_answer = 1;
  couch.weather.latest = std::chrono::hours(10);
  EXPECT_THROW(database.save({{"_id", "a"}}), Unavailable);
  couch.weather = {};
  EXPECT_TRUE(database.get("a"));
}

TEST_F(WeatherRules, ACopyPutBackShowsNoSignOfIt) {
  database.save({{"_id", "a"}});
  const auto copy = couch.snapshot("db");
  const std::string uuid = couch.find("db")->uuid();
  for (const char* id : {"b", "c"}) database.save({{"_id", id}});
  const std::string beyond = database.update_seq();
  couch.restore("db", copy);
  EXPECT_EQ(couch.find("db")->uuid(), uuid);
  EXPECT_FALSE(database.get("b"));
  const Changes silent = changes(beyond);
  EXPECT_THAT(silent.rows, IsEmpty());
  EXPECT_EQ(silent.last_seq, beyond);
  for (const char* id : {"d", "e", "f"}) database.save({{"_id", id}});
  EXPECT_THAT(changes(beyond).rows, SizeIs(1)) << "those below the old seq are never told";
}

TEST_F(WeatherRules, ASeqPrintsAlikeOnlyWhileNothingIsWritten) {
  database.save({{"_id", "a"}});
  const std::string before = changes("0").rows[0].seq;
  EXPECT_EQ(before, changes("0").rows[0].seq);
  database.save({{"_id", "b"}});
  const std::string after = changes("0").rows[0].seq;
  EXPECT_NE(before, after);
  EXPECT_EQ(couch.find("db")->seq_number(before), couch.find("db")->seq_number(after));
}

// One that is never renewed.
class OldCookie : public Credentials {
 public:
  explicit OldCookie(std::string cookie) : cookie_(std::move(cookie)) {}
  std::vector<std::pair<std::string, std::string>> headers() override { return {{"Cookie", cookie_}}; }

 private:
  const std::string cookie_;
};

TEST_F(WeatherRules, ACookieIsGoodForItsTime) {
  const CookieKey key{"admin", "salt", "cookie secret", "sha256"};
  MintedCookie renewed(env, key);
  OldCookie old("AuthSession=" + mint_cookie(key, env.wall_now()));
  Server by_old(transport, old, "http://in-memory/");
  Server by_renewed(transport, renewed, "http://in-memory/");
  EXPECT_TRUE(by_old.session().is_admin);
  EXPECT_TRUE(by_renewed.session().is_admin);
  env.set_wall(env.wall_now() + seconds(601));
  EXPECT_FALSE(by_old.session().is_admin);
  EXPECT_TRUE(by_renewed.session().is_admin);
  MintedCookie wrong(env, {"admin", "salt", "another secret", "sha256"});
  EXPECT_FALSE(Server(transport, wrong, "http://in-memory/").session().is_admin);
}

TEST_F(WeatherRules, AttachmentsAreRefusedAloud) {
  const Reply refused = server.request("PUT", "db/a", json::object{{"_attachments", {{"x", {{"data", "eA=="}}}}}}, {501});
  EXPECT_EQ(refused.status, 501);
}

// --- checkers, replay

TEST_F(WeatherRules, EveryCommitIsToldInItsOrder) {
  std::vector<std::string> told;
  couch.on_commit = [&](const ModelCouch::Commit& commit) {
    told.push_back(commit.database + "/" + commit.id + " " + (commit.doc ? string_or(*commit.doc, "n", "-") : "gone") +
                   (commit.new_edits ? "" : " replicated") + " by " + commit.user + " at " + std::to_string(commit.update_seq));
  };
  database.save_all({{{"_id", "b"}, {"n", "1"}}, {{"_id", "a"}, {"n", "2"}}, {{"_id", "_local/x"}, {"n", "3"}}});
  server.request("POST", "db/_bulk_docs", json::object{{"new_edits", false}, {"docs", {{{"_id", "c"}, {"_rev", "1-x"}, {"n", "4"}}}}});
  database.save({{"_id", "c"}, {"n", "5"}});
  database.put_security({{"n", "6"}});
  database.purge({{"c", {"1-x"}}});
  EXPECT_THAT(told, ElementsAre("db/a 2 by admin at 2", "db/b 1 by admin at 2", "db/_local/x 3 by admin at 2",
                                "db/c 4 replicated by admin at 3", "db/_security 6 by admin at 4", "db/c gone by admin at 5"));
}

std::string played(std::uint64_t seed) {
  World world(seed);
  world.couch.weather = {0.3, 0.3, 0.3, 0.3, 0.3, 0, 0, 0};
  std::string heard;
  std::string rev;
  for (int i = 0; i < 40; ++i) {
    Document doc{{"_id", "a"}, {"i", i / 2}};
    if (!rev.empty() && i % 3 != 0) doc["_rev"] = rev;
    const Saved saved = world.database.save(doc);
    if (saved.ok()) rev = saved.rev;
    heard += saved.rev + std::to_string(static_cast<int>(saved.outcome));
    world.database.save({{"_id", std::to_string(i)}});
    for (const Change& change : world.changes(world.changes("0", milliseconds(0), 5).last_seq).rows) heard += change.id + change.seq;
  }
  return heard;
}

TEST(Replay, OneSeedIsOneStory) {
  EXPECT_EQ(played(7), played(7));
  EXPECT_NE(played(7), played(8));
}

}  // namespace
}  // namespace channels::simulation
