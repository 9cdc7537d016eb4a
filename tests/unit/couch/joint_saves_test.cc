// Saves of several threads by few requests.
#include "couch/joint_saves.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <thread>

#include "couch/credentials.h"
#include "unit/support/fake_couch.h"
#include "unit/support/fake_env.h"

namespace channels {
namespace {

// A server whose requests wait until the test lets them go on; it notes how many documents each has.
class Gate : public Transport {
 public:
  HttpResponse send(const HttpRequest& request) override {
    const std::size_t docs = json::parse(request.body).at("docs").as_array().size();
    std::unique_lock lock(mutex_);
    sizes_.push_back(docs);
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    if (docs == 1 || !refuses_many) return couch.send(request);
    HttpResponse refused;
    refused.status = 413;
    refused.body = R"({"error": "too_large", "reason": "on purpose"})";
    return refused;
  }
  HttpResponse stream(const HttpRequest&, milliseconds, const std::function<bool(std::string_view)>&) override {
    throw Unavailable("no feeds here");
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait_for_requests(std::size_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, seconds(20), [&] { return sizes_.size() >= count; }));
  }
  std::vector<std::size_t> sizes() {
    const std::lock_guard lock(mutex_);
    return sizes_;
  }

  FakeCouch couch;
  bool refuses_many = false;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  std::vector<std::size_t> sizes_;
};

class JointSavesTest : public testing::Test {
 protected:
  // Of a thread of its own.
  std::future<Saved> save(const std::string& id) {
    return std::async(std::launch::async, [this, id] { return joint_.save({{"_id", id}}); });
  }
  // Two requests are under way, and so many more documents wait.
  std::vector<std::future<Saved>> busy_with(int more) {
    std::vector<std::future<Saved>> all;
    all.push_back(save("first"));
    gate_.wait_for_requests(1);
    all.push_back(save("second"));
    gate_.wait_for_requests(2);
    for (int i = 0; i < more; ++i) all.push_back(save("more-" + std::to_string(i)));
    std::this_thread::sleep_for(milliseconds(100));
    return all;
  }

  RealEnv env_;
  Gate gate_;
  NoCredentials nobody_;
  Server server_{gate_, nobody_, "http://couch"};
  JointSaves joint_{env_, Database(server_, "registry")};
};

TEST_F(JointSavesTest, SaveAtOnceWhoComesAlone) {
  gate_.open();
  EXPECT_TRUE(joint_.save({{"_id", "a"}}).ok());
  EXPECT_TRUE(joint_.save({{"_id", "b"}}).ok());
  EXPECT_THAT(gate_.sizes(), testing::ElementsAre(1, 1));
}

TEST_F(JointSavesTest, SendWhatGatheredByOneRequest) {
  auto all = busy_with(10);
  gate_.open();
  for (auto& each : all) EXPECT_TRUE(each.get().ok());
  EXPECT_THAT(gate_.sizes(), testing::ElementsAre(1, 1, 10));
  EXPECT_EQ(gate_.couch.docs.size(), 12U);
}

TEST_F(JointSavesTest, TellEachWhatBecameOfItsOwn) {
  gate_.couch.docs["more-3"] = {{"_id", "more-3"}, {"_rev", "1-a"}};
  gate_.couch.refused.insert("more-5");
  auto all = busy_with(6);
  gate_.open();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Saved saved = all[i].get();
    const auto wanted = i == 5 ? Saved::Outcome::conflict : i == 7 ? Saved::Outcome::rejected : Saved::Outcome::saved;
    EXPECT_EQ(saved.outcome, wanted) << i;
    EXPECT_EQ(saved.id, i == 0 ? "first" : i == 1 ? "second" : "more-" + std::to_string(i - 2));
  }
}

TEST_F(JointSavesTest, MakeARefusedRequestAgainForEachByItself) {
  gate_.refuses_many = true;
  auto all = busy_with(4);
  gate_.open();
  for (auto& each : all) EXPECT_TRUE(each.get().ok());
  EXPECT_THAT(gate_.sizes(), testing::ElementsAre(1, 1, 4, 1, 1, 1, 1));
}

TEST_F(JointSavesTest, ThrowToAllWhoWereInARequestThatFailed) {
  auto all = busy_with(3);
  gate_.couch.before = [](const HttpRequest& request) {
    if (json::parse(request.body).at("docs").as_array().size() > 1) throw Unavailable("on purpose");
  };
  gate_.open();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i < 2) EXPECT_TRUE(all[i].get().ok());
    else EXPECT_THROW(all[i].get(), Unavailable);
  }
}

TEST_F(JointSavesTest, KeepTheDocumentsOfOneCallTogether) {
  gate_.open();
  const std::vector<Document> two{{{"_id", "a"}}, {{"_id", "b"}}};
  const auto saved = joint_.save_all(two);
  ASSERT_EQ(saved.size(), 2U);
  EXPECT_EQ(saved[1].id, "b");
  EXPECT_TRUE(joint_.save_all({}).empty());
  EXPECT_THAT(gate_.sizes(), testing::ElementsAre(2));
}

}  // namespace
}  // namespace channels
