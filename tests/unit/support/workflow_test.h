// What a workflow is called with, on databases in memory: the fixture of the tests of single workflows.
#pragma once

#include <gtest/gtest.h>

#include "unit/support/fake_databases.h"
#include "unit/support/fake_env.h"
#include "unit/support/fake_log.h"
#include "workflows/services.h"

namespace channels {

class WorkflowTest : public testing::Test {
 protected:
  static WorkflowOptions options() {
    WorkflowOptions options;
    options.handshake_db = "handshake";
    options.registry_db = "registry";
    options.control_prefix = "control-";
    options.channel_prefix = "channel-";
    options.public_url = "http://couch/";
    return options;
  }

  FakeEnv env_;
  FakeLog log_;
  FakeDatabases couch_;
  NoCredentials nobody_;
  Server server_{couch_, nobody_, "http://couch"};
  NoMailer mailer_;
  Templates templates_ = *Templates::load(std::nullopt);
  Services services_{env_, log_, server_, mailer_, templates_, options()};
};

}  // namespace channels
