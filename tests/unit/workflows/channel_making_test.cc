// How a channel comes to be, on the simulation's CouchDB: cut off before and after each of its requests, and what it meets.
#include "workflows/channel.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "simulation/couch/model_transport.h"
#include "unit/support/fake_databases.h"
#include "unit/support/fake_env.h"
#include "unit/support/fake_log.h"
#include "workflows/channel_claims.h"

namespace channels {
namespace {

using simulation::ModelCouch;
using simulation::ModelTransport;

// Breaks off once: before the request with that number has acted, or after it.
class Unsteady : public Transport {
 public:
  explicit Unsteady(Transport& below) : below_(below) {}

  HttpResponse send(const HttpRequest& request) override {
    const int number = ++count;
    paths.push_back(request.method + " " + request.url.substr(std::string("http://couch/").size()));
    if (number == fails_before) throw Unavailable("on purpose, before");
    if (meanwhile && number == meanwhile_at) std::exchange(meanwhile, nullptr)();
    HttpResponse response = below_.send(request);
    if (number == fails_after) throw Unavailable("on purpose, after");
    return response;
  }
  HttpResponse stream(const HttpRequest&, milliseconds, const std::function<bool(std::string_view)>&) override {
    throw Unavailable("no feeds here");
  }

  int count = 0;
  int fails_before = 0;
  int fails_after = 0;
  int meanwhile_at = 0;
  std::function<void()> meanwhile;  // before that request
  std::vector<std::string> paths;

 private:
  Transport& below_;
};

WorkflowOptions options() {
  WorkflowOptions options;
  options.registry_db = "registry";
  options.control_prefix = "control-";
  options.channel_prefix = "channel-";
  options.public_url = "http://couch/";
  return options;
}

// One process on that server.
struct Worker {
  explicit Worker(FakeEnv& env, ModelCouch& couch) : env(env), below(env, couch), services(env, log, server, mailer, templates, options()) {}

  Outcome make(const std::string& user, const Document& doc) {
    channels::Run run{env, log, Database(server, "control-" + user), 1, "key", MonoTime::max(), false};
    return call_handler([this](channels::Run& called, const Document& document) { return make_channel(services, called, document); }, run, doc);
  }

  FakeEnv& env;
  FakeLog log;
  ModelTransport below;
  Unsteady transport{below};
  BasicCredentials admin{"admin", "secret"};
  Server server{transport, admin, "http://couch"};
  NoMailer mailer;
  Templates templates = *Templates::load(std::nullopt);
  Services services;
};

class ChannelMaking : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"registry", "control-alice", "control-bob"}) couch_->make(name);
  }
  void start_over() {
    couch_ = std::make_unique<ModelCouch>(env_, simulation::ModelOptions());
    SetUp();
  }

  static Document wish(const std::string& name = "Fun", const std::string& id = "fun-0123456789abcdef") {
    return {{"_id", id}, {"type", "channel"}, {"state", "new"}, {"name", name}};
  }
  Document record(const std::string& id = "fun-0123456789abcdef") {
    return couch_->winner("registry", "channel-" + id).value_or(Document{});
  }
  std::size_t names() {
    std::size_t found = 0;
    for (const Document& doc : couch_->everything("registry")) {
      if (doc_type(doc) == "channelname" && couch_->winner("registry", doc_id(doc))) ++found;
    }
    return found;
  }
  void expect_ready(const Outcome& outcome, const std::string& when) {
    const Save* save = std::get_if<Save>(&outcome);
    ASSERT_NE(save, nullptr) << when;
    EXPECT_EQ(doc_state(save->doc), "ready") << when << json::serialize(save->doc);
    EXPECT_EQ(doc_state(record()), "ready") << when;
    EXPECT_FALSE(record().contains("at_once")) << when;
    EXPECT_EQ(names(), 1U) << when;
    EXPECT_TRUE(couch_->winner("channel-fun-0123456789abcdef", "_design/channels")) << when;
    EXPECT_TRUE(couch_->winner("channel-fun-0123456789abcdef", "description")) << when;
    Worker reader(env_, *couch_);
    const json::object security = Database(reader.server, "channel-fun-0123456789abcdef").security();
    EXPECT_EQ(security.at("members").at("roles"), json::array{"user:alice"}) << when;
    EXPECT_EQ(security.at("channels").at("owners"), json::array{"user:alice"}) << when;
  }
  static std::string error_of(const Outcome& outcome) {
    const Save* save = std::get_if<Save>(&outcome);
    const json::object* error = save == nullptr ? nullptr : get_object(save->doc, "error");
    return error == nullptr ? "" : string_or(*error, "error", "");
  }

  FakeEnv env_;
  std::unique_ptr<ModelCouch> couch_ = std::make_unique<ModelCouch>(env_, simulation::ModelOptions());
};

