#include "calls/differences.h"

#include <gtest/gtest.h>

namespace channels {
namespace {

std::vector<std::string> lines(const json::object& before, const json::object& after) {
  std::vector<std::string> found;
  for (const Difference& difference : differences(before, after)) found.push_back(line_of(difference));
  return found;
}

using Strings = std::vector<std::string>;

TEST(Differences, EachMemberThatIsUnlikeHasALine) {
  EXPECT_EQ(lines({{"_id", "a"}, {"_rev", "1-x"}, {"state", "new"}, {"gone", 1}, {"same", {1, 2}}},
                  {{"_id", "a"}, {"_rev", "2-y"}, {"state", "done"}, {"same", {1, 2}}, {"made", nullptr}}),
            (Strings{R"(state: "new" -> "done")", "gone: 1 -> (none)", "made: (none) -> null"}));
}

TEST(Differences, ObjectsAreLookedInto) {
  EXPECT_EQ(lines({{"a", {{"b", {{"c", 1}, {"_rev", 1}}}, {"d", 2}}}}, {{"a", {{"b", {{"c", 3}, {"_rev", 2}}}, {"d", 2}}}}),
            (Strings{"a.b.c: 1 -> 3", "a.b._rev: 1 -> 2"}));
  EXPECT_EQ(lines({{"a", json::object()}}, {{"a", 1}}), (Strings{"a: {} -> 1"}));
  EXPECT_EQ(lines({{"a", json::array{1}}}, {{"a", json::array{1, 2}}}), (Strings{"a: [1] -> [1,2]"}));
}

TEST(Differences, ALineIsFitForATerminal) {
  const auto found = lines({}, {{"\x1b[31m", std::string(500, 'x')}});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_LT(found[0].size(), 140U);
  EXPECT_EQ(found[0].find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace channels
