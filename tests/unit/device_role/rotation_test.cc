#include "device_role/rotation.h"

#include <gtest/gtest.h>

#include "unit/support/fake_env.h"

namespace channels {
namespace {

Document paired() {
  return {{"device", "d1"}, {"state", "active"}, {"secret", "old"}, {"credential", {{"salt", "of the old"}}}};
}

TEST(Rotation, KeepsBothSecretsUntilTheNewOneIsInUse) {
  FakeEnv env;
  const Document begun = with_next_secret(env, paired());
  ASSERT_TRUE(is_rotating(begun));
  EXPECT_EQ(begun.at("secret"), "old");
  EXPECT_EQ(begun.at("next").at("number"), 1);
  const json::value next = begun.at("next").at("secret");
  EXPECT_EQ(next.as_string().size(), 64u);
  EXPECT_EQ(with_next_secret(env, begun).at("next").at("secret"), next) << "begun once";

  const Document now = after_rotation(begun, 1);
  EXPECT_FALSE(is_rotating(now));
  EXPECT_EQ(now.at("secret"), next);
  EXPECT_EQ(now.at("rotation"), 1);
  EXPECT_EQ(with_next_secret(env, now).at("next").at("number"), 2);
}

TEST(Rotation, LeavesAPairingOfAnotherNumberAlone) {
  FakeEnv env;
  const Document begun = with_next_secret(env, paired());
  EXPECT_EQ(after_rotation(begun, 2), begun);
  EXPECT_EQ(after_rotation(paired(), 1), paired());
}

TEST(Rotation, AsksForNothingAfterARevocation) {
  FakeEnv env;
  const Document revoked = after_revocation(with_next_secret(env, paired()), {});
  EXPECT_FALSE(is_rotating(revoked));
  EXPECT_FALSE(revoked.contains("secret"));
}

}  // namespace
}  // namespace channels
