#include "workflows/mentions.h"

#include <gtest/gtest.h>

namespace channels {
namespace {

const Mentioned alice{"alice@example.com", {"digest1"}};

TEST(Mentions, AreTheAddressInWhateverLetters) {
  for (const char* text : {"alice@example.com", "ALICE@Example.com", "<alice@example.com>", "550 'alice@example.com' unknown",
                           "mailto:alice@example.com?x", "Write to alice@example.com.", "a,alice@example.com,b", "to=alice@example.com",
                           "malice@example.com and alice@example.com"})
    EXPECT_TRUE(mentions(std::string_view(text), alice)) << text;
}

TEST(Mentions, AreNoPartOfAnotherAddress) {
  for (const char* text : {"malice@example.com", "x.alice@example.com", "x+alice@example.com", "x-alice@example.com", "alice@example.com.au",
                           "alice@example.community", "alice@example.com-pany.org", "\xc3\xa4lice@example.com", "alice@example.org", "alice", ""})
    EXPECT_FALSE(mentions(std::string_view(text), alice)) << text;
}

TEST(Mentions, AreFoundAnywhereInADocument) {
  for (const char* text : {R"({"_id": "x", "a": {"b": [1, "alice@example.com"]}})", R"({"_id": "to:alice@example.com"})",
                           R"({"_id": "x", "alice@example.com": 1})", R"({"_id": "address-digest1"})"})
    EXPECT_TRUE(mentions(json::parse(text).as_object(), alice)) << text;
  EXPECT_FALSE(mentions(json::parse(R"({"_id": "x", "a": ["malice@example.com", null, 7, true]})").as_object(), alice));
}

TEST(Mentions, AreTakenOutAndNothingElse) {
  const Document doc = json::parse(R"j({"_id": "n-Alice@example.com", "_rev": "1-a", "state": "open", "count": 3, "to": "Alice@Example.COM",
      "note": "malice@example.com, alice@example.com; alice@example.com", "deep": [{"digest1": "of digest1."}]})j").as_object();
  EXPECT_EQ(without_mentions(doc, alice), json::parse(R"j({"_id": "n-Alice@example.com", "_rev": "1-a", "state": "open", "count": 3, "to": "(erased)",
      "note": "malice@example.com, (erased); (erased)", "deep": [{"(erased)": "of (erased)."}]})j").as_object());
  Document clean = doc;
  clean["_id"] = "n";
  EXPECT_FALSE(mentions(without_mentions(clean, alice), alice));
}

}  // namespace
}  // namespace channels
