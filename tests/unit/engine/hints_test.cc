// The loops that bring the engine its hints, on a clock that runs ahead whenever one of them waits.
#include "engine/hints.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "unit/support/fake_couch.h"
#include "unit/support/fake_log.h"

namespace channels {
namespace {

// Real threads; a wait is over at once, and its whole time has passed.
class HastyEnv : public RealEnv {
 public:
  MonoTime mono_now() override { return MonoTime{} + std::chrono::hours(1000) + passed_.load(); }
  void advance(milliseconds time) { passed_ = passed_.load() + time; }
  std::unique_ptr<Signal> make_signal() override { return std::make_unique<HastySignal>(*this); }

 private:
  class HastySignal : public Signal {
   public:
    explicit HastySignal(HastyEnv& env) : env_(env) {}
    void notify_all() override {}
    void wait_until(std::unique_lock<std::mutex>&, MonoTime deadline) override {
      const auto left = std::chrono::ceil<milliseconds>(deadline - env_.mono_now());
      if (left.count() > 0) env_.advance(left);
    }

   private:
    HastyEnv& env_;
  };

  std::atomic<milliseconds> passed_{milliseconds(0)};
};

// One answer of the feed for each time that it is asked, the last for ever.
class FeedOnly : public FakeCouch {
 public:
  std::vector<std::string> lines;
  std::atomic<std::size_t> asked = 0;

  HttpResponse stream(const HttpRequest&, milliseconds, const std::function<bool(std::string_view)>& receive) override {
    const std::string line = lines.at(std::min<std::size_t>(asked++, lines.size() - 1));
    if (line == "cut") throw Unavailable("the connection was cut");
    receive(line + "\n");
    HttpResponse response;
    response.status = 200;
    return response;
  }
};

class HintsTest : public testing::Test {
 protected:
  // Calls `body` until it returns false, and tells how long the loop waited before each call but the first.
  std::vector<milliseconds> waits_of(const std::function<bool(int call)>& body) {
    std::vector<milliseconds> waits;
    std::promise<void> ended;
    std::optional<MonoTime> left_at;
    int calls = 0;
    bool is_over = false;
    Repeating loop(bench_, "loop", [&](const std::stop_token&) {
      if (is_over) return milliseconds(1000);
      if (left_at) waits.push_back(std::chrono::duration_cast<milliseconds>(env_.mono_now() - *left_at));
      const auto leave = [&] { left_at = env_.mono_now(); };
      try {
        is_over = !body(++calls);
      } catch (...) {
        leave();
        throw;
      }
      leave();
      if (is_over) ended.set_value();
      return milliseconds(1000);
    });
    ended.get_future().wait();
    return waits;
  }

  HastyEnv env_;
  FakeLog log_;
  FeedOnly couch_;
  NoCredentials nobody_;
  Server server_{couch_, nobody_, "http://couch"};
  Records records_{env_, Database(server_, "registry")};
  Schedule schedule_{env_};
  HotFeeds hot_{env_, log_, server_, schedule_, 0, {}};
  std::atomic<int> losses_ = 0;
  std::atomic<int> returns_ = 0;
  HintsBench bench_{env_, log_, server_, records_, schedule_, hot_,
                    [](std::string_view) { return true; },
                    [](const std::string&) { return false; },
                    [](const std::string&, bool) {},
                    [this] { ++losses_; },
                    [this] { ++returns_; },
                    [](std::string_view) { return 0; }};
};

TEST_F(HintsTest, AfterALongOutageTheServerIsFoundWithinSeconds) {
  const auto waits = waits_of([](int call) {
    if (call <= 40) throw Unavailable("nobody listens");
    return call < 42;
  });
  EXPECT_LE(*std::max_element(waits.begin(), waits.end()), seconds(5));
  EXPECT_EQ(returns_, 1) << "told once, by the first call that worked";
}

TEST_F(HintsTest, AFeedThatIsCutNowAndThenIsAskedForAgainAtOnce) {
  const auto waits = waits_of([this](int call) {
    env_.advance(std::chrono::minutes(10));
    if (call <= 20) throw Unavailable("the connection was cut");
    return false;
  });
  EXPECT_LT(*std::max_element(waits.begin(), waits.end()), milliseconds(1300));
}

TEST_F(HintsTest, AFeedThatEndsWithItsLastSeqWasNotLost) {
  couch_.lines = {R"({"last_seq": "7-x", "pending": 0})"};
  UpdatesFeed feed(bench_);
  feed.start("0");
  while (couch_.asked < 3) std::this_thread::yield();
  EXPECT_EQ(losses_, 0);
  EXPECT_EQ(feed.position(), "7-x");
}

TEST_F(HintsTest, AFeedThatEndsOtherwiseWas) {
  couch_.lines = {R"({"db_name": "a", "type": "updated", "seq": "8-x"})"};
  UpdatesFeed feed(bench_);
  feed.start("0");
  while (couch_.asked < 3) std::this_thread::yield();
  EXPECT_GE(losses_, 2);
}

TEST_F(HintsTest, RevisitsBehindThousandsThatStayDueAreHandedIn) {
  constexpr int all = 5600;
  couch_.views["revisits_by_due"] = [](const json::object& query) {
    const std::string after = string_or(query, "startkey", "");
    json::array rows;
    for (int i = 0; i < all && rows.size() < static_cast<std::size_t>(query.at("limit").to_number<int>()); ++i) {
      const std::string due = format_time(WallTime(seconds(1000000000 + i)));
      if (due > after) rows.push_back(json::object{{"key", due}, {"doc", {{"database", "stuck"}, {"id", std::to_string(i)}}}});
    }
    return rows;
  };
  std::set<std::string> seen;
  std::promise<void> complete;
  Revisits revisits(bench_, [&](const std::string&, const std::vector<Revisit>& due) {
    if (seen.size() == all) return;
    for (const Revisit& revisit : due) seen.insert(revisit.id);
    if (seen.size() == all) complete.set_value();
  });
  EXPECT_EQ(complete.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
}

}  // namespace
}  // namespace channels
