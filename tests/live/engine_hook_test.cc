// The hook for changes (RuleTable::changed) on a real server: when it is called, and that a restart calls it again.
#include "base/errors.h"
#include "live_engine.h"

namespace channels {
namespace {

class LiveEngineHook : public LiveEngine {
 protected:
  // The hook answers by `again_`, and notes how it was called.
  void SetUp() override {
    LiveEngine::SetUp();
    if (IsSkipped()) return;
    rules().changed([this](Database& database, bool is_news) -> std::optional<MonoTime> {
      EXPECT_EQ(database.name(), shop_->name());
      const std::lock_guard lock(mutex_);
      calls_.push_back(is_news);
      return again_();
    });
  }

  std::size_t calls() {
    const std::lock_guard lock(mutex_);
    return calls_.size();
  }

  std::function<std::optional<MonoTime>()> again_ = [] { return std::nullopt; };  // guarded by mutex_
  std::vector<bool> calls_;                                                       // guarded by mutex_
};

TEST_F(LiveEngineHook, IsToldOfAChangeAndIsThenLeftAlone) {
  const auto running = engine();
  put_orders(1);
  wait_for([&] { return calls() > 0; });
  std::this_thread::sleep_for(seconds(3));  // hints come twice
  const std::size_t before = calls();
  std::this_thread::sleep_for(seconds(3));
  EXPECT_EQ(calls(), before);
  put_orders_again();
  wait_for([&] { return calls() > before; });
  const std::lock_guard lock(mutex_);
  EXPECT_THAT(calls_, testing::Each(true));
}

TEST_F(LiveEngineHook, ThatPutsATellingOffIsCalledAgainWithoutNews) {
  again_ = [this, left = 2]() mutable -> std::optional<MonoTime> {
    if (left-- > 0) return env_.mono_now() + milliseconds(300);
    return std::nullopt;
  };
  put_orders(1);
  const auto running = engine();
  wait_for([&] { return calls() >= 3; });
  const std::lock_guard lock(mutex_);
  EXPECT_THAT(calls_, testing::ElementsAre(true, false, false));
}

TEST_F(LiveEngineHook, IsToldAgainAfterARestartWhatItPutOff) {
  again_ = [this] { return env_.mono_now() + std::chrono::minutes(5); };
  put_orders(1);
  auto running = engine();
  wait_for([&] { return calls() > 0; });
  std::this_thread::sleep_for(seconds(2));  // checkpoints are written behind
  running.reset();
  const std::size_t before = calls();
  running = engine();
  wait_for([&] { return calls() > before; });
  const std::lock_guard lock(mutex_);
  EXPECT_TRUE(calls_.back());
}

TEST_F(LiveEngineHook, ThatFailsIsCalledAgainWithTheSameNews) {
  again_ = [left = 1]() mutable -> std::optional<MonoTime> {
    if (left-- > 0) throw Unavailable("on purpose");
    return std::nullopt;
  };
  put_orders(1);
  const auto running = engine();
  wait_for([&] { return calls() >= 2; });
  const std::lock_guard lock(mutex_);
  EXPECT_TRUE(calls_[0] && calls_[1]);
}

// A database that the program makes itself: only what others write there is told.
class LiveEngineMade : public LiveEngineHook {
 protected:
  void SetUp() override {
    LiveEngineHook::SetUp();
    if (IsSkipped()) return;
    made_ = &new_databases_;
    shop_->remove();
  }

  // Then it is looked at once, when CouchDB's hints are over.
  void make(const std::function<void()>& meanwhile = [] {}) {
    NewDatabases::Making making(new_databases_, shop_->name());
    shop_->create(1);
    making.holds(shop_->save_all({{{"_id", "_design/own"}}, {{"_id", "description"}, {"type", "description"}}}));
    meanwhile();
  }

  NewDatabases new_databases_{env_};
};

TEST_F(LiveEngineMade, IsNotToldOfWhatItsMakerPutThere) {
  const auto running = engine();
  make();
  std::this_thread::sleep_for(seconds(5));
  EXPECT_EQ(calls(), 0U);
  EXPECT_FALSE(new_databases_.is_left_alone(shop_->name())) << "it was looked at";
  put_orders(1);
  wait_for([&] { return calls() > 0; });
}

TEST_F(LiveEngineMade, IsToldOfWhatOthersWroteMeanwhile) {
  const auto running = engine();
  make([&] { put_orders(1); });
  wait_for([&] { return calls() > 0; });
}

}  // namespace
}  // namespace channels
