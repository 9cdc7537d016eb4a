// The engine on a real server, following one database with rules of the test's own.
#pragma once

#include "engine/engine.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "live_server.h"
#include "provision/databases.h"
#include "provision/design_docs.h"

namespace channels {

// Counts the requests by what they are for.
class CountingTransport : public Transport {
 public:
  HttpResponse send(const HttpRequest& request) override {
    if (request.url.find("_bulk_docs") != request.url.npos &&
        request.url.find("-shop") != request.url.npos)
      ++bulks;
    return curl_.send(request);
  }
  HttpResponse stream(const HttpRequest& request, milliseconds silence,
                      const std::function<bool(std::string_view)>& receive) override {
    return curl_.stream(request, silence, receive);
  }
  std::atomic<int> bulks = 0;

 private:
  CurlTransport curl_;
};

class LiveEngine : public LiveServer {
 protected:
  void SetUp() override {
    LiveServer::SetUp();
    if (IsSkipped()) return;
    counted_ = std::make_unique<Server>(counting_, credentials_, server_->url());
    Database registry(*server_, tag_ + "-registry");
    ensure_database(registry, 1);
    ensure_design_doc(registry, "registry");
    shop_ = std::make_unique<Database>(*server_, tag_ + "-shop");
    shop_->create(1);
  }

  std::unique_ptr<Engine> engine(seconds lease = seconds(30)) {
    EngineOptions options;
    options.registry_db = tag_ + "-registry";
    options.pinned = {shop_->name()};
    options.lease = lease;
    options.made = made_;
    return std::make_unique<Engine>(
        env_, log_, *counted_, rules_,
        [name = shop_->name()](std::string_view database) {
          return database == name ? std::optional(Kind::followed) : std::nullopt;
        },
        options);
  }

  RuleTable& rules() { return rules_.on(Kind::followed); }

  void put_orders(int count) {
    std::vector<Document> docs;
    for (int i = 0; i < count; ++i)
      docs.push_back({{"_id", "order-" + std::to_string(i)}, {"type", "order"}, {"state", "new"}});
    for (const Saved& saved : shop_->save_all(docs)) ASSERT_TRUE(saved.ok());
  }

  void put_orders_again() {
    auto doc = shop_->get("order-0");
    (*doc)["again"] = true;
    ASSERT_TRUE(shop_->save(*doc).ok());
  }

  int count(std::string_view state, int of) {
    int found = 0;
    std::vector<std::string> ids;
    for (int i = 0; i < of; ++i) ids.push_back("order-" + std::to_string(i));
    for (const auto& doc : shop_->get_many(ids)) found += doc && doc_state(*doc) == state ? 1 : 0;
    return found;
  }

  static void wait_for(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + seconds(60);
    while (!done()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::sleep_for(milliseconds(20));
    }
  }

  NewDatabases* made_ = nullptr;
  StderrLog log_{Level::error};
  CountingTransport counting_;
  std::unique_ptr<Server> counted_;
  std::unique_ptr<Database> shop_;
  Rules rules_;
  std::mutex mutex_;
  std::map<std::string, int> runs_;  // by document id; guarded by mutex_

  void ran(const std::string& id) {
    const std::lock_guard lock(mutex_);
    ++runs_[id];
  }
};

}  // namespace channels
