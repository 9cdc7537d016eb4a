#include "base/utf8.h"

#include <gtest/gtest.h>

namespace channels {
namespace {

TEST(Utf8, TextIsCutBetweenCharacters) {
  EXPECT_EQ(well_formed("abc", 2), "ab");
  EXPECT_EQ(well_formed("a\xC3\xA4", 2), "a");
  EXPECT_EQ(well_formed("a\xC3\xA4", 3), "a\xC3\xA4");
  EXPECT_EQ(well_formed("\xF0\x9F\x98\x80", 3), "");
}

TEST(Utf8, EachMalformedByteIsReplaced) {
  const std::string replaced = "\xEF\xBF\xBD";
  EXPECT_EQ(well_formed("a\xFF" "b", 99), "a" + replaced + "b");
  EXPECT_EQ(well_formed("\xC0\x80", 99), replaced + replaced);              // overlong
  EXPECT_EQ(well_formed("\xED\xA0\x80", 99), replaced + replaced + replaced);  // half of a pair
  EXPECT_EQ(well_formed("\xC3", 99), replaced);                             // cut off
}

}  // namespace
}  // namespace channels
