#include "base/json.h"

#include <gtest/gtest.h>

#include "unit/support/text.h"

namespace channels {
namespace {

json::object object(std::string_view text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value) << text;
  return value ? value->as_object() : json::object();
}

// One member of each type.
const char* const every_type =
    R"({"text": "t", "empty": "", "number": 7, "negative": -7, "fraction": 1.5, "whole": 3.0, "large": 9223372036854775807,
        "too large": 9223372036854775808, "huge": 1e30, "true": true, "false": false, "null": null, "array": [1],
        "object": {"x": 1}, "digits": "7"})";

TEST(Json, GettersTakeTheirTypeOnly) {
  const json::object doc = object(every_type);
  for (const auto& [key, value] : doc) {
    const std::string name(key);
    EXPECT_EQ(get_string(doc, name).has_value(),
              name == "text" || name == "empty" || name == "digits")
        << name;
    EXPECT_EQ(get_int(doc, name).has_value(),
              name == "number" || name == "negative" || name == "whole" || name == "large")
        << name;
    EXPECT_EQ(is_true(doc, name), name == "true") << name;
    EXPECT_EQ(get_object(doc, name) != nullptr, name == "object") << name;
    EXPECT_EQ(get_array(doc, name) != nullptr, name == "array") << name;
  }
}

TEST(Json, GettersFindNothingWhereNothingIs) {
  const json::object doc = object(every_type);
  EXPECT_EQ(get_string(doc, "missing"), std::nullopt);
  EXPECT_EQ(get_int(doc, "missing"), std::nullopt);
  EXPECT_FALSE(is_true(doc, "missing"));
  EXPECT_EQ(get_object(doc, "missing"), nullptr);
  EXPECT_EQ(get_array(doc, "missing"), nullptr);
}

TEST(Json, GettersGiveTheValueOrTheDefault) {
  const json::object doc = object(every_type);
  EXPECT_EQ(string_or(doc, "text", "default"), "t");
  EXPECT_EQ(string_or(doc, "empty", "default"), "");
  EXPECT_EQ(string_or(doc, "number", "default"), "default");
  EXPECT_EQ(string_or(doc, "missing", "default"), "default");
  EXPECT_EQ(int_or(doc, "number", 1), 7);
  EXPECT_EQ(int_or(doc, "negative", 1), -7);
  EXPECT_EQ(int_or(doc, "whole", 1), 3);
  EXPECT_EQ(int_or(doc, "large", 1), 9223372036854775807);
  EXPECT_EQ(int_or(doc, "too large", 1), 1);
  EXPECT_EQ(int_or(doc, "digits", 1), 1);
  EXPECT_EQ(get_object(doc, "object")->at("x"), 1);
  EXPECT_EQ(get_array(doc, "array")->size(), 1U);
}

TEST(Json, IsParsedOrRefusedInOneSentence) {
  for (const std::string good :
       {"null", " 1 ", "\"\\u0000\"", "[]", "{\"a\": [1, {\"b\": null}]}", "\"\U0001f600\""})
    EXPECT_TRUE(parse_json(good)) << good;
  for (const std::string bad : {"", " ", "{", "{]", "[1,]", "nul", "'x'", "{\"a\": 1} x",
                                "\"\xff\"", "\"\n\"", "// c\n1", "NaN"}) {
    const auto parsed = parse_json(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_TRUE(parsed.error().reason.starts_with("not valid JSON: ")) << parsed.error().reason;
  }
}

// An attack on the stack.
TEST(Json, IsNotParsedBeyond1000Levels) {
  EXPECT_TRUE(parse_json(repeated("[", 1000) + repeated("]", 1000)));
  EXPECT_FALSE(parse_json(repeated("[", 1001) + repeated("]", 1001)));
  EXPECT_FALSE(parse_json(repeated("[", 1000000)));
  EXPECT_FALSE(parse_json(repeated("{\"a\":", 100000)));
}

// What is too much of a document is no fault of the connection, and the other way round.
TEST(Json, BeyondTheLimitsIsToldFromNoJsonAtAll) {
  EXPECT_TRUE(is_json_beyond_limits(repeated("[", 1001) + repeated("]", 1001)));
  EXPECT_TRUE(is_json_beyond_limits("1e99999999999"));
  for (const std::string no_json : {"", "<html>a proxy's page</html>", "{\"cut\": \"of", "{} {}", "[1, 2", "nul"})
    EXPECT_FALSE(is_json_beyond_limits(no_json)) << no_json;
}

TEST(Parsed, TakingTheValueOfAnErrorIsABug) {
  const auto parsed = parse_json("{");
  EXPECT_DEATH((void)parsed.value(),
               "bug: the value of an invalid input was taken: not valid JSON");
}

TEST(Parsed, CarriesAValueOrAReason) {
  const Parsed<std::string> good = std::string("text");
  const Parsed<std::string> bad = Invalid::because("the reason");
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, "text");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().reason, "the reason");
}

}  // namespace
}  // namespace channels