// What each channel costs: whoever adds a request to it changes this test, and docs/performance.md.
TEST_F(ChannelMaking, TakesSixRequests) {
  Worker worker(env_, *couch_);
  const Outcome outcome = worker.make("alice", wish());
  expect_ready(outcome, "");
  EXPECT_EQ(worker.transport.paths,
            (std::vector<std::string>{"GET channel-fun-0123456789abcdef", "POST registry/_bulk_docs", "PUT channel-fun-0123456789abcdef?q=1",
                                      "POST channel-fun-0123456789abcdef/_bulk_docs", "PUT channel-fun-0123456789abcdef/_security",
                                      "POST registry/_bulk_docs"}));
  const Save& save = std::get<Save>(outcome);
  ASSERT_EQ(save.beside.size(), 1U);
  EXPECT_EQ(doc_id(save.beside.front()), "fun-0123456789abcdef-sub-alice");
  EXPECT_EQ(doc_state(save.beside.front()), "active");
  EXPECT_TRUE(save.at_rest);
}

TEST_F(ChannelMaking, CutOffAnywhereIsFinishedByTheNextRun) {
  for (int at = 1; at <= 6; ++at) {
    for (const bool acted : {false, true}) {
      start_over();
      const std::string when = "request " + std::to_string(at) + (acted ? ", after" : ", before");
      Worker first(env_, *couch_);
      (acted ? first.transport.fails_after : first.transport.fails_before) = at;
      EXPECT_TRUE(std::holds_alternative<Failed>(first.make("alice", wish()))) << when;
      Worker second(env_, *couch_);
      expect_ready(second.make("alice", wish()), when);
    }
  }
}

TEST_F(ChannelMaking, CutOffAnywhereAndGivenAnotherNameHasThatOne) {
  for (int at = 1; at <= 6; ++at) {
    start_over();
    Worker first(env_, *couch_);
    first.transport.fails_after = at;
    EXPECT_TRUE(std::holds_alternative<Failed>(first.make("alice", wish("Old"))));
    Worker second(env_, *couch_);
    // Where the record said "ready" already, the rename goes on at the copy's next look.
    const Outcome outcome = second.make("alice", wish("New"));
    expect_ready(outcome, "request " + std::to_string(at));
    EXPECT_EQ(string_or(record(), "name", ""), "New") << at;
    EXPECT_EQ(string_or(*couch_->winner("channel-fun-0123456789abcdef", "description"), "name", ""), "New") << at;
  }
}

TEST_F(ChannelMaking, ByTwoWorkersAtOnceIsOneChannel) {
  for (int at = 1; at <= 6; ++at) {
    start_over();
    Worker one(env_, *couch_);
    Worker other(env_, *couch_);
    one.transport.meanwhile_at = at;
    one.transport.meanwhile = [&] { expect_ready(other.make("alice", wish()), "the other, before request " + std::to_string(at)); };
    expect_ready(one.make("alice", wish()), "before request " + std::to_string(at));
  }
}

