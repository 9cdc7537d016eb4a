#include "mail/text.h"

#include <gtest/gtest.h>

#include <tuple>

namespace channels {
namespace {

using namespace std::string_literals;
using Points = std::vector<char32_t>;
constexpr char32_t bad = 0xFFFD;

TEST(Text, ReadsUtf8AndMarksEachMalformedByte) {
  const std::tuple<std::string, Points> cases[] = {
      {"", {}},
      {"aZ~", {'a', 'Z', '~'}},
      {"\u00e9", {0xE9}},
      {"\u20ac", {0x20AC}},
      {"\U0001f600", {0x1F600}},
      {"\u07ff\u0800\uffff\U00010000\U0010ffff", {0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF}},
      {"\0"s, {0}},
      {"\x80", {bad}},
      {"\xff\xfe", {bad, bad}},
      {"\xc3", {bad}},
      {"\xc3(", {bad, '('}},
      {"\xe2\x82", {bad, bad}},
      {"\xc0\xaf", {bad, bad}},  // an overlong "/"
      {"\xc1\xbf", {bad, bad}},
      {"\xe0\x80\xaf", {bad, bad, bad}},  // overlong
      {"\xf0\x80\x80\xaf", {bad, bad, bad, bad}},
      {"\xed\xa0\x80", {bad, bad, bad}},           // half of a surrogate pair
      {"\xf4\x90\x80\x80", {bad, bad, bad, bad}},  // above U+10FFFF
      {"\xf5\x80\x80\x80", {bad, bad, bad, bad}},
  };
  for (const auto& [text, points] : cases) EXPECT_EQ(code_points(text), points) << text;
}

TEST(Text, WritesWhatItReads) {
  const std::string text = "a\u00e9\u07ff\u0800\u20ac\uffff\U00010000\U0010ffff";
  std::string again;
  for (const char32_t point : code_points(text)) append_utf8(again, point);
  EXPECT_EQ(again, text);
}

TEST(Text, KnowsWhatHasNoShape) {
  for (const char32_t point :
       {0x0,    0x9,    0xA,    0xD,    0x1B,   0x7F,   0x85,    0x9F,   0xAD,
        0x061C, 0x180E, 0x200B, 0x200D, 0x200E, 0x200F, 0x2028,  0x2029, 0x202A,
        0x202E, 0x2060, 0x2066, 0x2069, 0xFEFF, 0xFFFD, 0xE0001, 0xE0061})
    EXPECT_TRUE(is_invisible(point)) << std::hex << static_cast<std::uint32_t>(point);
  for (const char32_t point :
       {0x20, 0x41, 0x7E, 0xA1, 0xE9, 0x627, 0x20AC, 0x4E2D, 0xFB01, 0x1F600})
    EXPECT_FALSE(is_invisible(point)) << std::hex << static_cast<std::uint32_t>(point);
}

TEST(Text, MakesOneLine) {
  const std::tuple<std::string, std::string> cases[] = {
      {"", ""},
      {" \t\r\n ", ""},
      {"plain", "plain"},
      {"  two   words  ", "two words"},
      {"a\r\nBcc: b@example.com", "a Bcc: b@example.com"},
      {"a\0b"s, "a b"},
      {"a\u2028b\u2029c\u0085d", "a b c d"},
      {"a\u202eb\u202cc", "a b c"},
      {"a\u200b\u200b b", "a b"},
      {"a\u00a0b", "a b"},
      {"a\xff"
       "b",
       "a b"},
      {"caf\u00e9 \U0001f600", "caf\u00e9 \U0001f600"},
  };
  for (const auto& [text, line] : cases) EXPECT_EQ(single_line(text), line);
}

TEST(Text, TakesEveryBlankForOne) {
  for (const std::string blank :
       {"\u1680", "\u2000", "\u2003", "\u200a", "\u202f", "\u205f", "\u3000"})
    EXPECT_EQ(single_line("a" + blank + blank + "b"), "a b");
}

}  // namespace
}  // namespace channels
