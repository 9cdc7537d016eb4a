#include "device_role/put_back.h"

#include <gtest/gtest.h>

namespace channels {
namespace {

Document checkpoint(const char* session, const char* seq) {
  return {{"session_id", session}, {"source_last_seq", seq}};
}

TEST(PutBack, IsATargetThatHasLessOfTheSameSession) {
  EXPECT_TRUE(is_put_back(checkpoint("s", "80-g1AAAB"), checkpoint("s", "50-g1AAAA")));
  EXPECT_TRUE(is_put_back(checkpoint("s", "100-g1AAAB"), checkpoint("s", "99-g1AAAA")));
}

TEST(PutBack, IsNoTargetThatHasAsMuchOrMoreOrAnotherSession) {
  EXPECT_FALSE(is_put_back(checkpoint("s", "80-g1AAAB"), checkpoint("s", "80-g1AAAA")));
  EXPECT_FALSE(is_put_back(checkpoint("s", "50-g1AAAB"), checkpoint("s", "80-g1AAAA")));
  EXPECT_FALSE(is_put_back(checkpoint("s", "80-g1AAAB"), checkpoint("t", "50-g1AAAA")));
  EXPECT_FALSE(is_put_back({}, {})) << "neither has a session";
}

}  // namespace
}  // namespace channels
