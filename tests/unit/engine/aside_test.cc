#include "engine/aside.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>

#include "base/errors.h"
#include "couch/credentials.h"
#include "engine/batches.h"

namespace channels {
namespace {

TEST(Aside, WorksBesideItsCaller) {
  RealEnv env;
  Aside aside(env, 1);
  std::promise<int> told;
  int heard = 0;
  const auto task = aside.start([&] { heard = told.get_future().get(); });
  ASSERT_NE(task, nullptr);
  told.set_value(7);
  aside.wait(task);
  EXPECT_EQ(heard, 7);
}

TEST(Aside, TakesNoMoreThanItHasThreads) {
  RealEnv env;
  Aside aside(env, 2);
  std::promise<void> end;
  const std::shared_future<void> ended = end.get_future().share();
  const auto first = aside.start([&] { ended.wait(); });
  const auto second = aside.start([&] { ended.wait(); });
  EXPECT_NE(first, nullptr);
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(aside.start([] {}), nullptr);
  end.set_value();
  aside.wait(first);
  const auto third = aside.start([] {});
  EXPECT_NE(third, nullptr);
  aside.wait(second);
}

TEST(Aside, ThrowsToWhoWaitsWhatTheWorkThrew) {
  RealEnv env;
  Aside aside(env, 1);
  const auto task = aside.start([] { throw Unavailable("down"); });
  EXPECT_THROW(aside.wait(task), Unavailable);
  const auto next = aside.start([] {});
  ASSERT_NE(next, nullptr) << "its thread went on";
  aside.wait(next);
}

TEST(Aside, EndsWithWhatWasStarted) {
  RealEnv env;
  bool done = false;
  {
    Aside aside(env, 1);
    ASSERT_NE(aside.start([&] { done = true; }), nullptr);
  }
  EXPECT_TRUE(done);
}

// Answers _bulk_docs, each request only when as many are there as are to be at once.
class BusyCouch : public Transport {
 public:
  explicit BusyCouch(int at_once) : at_once_(at_once) {}

  HttpResponse send(const HttpRequest& request) override {
    std::unique_lock lock(mutex_);
    ++inside_;
    changed_.notify_all();
    if (!changed_.wait_for(lock, seconds(20), [this] { return inside_ >= at_once_; })) ADD_FAILURE() << "alone";
    json::array rows;
    const json::value body = json::parse(request.body);
    for (const json::value& doc : body.at("docs").as_array()) {
      if (doc.at("_id").as_string() == refuses) throw Unavailable("down");
      rows.push_back({{"ok", true}, {"id", doc.at("_id")}, {"rev", "1-a"}});
    }
    sizes.push_back(rows.size());
    HttpResponse response;
    response.status = 201;
    response.body = json::serialize(rows);
    return response;
  }
  HttpResponse stream(const HttpRequest&, milliseconds, const std::function<bool(std::string_view)>&) override {
    throw Unavailable("no feeds");
  }

  std::string refuses = "(none)";
  std::vector<std::size_t> sizes;  // of the requests

 private:
  const int at_once_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0;
};

class SaveDocuments : public testing::Test {
 protected:
  static std::vector<Document> docs(int count) {
    std::vector<Document> docs;
    for (int i = 0; i < count; ++i) docs.push_back({{"_id", "d" + std::to_string(i)}});
    return docs;
  }
  std::vector<Saved> save(BusyCouch& couch, int count) {
    Server server(couch, credentials_, "http://couch/");
    Database database(server, "shop");
    Aside aside(env_, 1);
    return save_documents(database, docs(count), aside, 5);
  }

  RealEnv env_;
  BasicCredentials credentials_{"admin", "secret"};
};

TEST_F(SaveDocuments, SavesManyByTwoRequestsAtOnce) {
  BusyCouch couch(2);
  const std::vector<Saved> saved = save(couch, 5);
  EXPECT_EQ(couch.sizes.size(), 2U);
  ASSERT_EQ(saved.size(), 5U);
  for (std::size_t i = 0; i < saved.size(); ++i) EXPECT_EQ(saved[i].id, "d" + std::to_string(i)) << "in their order";
}

TEST_F(SaveDocuments, SavesFewByOne) {
  BusyCouch couch(1);
  EXPECT_EQ(save(couch, 4).size(), 4U);
  EXPECT_EQ(couch.sizes.size(), 1U);
}

TEST_F(SaveDocuments, FailsIfEitherHalfDoes) {
  for (const char* refused : {"d0", "d5"}) {
    BusyCouch couch(2);
    couch.refuses = refused;
    EXPECT_THROW(save(couch, 6), Unavailable) << refused;
  }
}

}  // namespace
}  // namespace channels
