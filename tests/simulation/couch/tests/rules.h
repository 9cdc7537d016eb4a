// What CouchDB does, asserted once and run twice: on the in-memory server ("Model/...", needs nothing) and on the one that
// COUCHDB_URL names ("Live/...", with COUCHDB_USER and COUCHDB_PASSWORD; skipped aloud without). Every *_test.cc here
// derives its suites from Rules. Databases have names of the test's own and are removed at its end.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "base/env.h"
#include "couch/database.h"
#include "http/curl_transport.h"
#include "simulation/couch/model_transport.h"

namespace channels::simulation {

enum class Kind { model, live };

class Rules : public ::testing::TestWithParam<Kind> {
 protected:
  struct Answer {
    int status = 0;
    json::value body;

    std::string error() const { return member("error"); }
    std::string reason() const { return member("reason"); }
    std::string rev() const { return member("rev"); }
    json::array rows(const char* name = "rows") const { return body.as_object().at(name).as_array(); }
    std::string member(const char* name) const {
      const json::object* object = body.if_object();
      return object == nullptr ? "" : string_or(*object, name, "");
    }
  };

  void SetUp() override {
    tag_ = "rules" + hex(env_.random_bytes(4));
    std::string url = "http://in-memory/";
    std::string user = "admin";
    std::string password = "secret";
    if (GetParam() == Kind::live) {
      if (std::getenv("COUCHDB_URL") == nullptr) GTEST_SKIP() << "needs COUCHDB_URL";
      if (variable("CHANNELS_TEST_SERVER_KIND") == "embedded") GTEST_SKIP() << "the model follows CouchDB, which the embedded server is not";
      url = variable("COUCHDB_URL");
      user = variable("COUCHDB_USER");
      password = variable("COUCHDB_PASSWORD");
      transport_ = std::make_unique<CurlTransport>();
    } else {
      couch_ = std::make_unique<ModelCouch>(env_, ModelOptions{});
      transport_ = std::make_unique<ModelTransport>(env_, *couch_);
    }
    admin_ = std::make_unique<BasicCredentials>(user, password);
    server_ = std::make_unique<Server>(*transport_, *admin_, url);
  }

  void TearDown() override {
    if (!server_) return;
    for (const std::string& name : server_->database_names(tag_, 100)) {
      if (name.starts_with(tag_)) server_->request("DELETE", url_encode(name), nullptr, {404});
    }
    Database users(*server_, "_users");
    for (const std::string& name : users_) {
      if (const auto doc = users.get("org.couchdb.user:" + name))
        users.save({{"_id", doc_id(*doc)}, {"_rev", doc_rev(*doc)}, {"_deleted", true}});
    }
  }

  static std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  }

  // A new database, open to its admins only.
  Database make(const std::string& name = "db") {
    Database database(*server_, tag_ + "-" + name);
    database.create(1);
    return database;
  }

  Database open(const std::string& name = "db") {
    Database database = make(name);
    database.put_security({{"admins", json::object()}, {"members", json::object()}});
    return database;
  }

  // Any request, any answer; nobody's without credentials.
  Answer ask(const std::string& method, const std::string& path, const json::value& body, Credentials& who) {
    HttpRequest request;
    request.method = method;
    request.url = server_->url() + path;
    request.headers = who.headers();
    request.headers.emplace_back("Accept", "application/json");
    request.headers.emplace_back("Content-Type", "application/json");
    if (!body.is_null()) request.body = json::serialize(body);
    const HttpResponse response = transport_->send(request);
    auto parsed = parse_json(response.body.empty() ? "null" : response.body);
    return {response.status, parsed ? std::move(parsed.value()) : json::value(response.body)};
  }
  Answer ask(const std::string& method, const std::string& path, const json::value& body = nullptr) {
    return ask(method, path, body, *admin_);
  }
  // Below a database.
  Answer ask(Database& database, const std::string& method, const std::string& rest, const json::value& body = nullptr) {
    return ask(method, database.path(rest), body);
  }

  // For what follows from a change that CouchDB answers first and hears of afterwards: of each database it keeps the validation
  // functions and the design documents that were asked for, and of users who they are; a write to one has its copy dropped or read anew by
  // a message (ddoc_cache, chttpd_auth_cache). A request that is faster than that message, as on a busy machine, still meets what was before. So
  // a live server is asked again for a while; the in-memory one has no such copies, and its first answer counts. What `ask` does must do no
  // harm when it meets what was before.
  template <typename Ask, typename Expected>
  void expect_soon(const Ask& ask, const Expected& expected) {
    const MonoTime until = env_.mono_now() + (GetParam() == Kind::live ? seconds(30) : seconds(0));
    auto given = ask();
    while (given != expected && env_.mono_now() < until) {
      std::this_thread::sleep_for(milliseconds(20));
      given = ask();
    }
    EXPECT_EQ(given, expected);
  }

  // The rev of a save that must succeed.
  static std::string saved(Database& database, const Document& doc) {
    const Saved saved = database.save(doc);
    EXPECT_TRUE(saved.ok()) << saved.reason;
    return saved.rev;
  }

  // A revision as a replicator writes it: revs are hashes, the newest first.
  Answer replicated(Database& database, const std::string& id, std::uint64_t generation,
                    const std::vector<std::string>& hashes, json::object doc = {}) {
    doc["_id"] = id;
    doc["_rev"] = std::to_string(generation) + "-" + hashes.front();
    doc["_revisions"] = json::object{{"start", generation}, {"ids", json::value_from(hashes)}};
    return ask(database, "POST", "_bulk_docs", {{"new_edits", false}, {"docs", {std::move(doc)}}});
  }

  // "rev" of the winner, "" if deleted or unknown.
  static std::string winner(Database& database, const std::string& id) {
    const auto doc = database.get(id);
    return doc ? doc_rev(*doc) : "";
  }

  // A `_users` document of a test's own, with a verifier for `password`; removed at the end.
  BasicCredentials user(const std::string& name, const std::string& password, const std::vector<std::string>& roles);

  RealEnv env_;
  std::unique_ptr<ModelCouch> couch_;  // null on a live server
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<BasicCredentials> admin_;
  std::unique_ptr<Server> server_;
  NoCredentials nobody_;
  std::string tag_;
  std::vector<std::string> users_;
};

inline std::string name_of_kind(const ::testing::TestParamInfo<Kind>& info) {
  return info.param == Kind::model ? "model" : "live";
}

// 32 hex digits, as CouchDB's own revs have them.
inline std::string hash(char digit) { return std::string(32, digit); }

}  // namespace channels::simulation

#define RUN_ON_BOTH(suite)                                                                          \
  INSTANTIATE_TEST_SUITE_P(Model, suite, ::testing::Values(Kind::model), name_of_kind);             \
  INSTANTIATE_TEST_SUITE_P(Live, suite, ::testing::Values(Kind::live), name_of_kind)