TEST_F(ChannelMaking, TakesNoNameThatAnotherChannelHas) {
  Worker worker(env_, *couch_);
  expect_ready(worker.make("alice", wish()), "the first");
  const Outcome second = worker.make("alice", wish("Fun", "second-0123456789abcdef"));
  EXPECT_EQ(error_of(second), "duplicate");
  EXPECT_EQ(string_or(std::get<Save>(second).doc, "channel", ""), "fun-0123456789abcdef");
  EXPECT_EQ(record("second-0123456789abcdef"), Document{}) << "its claim is given up";
  EXPECT_EQ(couch_->find("channel-second-0123456789abcdef"), nullptr);
  EXPECT_EQ(names(), 1U);
}

TEST_F(ChannelMaking, GivesUpADuplicateThatWasCutOff) {
  for (const int at : {2, 3, 4}) {
    start_over();
    Worker worker(env_, *couch_);
    expect_ready(worker.make("alice", wish()), "the first");
    Worker cut_off(env_, *couch_);
    cut_off.transport.fails_after = at;
    EXPECT_TRUE(std::holds_alternative<Failed>(cut_off.make("alice", wish("Fun", "second-0123456789abcdef")))) << at;
    EXPECT_EQ(error_of(worker.make("alice", wish("Fun", "second-0123456789abcdef"))), "duplicate") << at;
    EXPECT_EQ(record("second-0123456789abcdef"), Document{}) << at;
    EXPECT_EQ(couch_->find("channel-second-0123456789abcdef"), nullptr) << at;
  }
}

TEST_F(ChannelMaking, TakesNoIdThatAnotherHasAndKeepsNoNameForIt) {
  Worker worker(env_, *couch_);
  expect_ready(worker.make("alice", wish()), "hers");
  EXPECT_EQ(error_of(worker.make("bob", wish("His"))), "id_taken");
  EXPECT_EQ(names(), 1U);
  expect_ready(worker.make("alice", wish()), "hers is as it was");
}

// Bob looks before Alice's database is there, and claims after it.
TEST_F(ChannelMaking, TakesNoIdThatAnotherClaimsMeanwhile) {
  Worker alice(env_, *couch_);
  Worker bob(env_, *couch_);
  bob.transport.meanwhile_at = 2;
  bob.transport.meanwhile = [&] { expect_ready(alice.make("alice", wish()), "hers"); };
  EXPECT_EQ(error_of(bob.make("bob", wish("His"))), "id_taken");
  EXPECT_EQ(names(), 1U);
  expect_ready(alice.make("alice", wish()), "hers is as it was");
}

TEST_F(ChannelMaking, NeverTakesADatabaseThatIsThere) {
  couch_->make("channel-fun-0123456789abcdef");
  Worker worker(env_, *couch_);
  EXPECT_EQ(error_of(worker.make("alice", wish())), "database_exists");
  EXPECT_EQ(record(), Document{});
  EXPECT_EQ(names(), 0U);
  EXPECT_FALSE(couch_->winner("channel-fun-0123456789abcdef", "_design/channels"));
}

// Somebody becomes a member right before the maker's run writes _security once more from what it knew.
TEST_F(ChannelMaking, LeavesNoSecurityOfAnOlderRecord) {
  Worker one(env_, *couch_);
  Worker other(env_, *couch_);
  one.transport.meanwhile_at = 5;
  one.transport.meanwhile = [&] {
    expect_ready(other.make("alice", wish()), "by the other");
    other.services.registry.update(channel_record_id("fun-0123456789abcdef"), [](Document& current) {
      current["members"] = {{"alice", {{"access", "owner"}}}, {"bob", {{"access", "writer"}}}};
      return true;
    });
    Database(other.server, "channel-fun-0123456789abcdef").put_security({{"members", {{"roles", {"user:alice", "user:bob"}}}}});
  };
  one.make("alice", wish());
  const json::object security = Database(other.server, "channel-fun-0123456789abcdef").security();
  EXPECT_EQ(security.at("members").at("roles"), (json::array{"user:alice", "user:bob"}));
}

}  // namespace
}  // namespace channels
