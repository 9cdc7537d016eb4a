#include "couch/server.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/errors.h"
#include "unit/support/fake_transport.h"
#include "unit/support/text.h"

namespace channels {
namespace {

class ServerTest : public testing::Test {
 protected:
  static std::string header(const HttpRequest& request, std::string_view name) {
    for (const auto& [key, value] : request.headers) {
      if (key == name) return value;
    }
    return "(none)";
  }

  FakeTransport transport_;
  BasicCredentials credentials_{"u", "p"};
  Server server_{transport_, credentials_, "http://couch:5984/prefix"};
};

TEST_F(ServerTest, SendsARequest) {
  transport_.answers(200, "{\"ok\": true}");
  const Reply reply = server_.request("PUT", "db/doc", {{"a", 1}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, (json::value{{"ok", true}}));
  EXPECT_EQ(transport_.last().method, "PUT");
  EXPECT_EQ(transport_.last().url, "http://couch:5984/prefix/db/doc");
  EXPECT_EQ(transport_.last().body, "{\"a\":1}");
  EXPECT_EQ(header(transport_.last(), "Authorization"), "Basic dTpw");
  EXPECT_EQ(header(transport_.last(), "Accept"), "application/json");
  EXPECT_EQ(header(transport_.last(), "Content-Type"), "application/json");
  EXPECT_EQ(transport_.last().timeout, seconds(60));
}

TEST_F(ServerTest, SendsNoBodyForNull) {
  transport_.answers(200, "").answers(202, "{}");
  EXPECT_TRUE(server_.request("GET", "").body.is_null());
  EXPECT_EQ(transport_.last().url, "http://couch:5984/prefix/");
  EXPECT_EQ(transport_.last().body, "");
  EXPECT_EQ(header(transport_.last(), "Content-Type"), "(none)");
  server_.request("POST", "db/_compact");
  EXPECT_EQ(header(transport_.last(), "Content-Type"),
            "application/json");  // CouchDB answers 415 without
}

TEST_F(ServerTest, TakesEachStatusForWhatItIs) {
  const std::string body = "{\"error\": \"x\", \"reason\": \"why\"}";
  for (const int status : {200, 201, 202}) {
    transport_.answers(status, "{}");
    EXPECT_EQ(server_.request("GET", "db").status, status);
  }
  for (const int status : {408, 429, 500, 502, 503, 504, 599}) {
    transport_.answers(status, body);
    EXPECT_THROW(server_.request("GET", "db"), Unavailable) << status;
  }
  for (const int status : {301, 302, 400, 401, 403, 404, 405, 409, 412, 413, 415, 417}) {
    transport_.answers(status, body);
    try {
      server_.request("GET", "db");
      ADD_FAILURE() << status;
    } catch (const Refused& refused) {
      EXPECT_EQ(refused.status, status);
      EXPECT_TRUE(contains(refused.what(), "GET /db answered " + std::to_string(status)))
          << refused.what();
      EXPECT_TRUE(contains(refused.what(), "why")) << refused.what();
    }
  }
}

TEST_F(ServerTest, GivesAnExpectedStatusBack) {
  transport_.answers(404, "{\"error\": \"not_found\"}").answers(409, "{}").answers(404, "{}");
  EXPECT_EQ(server_.request("GET", "db", nullptr, {404}).status, 404);
  EXPECT_EQ(server_.request("PUT", "db", nullptr, {404, 409}).status, 409);
  EXPECT_THROW(server_.request("GET", "db", nullptr, {409}), Refused);
}

TEST_F(ServerTest, HandsOnWhenToComeBack) {
  transport_.answers(503, "", seconds(17)).answers(429, "");
  try {
    server_.request("GET", "db");
    ADD_FAILURE();
  } catch (const Unavailable& down) {
    EXPECT_EQ(down.retry_after, seconds(17));
  }
  try {
    server_.request("GET", "db");
    ADD_FAILURE();
  } catch (const Unavailable& down) {
    EXPECT_EQ(down.retry_after, std::nullopt);
  }
}

TEST_F(ServerTest, IsUnavailableWhenNoJsonCame) {
  transport_.answers(200, "<html>a proxy's page</html>").answers(200, "{\"cut").is_down();
  for (int i = 0; i < 3; ++i) EXPECT_THROW(server_.request("GET", "db"), Unavailable);
}

// What a stranger named a document must not forge a log line.
TEST_F(ServerTest, EscapesWhatItQuotesInAnError) {
  transport_.answers(403, "{\"reason\": \"a\nb\"}\n");
  try {
    server_.request("GET", "db/a\nb");
    ADD_FAILURE();
  } catch (const Refused& refused) {
    EXPECT_FALSE(contains(refused.what(), "\n")) << refused.what();
    EXPECT_FALSE(contains(refused.what(), "Basic")) << refused.what();
  }
}

TEST_F(ServerTest, IsUpUnlessInMaintenance) {
  transport_.answers(200, "{\"status\": \"ok\"}")
      .answers(404, "{\"status\": \"maintenance_mode\"}")
      .is_down();
  EXPECT_TRUE(server_.is_up());
  EXPECT_FALSE(server_.is_up());
  EXPECT_THROW(server_.is_up(), Unavailable);
}

TEST_F(ServerTest, SaysWhoWeAre) {
  struct Case {
    std::string body;
    std::string name;
    bool is_admin;
  };
  const Case cases[] = {
      {R"({"ok": true, "userCtx": {"name": "admin", "roles": ["x", "_admin"]}})", "admin", true},
      {R"({"userCtx": {"name": "bob", "roles": ["admin"]}})", "bob", false},
      {R"({"userCtx": {"name": null, "roles": []}})", "", false},
      {R"({"userCtx": {"name": null, "roles": ["_admin"]}})", "", true},
      {R"({})", "", false},
      {R"([])", "", false},
  };
  for (const auto& [body, name, is_admin] : cases) {
    transport_.answers(200, body);
    const Server::Session session = server_.session();
    EXPECT_EQ(session.name, name) << body;
    EXPECT_EQ(session.is_admin, is_admin) << body;
  }
}

TEST_F(ServerTest, ListsDatabasesPageByPage) {
  using Names = std::vector<std::string>;
  transport_.answers(200, R"(["a", "b", "c"])");
  EXPECT_EQ(server_.database_names("", 2), (Names{"a", "b"}));
  EXPECT_EQ(transport_.last().url, "http://couch:5984/prefix/_all_dbs?limit=3");
  transport_.answers(200, R"(["b", "c", "d"])");
  EXPECT_EQ(server_.database_names("b", 2), (Names{"c", "d"}));
  EXPECT_EQ(transport_.last().url, "http://couch:5984/prefix/_all_dbs?limit=3&startkey=%22b%22");
  // The last one was deleted meanwhile.
  transport_.answers(200, R"(["c", "d", "e"])");
  EXPECT_EQ(server_.database_names("b", 2), (Names{"c", "d"}));
  transport_.answers(200, "[]");
  EXPECT_EQ(server_.database_names("d/x", 2), Names{});
  EXPECT_TRUE(contains(transport_.last().url, "startkey=%22d%2Fx%22"));
}

TEST_F(ServerTest, KnowsWhichDatabasesAreMissing) {
  transport_.answers(
      200, R"([{"key": "a", "info": {"update_seq": "7-xyz"}}, {"key": "b", "error": "not_found"},
                              {"key": "c", "info": {"update_seq": 12}}, {"key": "d", "info": null}])");
  const auto infos = server_.database_infos({"a", "b", "c", "d"});
  EXPECT_EQ(transport_.last().body, R"({"keys":["a","b","c","d"]})");
  ASSERT_EQ(infos.size(), 4U);
  const std::tuple<std::string, std::string, bool> expected[] = {
      {"a", "7-xyz", false}, {"b", "", true}, {"c", "12", false}, {"d", "", true}};
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(std::make_tuple(infos[i].name, infos[i].update_seq, infos[i].missing), expected[i]);
}

TEST_F(ServerTest, StreamsWholeLinesWhereverTheyAreCut) {
  const std::string body = "{\"seq\":1}\n\n{\"seq\":\"2-a\"}\n{\"last_seq\":3}\nno end";
  const std::vector<std::string> expected = {"{\"seq\":1}", "", "{\"seq\":\"2-a\"}",
                                             "{\"last_seq\":3}"};
  for (const std::size_t piece : {1U, 2U, 9U, 10U, 11U, 1000U}) {
    transport_.piece = piece;
    transport_.answers(200, body);
    std::vector<std::string> lines;
    server_.stream_lines("_db_updates?feed=continuous", seconds(30), {},
                         [&](std::string_view line) {
                           lines.emplace_back(line);
                           return true;
                         });
    EXPECT_EQ(lines, expected) << piece;
  }
  EXPECT_EQ(transport_.last().timeout, milliseconds(0));
  EXPECT_EQ(transport_.silences.back(), seconds(30));
}

TEST_F(ServerTest, EndsAStreamWhenItsReaderHasEnough) {
  transport_.answers(200, "1\n2\n3\n4\n");
  int lines = 0;
  server_.stream_lines("feed", seconds(30), {}, [&](std::string_view) { return ++lines < 2; });
  EXPECT_EQ(lines, 2);
}

TEST_F(ServerTest, RefusedStreamIsAnError) {
  transport_.answers(403, "{\"error\": \"forbidden\"}").answers(500, "").answers(404, "");
  const auto never = [](std::string_view) {
    ADD_FAILURE();
    return false;
  };
  EXPECT_THROW(server_.stream_lines("feed", seconds(1), {}, never), Refused);
  EXPECT_THROW(server_.stream_lines("feed", seconds(1), {}, never), Unavailable);
  EXPECT_THROW(server_.stream_lines("feed", seconds(1), {}, never), Refused);
}

}  // namespace
}  // namespace channels
