#include "couch/document.h"

#include <gtest/gtest.h>

#include "couch/database.h"
#include "http/transport.h"

namespace channels {
namespace {

using namespace std::string_view_literals;

TEST(Document, PartsAreEmptyWhereThereAreNone) {
  const Document full = {{"_id", "a"}, {"_rev", "1-b"}, {"type", "device"}, {"state", "new"}};
  EXPECT_EQ(doc_id(full), "a");
  EXPECT_EQ(doc_rev(full), "1-b");
  EXPECT_EQ(doc_type(full), "device");
  EXPECT_EQ(doc_state(full), "new");
  for (const Document& doc :
       {Document{},
        Document{{"_id", 1}, {"_rev", nullptr}, {"type", json::array()}, {"state", true}}}) {
    EXPECT_EQ(doc_id(doc) + doc_rev(doc) + doc_type(doc) + doc_state(doc), "");
  }
}

TEST(Document, IsDeletedOnlyByTrue) {
  EXPECT_TRUE(is_deleted({{"_deleted", true}}));
  for (const json::value& value :
       {json::value(false), json::value("true"), json::value(1), json::value(nullptr)})
    EXPECT_FALSE(is_deleted({{"_deleted", value}}));
  EXPECT_FALSE(is_deleted({}));
}

TEST(Rev, SortsByNumberFirst) {
  const std::string ascending[] = {
      "", "1-a", "1-b", "2-a", "9-f", "10-0", "10-1", "11-0", "1000000000000-0"};
  for (std::size_t i = 0; i + 1 < std::size(ascending); ++i)
    EXPECT_LT(parse_rev(ascending[i]), parse_rev(ascending[i + 1])) << ascending[i];
  EXPECT_EQ(parse_rev("3-abc"), (Rev{3, "abc"}));
}

TEST(Rev, OfRubbishIsTheLeast) {
  for (const std::string rubbish : {"", "abc", "7", "-", "x-"})
    EXPECT_EQ(parse_rev(rubbish), Rev{}) << rubbish;
}

TEST(Document, ChangesItsStateOnly) {
  EXPECT_EQ(in_state({{"_id", "a"}, {"state", "new"}, {"x", 1}}, "ready"),
            (Document{{"_id", "a"}, {"state", "ready"}, {"x", 1}}));
}

TEST(Document, TellsItsErrorToAPerson) {
  EXPECT_EQ(in_error({{"_id", "a"}, {"state", "new"}, {"error", "old"}}, "bad_owner", "Why."),
            (Document{{"_id", "a"},
                      {"state", "error"},
                      {"error", {{"error", "bad_owner"}, {"reason", "Why."}}}}));
}

TEST(Document, HasTheSameContentWhateverRevAndOrder) {
  const Document doc = {{"_id", "a"}, {"_rev", "1-a"}, {"x", {{"p", 1}, {"q", json::array{1, 2}}}}};
  EXPECT_TRUE(same_content(
      doc, {{"x", {{"q", json::array{1, 2}}, {"p", 1}}}, {"_rev", "2-b"}, {"_id", "a"}}));
  EXPECT_TRUE(same_content(doc, {{"_id", "a"}, {"x", {{"p", 1}, {"q", json::array{1, 2}}}}}));
  for (const Document& other :
       {Document{{"_id", "b"}, {"x", {{"p", 1}, {"q", json::array{1, 2}}}}}, Document{{"_id", "a"}},
        Document{{"_id", "a"}, {"x", {{"p", 1}, {"q", json::array{2, 1}}}}},
        Document{{"_id", "a"}, {"x", {{"p", "1"}, {"q", json::array{1, 2}}}}},
        Document{{"_id", "a"}, {"x", {{"p", 1}, {"q", json::array{1, 2}}}}, {"more", nullptr}}}) {
    EXPECT_FALSE(same_content(doc, other)) << json::serialize(other);
    EXPECT_FALSE(same_content(other, doc)) << json::serialize(other);
  }
}

TEST(Document, ComparesNumbersByValueAndWholeOnesToTheLastDigit) {
  const auto same = [](std::string_view left, std::string_view right) {
    return same_content({{"n", json::parse(left)}}, {{"n", json::parse(right)}});
  };
  EXPECT_TRUE(same("[1.0, {\"m\": 1e3}]", "[1, {\"m\": 1000}]"));
  EXPECT_TRUE(same("0", "-0.0"));
  EXPECT_TRUE(same("18446744073709551615", "18446744073709551615"));
  EXPECT_FALSE(same("1.5", "1"));
  EXPECT_FALSE(same("9007199254740993", "9007199254740992"));
  EXPECT_FALSE(same("1", "\"1\""));
  EXPECT_FALSE(same("1", "true"));
  EXPECT_FALSE(same("[1]", "[1, 1]"));
  EXPECT_FALSE(same("{\"\": 1}", "{\"\": 2}"));
}

TEST(Path, OfADocumentIsOneSegment) {
  const std::pair<std::string, std::string> cases[] = {
      {"plain-1_2.3~", "plain-1_2.3~"},
      {"a/b", "a%2Fb"},
      {"a b+c?d#e%f", "a%20b%2Bc%3Fd%23e%25f"},
      {"caf\u00e9", "caf%C3%A9"},
      {"_design/x", "_design/x"},
      {"_design/x/y", "_design/x%2Fy"},
      {"_local/z z", "_local/z%20z"},
      {"_designer", "_designer"},
      {"../x", "..%2Fx"},
      {"org.couchdb.user:a", "org.couchdb.user%3Aa"},
      {"", ""}};
  for (const auto& [id, path] : cases) EXPECT_EQ(doc_path(id), path);
}

TEST(Path, EncodesAllButUnreserved) {
  const std::string unreserved = "ABCXYZabcxyz0189-_.~";
  EXPECT_EQ(url_encode(unreserved), unreserved);
  EXPECT_EQ(url_encode("\0\x7f\xff "sv), "%00%7F%FF%20");
  EXPECT_EQ(url_encode("/:?#[]@!$&'()*+,;="),
            "%2F%3A%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D");
  EXPECT_EQ(url_encode("\"<>\\^`{|}%"), "%22%3C%3E%5C%5E%60%7B%7C%7D%25");
}

}  // namespace
}  // namespace channels
