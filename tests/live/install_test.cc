// What the daemon puts into CouchDB at its start and keeps there once a minute: that it comes back, and in which order.
#include "provision/install.h"

#include <gmock/gmock.h>

#include "live_server.h"
#include "provision/design_docs.h"

namespace channels {
namespace {

using ::testing::ElementsAre;

// Passes requests on, and keeps those that changed the handshake.
class Recording : public Transport {
 public:
  HttpResponse send(const HttpRequest& request) override {
    const std::size_t at = request.url.find("-handshake");
    if (at != std::string::npos && request.method != "GET")
      changes.push_back(request.method + request.url.substr(at + std::string("-handshake").size()));
    return curl_.send(request);
  }
  HttpResponse stream(const HttpRequest& request, milliseconds silence,
                      const std::function<bool(std::string_view)>& receive) override {
    return curl_.stream(request, silence, receive);
  }
  std::vector<std::string> changes;

 private:
  CurlTransport curl_;
};

class Install : public LiveServer {
 protected:
  void install_all() { install(*server_, {tag_ + "-handshake", tag_ + "-registry", 1}); }
  Database registry() { return {*server_, tag_ + "-registry"}; }
  Database handshake() { return {*server_, tag_ + "-handshake"}; }

  static Document read_design_doc(Database database) {
    return database.get("_design/channels").value_or(Document{});
  }
  static bool is_as_built(const Database& database, std::string_view folder) {
    return !mended_design_doc(folder, read_design_doc(database));
  }
};

TEST_F(Install, BringsBackWhatSomebodyDeletedOrChanged) {
  install_all();
  for (const auto& [database, folder] :
       {std::pair{registry(), "registry"}, std::pair{handshake(), "handshake"}}) {
    Database changed = database;
    ASSERT_TRUE(is_as_built(changed, folder));
    Document doc = read_design_doc(changed);
    doc.erase("views");
    ASSERT_TRUE(changed.save(doc).ok());
    install_all();
    EXPECT_TRUE(is_as_built(changed, folder)) << folder << ", changed";
    doc = read_design_doc(changed);
    ASSERT_TRUE(changed.save({{"_id", doc.at("_id")}, {"_rev", doc.at("_rev")}, {"_deleted", true}}).ok());
    install_all();
    EXPECT_TRUE(is_as_built(changed, folder)) << folder << ", deleted";
  }
}

TEST_F(Install, LeavesTheDesignDocumentOfANewerProgramAndReplacesAnOlderOne) {
  install_all();
  Document doc = read_design_doc(registry());
  const json::value ours = doc.at("version");
  doc["version"] = 999;
  doc["note"] = "newer";
  ASSERT_TRUE(registry().save(doc).ok());
  install_all();
  doc = read_design_doc(registry());
  EXPECT_EQ(string_or(doc, "note", ""), "newer");

  doc["version"] = 0;
  ASSERT_TRUE(registry().save(doc).ok());
  install_all();
  doc = read_design_doc(registry());
  EXPECT_FALSE(doc.contains("note"));
  EXPECT_EQ(doc.at("version"), ours);
}

// 3.x makes a database for admins only. Were the handshake opened first, anything could be
// written to it until the validation is there.
TEST_F(Install, OpensTheHandshakeOnlyWhenItsValidationIsThere) {
  Recording transport;
  Server server(transport, credentials_, server_->url());
  install(server, {tag_ + "-handshake", tag_ + "-registry", 1});
  EXPECT_THAT(transport.changes, ElementsAre("PUT?q=1", "POST/_bulk_docs", "PUT/_security"));
}

TEST_F(Install, ClosesTheRegistryAgain) {
  install_all();
  registry().put_security({{"admins", json::object()}, {"members", json::object()}});
  install_all();
  const json::object security = registry().security();
  EXPECT_EQ(security.at("members").at("roles"), json::array{"_admin"});
}

}  // namespace
}  // namespace channels
