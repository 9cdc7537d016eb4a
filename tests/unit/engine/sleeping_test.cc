// What the engine does about databases that sleep: as little as finds each that changed unseen.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <set>
#include <utility>

#include "base/digest.h"
#include "engine/hints.h"
#include "unit/support/fake_couch.h"
#include "unit/support/fake_log.h"

namespace channels {
namespace {

constexpr std::chrono::seconds long_enough(30);

// A server with databases of which only the update_seqs are looked at; the first sees each request, and may be asked from any thread.
class SleepingCouch : public Transport {
 public:
  std::map<std::string, std::string> seqs;  // by name; set before anything starts
  FakeCouch registry;
  std::function<void()> during_poll;
  std::function<void()> after_first;  // of the sweep's requests about the databases

  HttpResponse send(const HttpRequest& request) override {
    const std::lock_guard lock(mutex_);
    HttpResponse response;
    response.status = 200;
    const std::string path = request.url.substr(std::string_view("http://couch/").size());
    if (path.starts_with("registry/")) {
      response = registry.send(request);
      if (after_first) std::exchange(after_first, nullptr)();
      return response;
    }
    if (path.starts_with("_all_dbs")) {
      json::array names;
      for (const auto& [name, seq] : seqs) names.emplace_back(name);
      response.body = json::serialize(names);
    } else if (path == "_dbs_info") {
      json::array infos;
      const json::value asked = json::parse(request.body);
      for (const json::value& name : asked.at("keys").as_array())
        infos.push_back({{"key", name}, {"info", {{"update_seq", seqs.at(json::value_to<std::string>(name))}}}});
      response.body = json::serialize(infos);
      if (after_first) std::exchange(after_first, nullptr)();
    } else {  // a long-poll that nothing ends but its time
      ++polls_;
      if (during_poll) during_poll();
      response.body = R"({"results": [], "last_seq": "7-now", "pending": 0})";
    }
    return response;
  }
  HttpResponse stream(const HttpRequest&, milliseconds, const std::function<bool(std::string_view)>&) override {
    throw Unavailable("there is no feed");
  }
  int polls() {
    const std::lock_guard lock(mutex_);
    return polls_;
  }

 private:
  std::mutex mutex_;
  int polls_ = 0;
};

// Real threads, and a clock that the test moves on.
class MovedEnv : public RealEnv {
 public:
  MonoTime mono_now() override { return RealEnv::mono_now() + passed_.load(); }
  void advance(milliseconds time) { passed_ = passed_.load() + time; }

 private:
  std::atomic<milliseconds> passed_{milliseconds(0)};
};

// What was told, for a test that waits for it.
class Told {
 public:
  void add(const std::string& what) {
    const std::lock_guard lock(mutex_);
    all_.insert(what);
    changed_.notify_all();
  }
  bool has(const std::string& what) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, long_enough, [&] { return all_.contains(what); });
  }
  std::set<std::string> all() {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> all_;
};

class SleepingTest : public testing::Test {
 protected:
  void has_checkpoint(const std::string& database, const std::string& seq) {
    const std::string id = "checkpoint-" + sha256_hex(database);
    couch_.registry.docs[id] = {{"_id", id}, {"_rev", "1-a"}, {"type", "checkpoint"}, {"database", database}, {"seq", seq}};
  }

  bool comes_true(const std::function<bool()>& what) {
    for (auto left = long_enough * 100; left.count() > 0 && !what(); --left) pause(real_, milliseconds(10));
    return what();
  }

  RealEnv real_;
  MovedEnv env_;
  FakeLog log_;
  SleepingCouch couch_;
  NoCredentials nobody_;
  Server server_{couch_, nobody_, "http://couch"};
  Records records_{env_, Database(server_, "registry")};
  Schedule schedule_{env_};
};

// What is written and worked off while the sweep looks has not gone back.
TEST_F(SleepingTest, TheSweepTakesNoDatabaseForAnOlderCopyThatIsWorkedOffMeanwhile) {
  HotFeeds hot(env_, log_, server_, schedule_, 0, {});
  couch_.seqs = {{"asleep", "5-a"}, {"changed", "6-b"}, {"busy", "7-c"}, {"put back", "1-d"}};
  for (const char* name : {"asleep", "changed", "busy", "put back"}) has_checkpoint(name, "5-a");
  // Between the sweep's two requests.
  couch_.after_first = [this] {
    couch_.seqs["busy"] = "9-e";
    has_checkpoint("busy", "9-e");
  };
  Told told;
  HintsBench bench{env_, log_, server_, records_, schedule_, hot,
                   [](std::string_view) { return true; },
                   [](const std::string&) { return false; },
                   [&](const std::string& name, bool went_back) { told.add(name + (went_back ? " went back" : "")); },
                   [] {},
                   [] {},
                   [](std::string_view) { return 0; }};
  const Sweep sweep(bench, 1000);
  EXPECT_TRUE(told.has("put back went back"));
  EXPECT_EQ(told.all(), (std::set<std::string>{"busy", "changed", "put back went back"}));
}

TEST_F(SleepingTest, APinnedDatabaseIsListenedToForEver) {
  couch_.during_poll = [this] { env_.advance(seconds(50)); };
  HotFeeds hot(env_, log_, server_, schedule_, 0, {"handshake"});
  hot.turn_ended("handshake", "7-now", false);
  EXPECT_TRUE(comes_true([&] { return couch_.polls() > 10; }));
  EXPECT_FALSE(schedule_.names().contains("handshake"));
}

}  // namespace
}  // namespace channels
