// The server that COUCHDB_URL names (with COUCHDB_USER and COUCHDB_PASSWORD, an admin's), for tests that need
// a real one; databases with names of the test's own, deleted at its end.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "base/digest.h"
#include "base/env.h"
#include "couch/credentials.h"
#include "couch/database.h"
#include "http/curl_transport.h"

namespace channels {

// Real but for the wall clock, which tests move.
class ShiftedEnv : public RealEnv {
 public:
  WallTime wall_now() override { return RealEnv::wall_now() + shift; }
  std::chrono::seconds shift{0};
};

class LiveServer : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("COUCHDB_URL") == nullptr) GTEST_SKIP() << "needs COUCHDB_URL";
    server_ = std::make_unique<Server>(transport_, credentials_, variable("COUCHDB_URL"));
    tag_ = "live" + hex(env_.random_bytes(4));
  }

  void TearDown() override {
    if (!server_) return;
    for (const std::string& name : server_->database_names(tag_, 100)) {
      if (name.starts_with(tag_)) server_->request("DELETE", url_encode(name), nullptr, {404});
    }
  }

  static std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  }

  ShiftedEnv env_;
  CurlTransport transport_;
  BasicCredentials credentials_{variable("COUCHDB_USER"), variable("COUCHDB_PASSWORD")};
  std::unique_ptr<Server> server_;
  std::string tag_;
};

}  // namespace channels
