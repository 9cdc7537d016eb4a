// What a laptop's handshake forgets of the registrations that phones left there, by a moved clock.
#include <gmock/gmock.h>

#include "base/log.h"
#include "device_role/forget_carried.h"
#include "live_server.h"
#include "provision/install.h"

namespace channels {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class Carried : public LiveServer {
 protected:
  void SetUp() override {
    LiveServer::SetUp();
    if (IsSkipped()) return;
    install(*server_, {tag_ + "-handshake", tag_ + "-registry", 1});
    services_ = std::make_unique<DeviceServices>(
        DeviceServices{env_,
                       log_,
                       transport_,
                       *server_,
                       {tag_ + "-handshake", tag_ + "-registry", tag_ + "-control-",
                        tag_ + "-channel-", 1, seconds(3600)}});
  }

  void put(const std::string& id, const char* state) {
    Database handshake = services_->handshake();
    Document doc = handshake.get(id).value_or(Document{{"_id", id}});
    doc["type"] = "device";
    doc["state"] = state;
    ASSERT_TRUE(handshake.save(doc).ok());
  }

  // As a stranger can: a first revision, never a later one.
  void add_branch(const std::string& id) {
    const Document branch{
        {"_id", id}, {"_rev", "1-" + std::string(32, 'f')}, {"type", "device"}, {"state", "new"}};
    server_->request("POST", services_->handshake().path("_bulk_docs"),
                     {{"docs", json::array{branch}}, {"new_edits", false}});
  }

  void pair() {
    services_->registry().save({{"_id", "pairing"}, {"type", "pairing"}, {"state", "active"}});
  }

  void after(seconds time) {
    env_.shift += time;
    forget_carried(*services_);
  }

  std::vector<std::string> kept() {
    std::vector<std::string> ids;
    for (const Change& change : services_->handshake().changes({}).rows) ids.push_back(change.id);
    std::erase_if(ids, [](const std::string& id) { return id.starts_with("_design/"); });
    return ids;
  }

  StderrLog log_{Level::error};
  std::unique_ptr<DeviceServices> services_;
};

TEST_F(Carried, GoesOnceItWasAnsweredAndHasNotChangedForLong) {
  pair();
  forget_carried(*services_);
  put("active", "new");
  put("active", "active");
  put("waiting", "new");
  put("moving", "confirming");
  add_branch("active");
  after(seconds(1800));
  EXPECT_THAT(kept(), UnorderedElementsAre("active", "waiting", "moving"));
  after(
      seconds(1801));  // the first look that knows what was there is an hour old: none of these was
  EXPECT_THAT(kept(), UnorderedElementsAre("active", "waiting", "moving"));
  put("moving", "confirmed");
  after(seconds(3601));
  EXPECT_THAT(kept(), UnorderedElementsAre("waiting", "moving"))
      << "with the branch, and what waits stays";
  EXPECT_THAT(services_->handshake().leaves("active"), IsEmpty());
  after(seconds(3601));
  EXPECT_THAT(kept(), ElementsAre("waiting"));
}

TEST_F(Carried, GoesWhateverItSaysWhereNothingIsPaired) {
  for (int i = 0; i < 250; ++i) put("stray-" + std::to_string(i), "new");
  forget_carried(*services_);
  put("late", "new");
  after(seconds(3601));
  EXPECT_THAT(kept(), ElementsAre("late"));
}

TEST_F(Carried, StaysWhileTheClockIsWrong) {
  pair();
  put("active", "active");
  forget_carried(*services_);
  after(-seconds(86400));
  EXPECT_THAT(kept(), ElementsAre("active"));
  after(seconds(1800));
  EXPECT_THAT(kept(), ElementsAre("active"));
}

}  // namespace
}  // namespace channels
