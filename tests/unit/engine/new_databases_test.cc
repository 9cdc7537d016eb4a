#include "engine/new_databases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/support/fake_env.h"

namespace channels {
namespace {

std::vector<Saved> two_documents() {
  return {{Saved::Outcome::saved, "a", "1-a", ""}, {Saved::Outcome::saved, "b", "1-b", ""}};
}

class NewDatabasesTest : public testing::Test {
 protected:
  void SetUp() override {
    made_.tell([this](const std::string& database) { told_.push_back(database); });
  }
  void make(const std::string& database) {
    NewDatabases::Making making(made_, database);
    making.holds(two_documents());
  }

  FakeEnv env_;
  NewDatabases made_{env_};
  std::vector<std::string> told_;
};

TEST_F(NewDatabasesTest, AreLeftAloneUntilSomebodyLooks) {
  EXPECT_FALSE(made_.is_left_alone("db"));
  {
    NewDatabases::Making making(made_, "db");
    EXPECT_TRUE(made_.is_left_alone("db"));
    EXPECT_FALSE(made_.is_new("db")) << "its maker is not done";
    making.holds(two_documents());
    EXPECT_THAT(told_, testing::IsEmpty());
  }
  EXPECT_THAT(told_, testing::ElementsAre("db"));
  EXPECT_TRUE(made_.is_left_alone("db"));
  EXPECT_TRUE(made_.is_new("db"));
  EXPECT_EQ(made_.take("db").size(), 2U);
  EXPECT_FALSE(made_.is_left_alone("db"));
  EXPECT_TRUE(made_.take("db").empty()) << "once";
}

TEST_F(NewDatabasesTest, ThatWereGivenUpAreLookedAtAsAnyOther) {
  { const NewDatabases::Making making(made_, "db"); }
  EXPECT_THAT(told_, testing::ElementsAre("db"));
  EXPECT_FALSE(made_.is_left_alone("db"));
}

TEST_F(NewDatabasesTest, AreNewForAFewSecondsOnly) {
  make("db");
  env_.advance(seconds(11));
  EXPECT_FALSE(made_.is_left_alone("db")) << "nobody came: a hint says something again";
  EXPECT_TRUE(made_.take("db").empty());
}

TEST_F(NewDatabasesTest, AreForgottenByTheNextEngine) {
  make("db");
  made_.stop_telling();
  make("other");
  made_.tell([this](const std::string& database) { told_.push_back(database); });
  EXPECT_FALSE(made_.is_left_alone("db"));
  EXPECT_FALSE(made_.is_left_alone("other"));
  EXPECT_THAT(told_, testing::ElementsAre("db")) << "nobody listened at the second";
}

TEST_F(NewDatabasesTest, ByTwoRunsAreLeftAloneUntilBothEnd) {
  NewDatabases::Making one(made_, "db");
  { NewDatabases::Making other(made_, "db"); }
  EXPECT_TRUE(made_.is_left_alone("db"));
}

}  // namespace
}  // namespace channels
